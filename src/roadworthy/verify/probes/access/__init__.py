"""SEC-05: every route asks for a key that may use it."""
