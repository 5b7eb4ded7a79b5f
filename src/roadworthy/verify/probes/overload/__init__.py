"""REL-05: overload is shed with 429 or 503, and what fits is served."""
