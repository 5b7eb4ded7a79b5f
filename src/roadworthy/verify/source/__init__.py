"""Source code, read without running it: where it loads models in a way that runs what is in them."""
