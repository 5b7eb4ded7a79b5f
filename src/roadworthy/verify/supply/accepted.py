"""Licences outside of the allowed ones that a project uses knowingly: for named packages, under conditions it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.verify.supply.installed import normal
from roadworthy.verify.supply.licence import spdx
from roadworthy.verify.supply.model_licence import Asset, faults

LEAST_REASON = 15
_KEYS = {"packages", "licence", "text", "acknowledged", "because"}


class Accepted(NamedTuple):
    """An entry of the policy.

    Attributes:
        packages: Normal names; a package that is not among them is not covered.
        licence: SPDX expression, exactly as it is found.
        text: A copy of the licence in the subject.
        acknowledged: Conditions that are kept.
        because: How they are kept, in words.
    """

    packages: frozenset[str]
    licence: str
    text: str | None
    acknowledged: tuple[str, ...]
    because: str

    def covers(self, package: str, expression: str) -> bool:
        """Whether the entry is about a package that was found with a licence."""
        return package in self.packages and expression == self.licence

    def faults(self, root: Path) -> list[str]:
        """What is wrong with the entry: no copy of the licence, another text, a condition that nobody promised."""
        name = ", ".join(sorted(self.packages))
        asset = Asset(name, self.licence, self.licence, self.text, self.acknowledged, ())
        return [each.message for each in faults(asset, root)]


def accepted(rows: Sequence[object]) -> tuple[Accepted, ...]:
    """The entries of a policy.

    Args:
        rows: Mappings with `packages`, `licence`, `text`, `acknowledged` and `because`.

    Raises:
        ConfigError: `config_invalid`: an entry is something else, names no package, or gives no reason.
    """
    return tuple(_one(row) for row in rows)


def _one(row: Any) -> Accepted:
    if not isinstance(row, Mapping) or set(row) - _KEYS:
        raise ConfigError("An accepted licence is a mapping.", f"Its keys are {', '.join(sorted(_KEYS))}.")
    licence = spdx(str(row.get("licence", "")))
    because = str(row.get("because", "")).strip()
    packages = _words(row, "packages")
    wrong = {
        "names a licence that SPDX does not know": licence is None,
        "names no package": not packages or any(not each.strip("* ") for each in packages),
        "does not say how its conditions are kept": len(because) < LEAST_REASON,
    }
    for what, is_so in wrong.items():
        if is_so:
            raise ConfigError(f"An accepted licence {what}.", "", "Packages are named one by one, with `because`.")
    text = row.get("text")
    named = frozenset(normal(each) for each in packages)
    return Accepted(named, str(licence), str(text) if text else None, _words(row, "acknowledged"), because)


def _words(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    words = row.get(key) or []
    if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise ConfigError(f"{key} of an accepted licence must be a list of words.")
    return tuple(words)
