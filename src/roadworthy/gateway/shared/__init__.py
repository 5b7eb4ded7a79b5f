"""Limits that replicas share: the store in Valkey or Redis, and what holds while it is away."""
