"""SEC-03: each source of secrets is right, and a missing, empty or unreachable one fails closed."""
