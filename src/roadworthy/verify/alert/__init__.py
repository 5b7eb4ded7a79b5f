"""Alert rules for Prometheus: found by content, loaded and tested by its own tool, each shown firing and quiet."""
