"""The judges' commands; ``biobench`` finds them through entry points."""
