"""QEVD-synth: a benchmark whose truth is known, because a script says what really happened; see ``docs/synth.md``."""

__all__: list[str] = []
