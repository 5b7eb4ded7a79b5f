"""REL-04: with every provider down, answers come in bounded time with the right status."""
