"""Systems to compare with that need no training: blind ones, the references themselves, and shuffles of them."""
