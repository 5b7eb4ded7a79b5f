"""Batches in OpenAI's shape: files of requests that are worked off line by line. Used by the worker process only."""
