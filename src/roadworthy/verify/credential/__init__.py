"""Credentials where none may be: weak and default ones, and secrets in the tree and its history."""
