"""REL-06: a drained edge finishes what it began, and a killed one comes back with its records whole."""
