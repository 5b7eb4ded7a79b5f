"""One rule, one file: what it looks like, what proves it, where that is written down."""
