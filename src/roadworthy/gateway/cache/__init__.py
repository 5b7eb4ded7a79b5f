"""Answers kept for the same question of the same caller: keys, the store in memory, lifetimes, similarity."""
