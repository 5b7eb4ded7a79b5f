"""What the probes of a running service share: a second edge beside it, doubles of its providers, and callers."""
