"""Readers: files that users bring become records, or a list of located problems."""
