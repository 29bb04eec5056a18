"""The model's commands; ``biobench`` finds them through entry points."""
