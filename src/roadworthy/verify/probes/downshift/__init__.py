"""REL-03: modes step down for each cause and come back."""
