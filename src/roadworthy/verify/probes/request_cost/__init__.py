"""PER-04: every place that tells costs tells the same, and a request costs no more than the policy allows."""
