"""LLM judges of feedback text: `bio`, ours, and `llm-acc`, the published one; neither is validated so far."""
