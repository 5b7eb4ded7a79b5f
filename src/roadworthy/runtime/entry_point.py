"""What installed packages offer under a group of entry points.

`importlib.metadata` does the same and more, but its import alone takes half of what `roadworthy --help` may. Sources:
PyPA specifications "Entry points" and "Recording installed projects"; packages inside archives are not looked at.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_LINE = re.compile(r"([^=#;\[]+?)\s*=\s*([\w.]+)\s*(?::\s*([\w.]+)\s*)?(?:\[[^]]*\]\s*)?")
_FIELD = re.compile(r"^(Name|Version|Summary): (.*)$", re.MULTILINE)
_SEPARATOR = re.compile(r"[-_.]+")


class Offer(NamedTuple):
    """One entry point.

    Attributes:
        name: As the package wrote it.
        module: Dotted name.
        attribute: Dotted name inside the module; empty for the module itself.
        folder: The package's metadata.
    """

    name: str
    module: str
    attribute: str
    folder: str

    def load(self) -> Any:
        """Import what it names.

        Raises:
            ImportError: There is no such module, or it cannot be imported.
            AttributeError: The module has no such name.
        """
        found: Any = importlib.import_module(self.module)
        for part in self.attribute.split(".") if self.attribute else ():
            found = getattr(found, part)
        return found

    @property
    def package(self) -> str:
        """Name of the package; empty when its metadata do not say."""
        return self._field("Name")

    @property
    def version(self) -> str:
        """Version of the package; empty when its metadata do not say."""
        return self._field("Version")

    @property
    def summary(self) -> str:
        """The package in one line; empty when its metadata do not say."""
        return self._field("Summary")

    def _field(self, name: str) -> str:
        for file in ("METADATA", "PKG-INFO"):
            text = _read(os.path.join(self.folder, file)).partition("\n\n")[0]
            if text:
                return next((value.strip() for field, value in _FIELD.findall(text) if field == name), "")
        return ""


def offered(group: str, path: Sequence[str] | None = None) -> dict[str, Offer]:
    """Entry points of a group by name, sorted; of two with one name the one that Python would find first.

    Args:
        group: Name of the group.
        path: Where to look; `sys.path` when None.
    """
    found: dict[str, Offer] = {}
    for folder in _metadata(sys.path if path is None else path):
        for each in _entries(folder, group):
            found.setdefault(each.name, each)
    return dict(sorted(found.items()))


def _metadata(path: Sequence[str]) -> Iterator[str]:
    """Folders of metadata; a package that is found twice counts where it is found first."""
    seen: set[str] = set()
    for place in dict.fromkeys(path):
        try:
            names = sorted(os.listdir(place or "."))
        except OSError:
            continue
        for name in names:
            stem, dot, kind = name.rpartition(".")
            if not dot or kind not in {"dist-info", "egg-info"}:
                continue
            project = _SEPARATOR.sub("-", stem.partition("-")[0]).lower()
            if project not in seen:
                seen.add(project)
                yield os.path.join(place or ".", name)


def _entries(folder: str, group: str) -> Iterator[Offer]:
    inside = False
    for line in _read(os.path.join(folder, "entry_points.txt")).splitlines():
        text = line.strip()
        if text.startswith("["):
            inside = text == f"[{group}]"
        elif inside and (entry := _LINE.fullmatch(text)):
            yield Offer(entry[1], entry[2], entry[3] or "", folder)


def _read(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except OSError:  # no such file, or one of an installation that is under way
        return ""
