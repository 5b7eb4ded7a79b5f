"""PII-03: harmless text is left as it is."""
