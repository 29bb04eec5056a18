"""Systems to compare with: none in this version."""
