"""Systems to compare with that are not trained: blind ones, the references and shuffles of them, those that look at the body."""
