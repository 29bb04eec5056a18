"""How the models learn: examples of a benchmark, the loop, its settings, checkpoints and logs."""
