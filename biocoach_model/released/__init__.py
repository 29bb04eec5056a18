"""The published BioCoach from the files that its users bring: LLaMA-2-7B, FitCoach's checkpoint, the authors' weights."""
