"""LLM-01: with every provider failing there is no placeholder answer."""
