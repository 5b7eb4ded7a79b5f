"""The report of a run: one record, and the forms in which it is read."""
