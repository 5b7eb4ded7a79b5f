"""Reads the Prometheus text format, as far as our own metrics use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Scrape:
    """One answer of /metrics.

    Attributes:
        samples: Value by name and sorted labels.
        documented: Names of the families that have a HELP line.
    """

    samples: Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
    documented: tuple[str, ...]

    def total(self, name: str, **labels: str) -> float:
        """Sum of the samples of a name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (each, found), value in self.samples.items() if each == name and wanted <= set(found))

    def has(self, name: str) -> bool:
        """Whether a family has a sample: under its name, or as a histogram."""
        return any(each in (name, f"{name}_count") for each, _ in self.samples)

    @property
    def series(self) -> int:
        """How many samples there are."""
        return len(self.samples)


def parsed(text: str) -> Scrape:
    """What a scrape says; lines that are no samples are left out."""
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    documented = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            documented.append(line.split(" ", 3)[2])
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None or line.startswith("#"):
            continue
        labels = tuple(sorted(_LABEL.findall(match[2] or "")))
        try:
            samples[match[1], labels] = float(match[3])
        except ValueError:
            continue
    return Scrape(samples, tuple(dict.fromkeys(documented)))
