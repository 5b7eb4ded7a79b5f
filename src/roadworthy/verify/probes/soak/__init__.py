"""REL-09: memory, file descriptors and tasks do not grow under load."""
