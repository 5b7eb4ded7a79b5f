"""REL-10: a full disk or a database that is away queues or refuses, never silently."""
