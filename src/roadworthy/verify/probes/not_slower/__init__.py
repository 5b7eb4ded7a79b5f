"""PER-06: no slower than the last signed run on the same class of machine."""
