"""Studies of judges: whether to believe them."""
