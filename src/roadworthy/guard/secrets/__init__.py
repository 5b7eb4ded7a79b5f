"""Secrets: a chain of sources, rotation, and the record of where each value came from."""
