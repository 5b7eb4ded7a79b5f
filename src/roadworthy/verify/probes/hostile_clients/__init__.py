"""SEC-06: large bodies, slow clients and header bombs hit a limit while others are served."""
