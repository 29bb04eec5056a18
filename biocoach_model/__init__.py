"""The BioCoach reference model: not in this version."""
