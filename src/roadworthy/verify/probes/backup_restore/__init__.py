"""REL-08: backup and restore."""
