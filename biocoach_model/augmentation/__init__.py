"""QEVD-bio from QEVD: every remark rewritten with what was measured at its time, checked, and laid before a person."""
