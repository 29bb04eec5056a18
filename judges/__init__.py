"""LLM judges, claims in feedback text, and studies of judges: none in this version."""
