"""Submissions and the leaderboard page: not in this version."""
