"""LLM-08: a kept answer of one tenant is not served to another."""
