"""Check digits, dates, surroundings: what several rules ask."""
