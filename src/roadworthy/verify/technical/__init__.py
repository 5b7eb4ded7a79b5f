"""The technical file of a system: headings of Annex IV, what persons wrote under them, and what a run measured."""
