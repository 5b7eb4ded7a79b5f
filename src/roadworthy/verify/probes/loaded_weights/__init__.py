"""ART-08: the running process tells the digest of the weights it loaded."""
