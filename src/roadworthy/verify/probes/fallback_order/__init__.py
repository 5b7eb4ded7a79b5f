"""LLM-02: fallback order, retry budget and deadline are as configured."""
