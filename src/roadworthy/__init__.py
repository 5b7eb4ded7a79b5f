"""Roadworthy runs LLM systems in production and proves that they are fit for it."""

__version__ = "0.1.0"
