"""Bodies: poses and the files that hold them, repetitions, and what a person's angles are called."""
