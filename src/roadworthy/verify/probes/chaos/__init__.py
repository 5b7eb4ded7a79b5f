"""REL-01: every chaos scenario that the policy names was executed."""
