"""Submissions, ranking, and the page that shows where a system really stands."""
