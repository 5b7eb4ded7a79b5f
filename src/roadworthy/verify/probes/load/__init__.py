"""PER-01: under an open-loop load the answers come within the policy's objective."""
