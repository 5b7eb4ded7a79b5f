"""Data that the subject declares: what it is, what is in it, and what must not be in two places."""
