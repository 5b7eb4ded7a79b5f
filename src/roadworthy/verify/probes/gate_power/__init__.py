"""QUA-04: the quality gate stops seeded bad answers and lets good ones pass."""
