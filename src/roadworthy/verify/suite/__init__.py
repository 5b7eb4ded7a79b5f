"""The subject's own tests: run, read by our plug-in, and judged."""
