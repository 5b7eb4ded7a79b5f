"""What is said about a model beside it: base model, data, licence, training run.

Read from the front matter of the nearest README.md (as model hubs keep it) at or above the file, and from `model.yaml`
beside it, which wins. Keys: `license`, `license_name`, `base_model`, `datasets`, `trainer_run`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from roadworthy.verify.supply.licence import spdx, spdx_of_name

MOST_CARD_BYTES = 1 << 20
FIELDS = ("base_model", "datasets", "licence", "trainer_run")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*\r?(?:\n|\Z)", re.DOTALL)
_SCALARS = (str, int, float)
_HUB_NAMES = {
    "llama2": "LicenseRef-Llama-2-Community",
    "llama3": "LicenseRef-Llama-3-Community",
    "llama3.1": "LicenseRef-Llama-3.1-Community",
    "llama3.2": "LicenseRef-Llama-3.2-Community",
    "llama3.3": "LicenseRef-Llama-3.3-Community",
    "llama4": "LicenseRef-Llama-4-Community",
    "gemma": "LicenseRef-Gemma",
    "openrail": "LicenseRef-OpenRAIL",
    "bigscience-bloom-rail-1.0": "LicenseRef-BigScience-BLOOM-RAIL-1.0",
    "creativeml-openrail-m": "LicenseRef-CreativeML-OpenRAIL-M",
}
"""What hubs write for licences that SPDX does not list → the reference that we use for them."""


class Card(NamedTuple):
    """What is said about a model; None or empty where nothing is.

    Attributes:
        base_model: What it was made from; `none` for one that was trained from nothing.
        datasets: What it was trained on.
        licence: SPDX expression, or what was written when it is none.
        trainer_run: Which run made it: a run id, a URL, a commit.
    """

    base_model: str | None = None
    datasets: tuple[str, ...] = ()
    licence: str | None = None
    trainer_run: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the fields of which nothing is said."""
        return tuple(name for name in FIELDS if not getattr(self, name))


def card(root: Path, name: str) -> Card:
    """What is said about a file.

    Args:
        root: Where the search upwards ends.
        name: Of the file, relative to the root, with `/`.
    """
    values: dict[str, Any] = {}
    for folder in reversed(PurePosixPath(name).parents):
        here = root / folder
        values |= _front_matter(here / "README.md") | _mapping(_read(here / "model.yaml"))
    return Card(
        _one(values.get("base_model")),
        _many(values.get("datasets")),
        model_licence(_one(values.get("license")), _one(values.get("license_name"))),
        _one(values.get("trainer_run")),
    )


def model_licence(licence: str | None, licence_name: str | None = None) -> str | None:
    """The SPDX expression or reference for what a card says; what it says itself when that is unknown.

    Args:
        licence: The key `license`; hubs write `other` for what they do not know.
        licence_name: The key `license_name`, which then holds.
    """
    said = licence_name if (licence or "").lower() in {"other", ""} else licence
    if not said:
        return None
    known = _HUB_NAMES.get(said.lower()) or _HUB_NAMES.get(said.lower().replace("-", "").replace("community", ""))
    return known or spdx_of_name(said) or spdx(said) or said


def _front_matter(path: Path) -> dict[str, Any]:
    match = _FRONT.match(_read(path))
    return _mapping(match[1]) if match else {}


def _mapping(text: str) -> dict[str, Any]:
    try:
        values = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return {str(key): value for key, value in values.items()} if isinstance(values, Mapping) else {}


def _read(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            return file.read(MOST_CARD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _one(value: object) -> str | None:
    """A text of one line; of a list all its texts. What is nested deeper says nothing, however much it would be."""
    if isinstance(value, list):
        value = ", ".join(str(each) for each in value[:100] if isinstance(each, _SCALARS))
    return " ".join(str(value).split())[:300] or None if isinstance(value, _SCALARS) else None


def _many(value: object) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else [value]
    return tuple(text for row in rows[:1000] if isinstance(row, _SCALARS) and (text := _one(row)))
