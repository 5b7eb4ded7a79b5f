"""Nightly regression: the same questions every night through the real gateway, compared with the last good night."""
