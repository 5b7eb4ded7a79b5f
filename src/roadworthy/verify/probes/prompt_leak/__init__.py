"""LLM-07: answers and errors hold neither a provider's key nor a prompt of the configuration."""
