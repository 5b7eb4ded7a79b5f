"""PER-03: the load at which latency or errors break their limits is at least twice the expected peak."""
