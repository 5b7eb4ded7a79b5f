"""Licences of models and data: the text is there, its name is one of SPDX, and what it asks for is acknowledged.

A licence that is ticked while its text is "to be added" is not there; a condition that nobody acknowledged is not met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.verify import tree
from roadworthy.verify.supply.licence import spdx
from roadworthy.verify.supply.licence_text import recognised
from roadworthy.verify.supply.model_card import model_licence

MOST_TEXT_BYTES = 1 << 20
LEAST_TEXT_CHARACTERS = 200
"""A shorter text is a note that there will be one."""

USERS = "under-700-million-monthly-users"
OUTPUTS = "outputs-not-used-to-train-other-models"
CONDITIONS: dict[str, tuple[str, ...]] = {
    "Apache-2.0": ("keep-notices",),
    "MIT": ("keep-notices",),
    "BSD-2-Clause": ("keep-notices",),
    "BSD-3-Clause": ("keep-notices",),
    **dict.fromkeys(
        [f"LGPL-{version}-{how}" for version in ("2.0", "2.1", "3.0") for how in ("only", "or-later")],
        ("keep-notices", "licence-text-goes-along", "library-can-be-replaced", "changes-to-it-are-published"),
    ),
    "CC-BY-4.0": ("name-the-authors",),
    "CC-BY-SA-4.0": ("name-the-authors", "share-alike"),
    "CC-BY-NC-4.0": ("name-the-authors", "no-commercial-use"),
    "LicenseRef-Llama-2-Community": ("keep-notices", USERS, OUTPUTS),
    "LicenseRef-Llama-3-Community": ("keep-notices", USERS, OUTPUTS, "built-with-llama-is-shown"),
    "LicenseRef-Llama-3.1-Community": (
        "keep-notices",
        USERS,
        "built-with-llama-is-shown",
        "derived-models-named-llama",
    ),
    "LicenseRef-Llama-3.2-Community": (
        "keep-notices",
        USERS,
        "built-with-llama-is-shown",
        "derived-models-named-llama",
    ),
    "LicenseRef-Llama-3.3-Community": (
        "keep-notices",
        USERS,
        "built-with-llama-is-shown",
        "derived-models-named-llama",
    ),
    "LicenseRef-Llama-4-Community": ("keep-notices", USERS, "built-with-llama-is-shown", "derived-models-named-llama"),
    "LicenseRef-Gemma": ("keep-notices", "use-restrictions-are-passed-on"),
    "LicenseRef-OpenRAIL": ("use-restrictions-are-passed-on",),
    "LicenseRef-BigScience-BLOOM-RAIL-1.0": ("use-restrictions-are-passed-on",),
    "LicenseRef-CreativeML-OpenRAIL-M": ("use-restrictions-are-passed-on",),
}
"""What each licence asks for. Llama 2 and 3 forbid training other models on outputs; 3.1 and later allow it for models
whose name begins with Llama (the agreements, section 1.b)."""


class Asset(NamedTuple):
    """A model or a set of data as the policy declares it.

    Attributes:
        name: Of the asset.
        licence: SPDX expression or reference; None when it is neither.
        written: As the policy writes it.
        text: The licence's text, relative to the subject; None when none is named.
        acknowledged: Conditions that somebody promised to keep.
        covers: Names of files or folders that it is about, relative to the subject.
    """

    name: str
    licence: str | None
    written: str
    text: str | None
    acknowledged: tuple[str, ...]
    covers: tuple[str, ...]


class Fault(NamedTuple):
    """What is wrong with an asset: a rule, and a sentence."""

    rule: str
    message: str


def assets(declared: Sequence[object]) -> tuple[Asset, ...]:
    """The assets that a policy declares.

    Args:
        declared: Mappings with `name`, `licence`, `text`, `acknowledged`, `covers`.

    Raises:
        ConfigError: `config_invalid`: an entry is no such mapping, or acknowledges what no licence asks for.
    """
    return tuple(_asset(each) for each in declared)


def faults(asset: Asset, root: Path) -> tuple[Fault, ...]:
    """What is wrong with an asset; empty when nothing is.

    Args:
        asset: As declared.
        root: The subject.
    """
    found: list[Fault] = []
    if asset.licence is None:
        found.append(Fault("licence", f"{asset.name}: {asset.written[:80]!r} is no SPDX expression."))
    found += _text_faults(asset, root)
    parts = () if asset.licence is None else _parts(asset.licence)
    asked = {condition for part in parts for condition in CONDITIONS.get(part, ())}
    found += [
        Fault("condition", f"{asset.name}: {condition} is not acknowledged.")
        for condition in sorted(asked - set(asset.acknowledged))
    ]
    found += [
        Fault("unknown_terms", f"{asset.name}: what {part} asks for is not known here; acknowledge read-by-a-person.")
        for part in parts
        if part not in CONDITIONS and "read-by-a-person" not in asset.acknowledged
    ]
    return tuple(found)


def _text_faults(asset: Asset, root: Path) -> list[Fault]:
    if asset.text is None:
        return [Fault("text", f"{asset.name}: the policy names no licence text.")]
    path = tree.inside(root, asset.text)
    if path is None or not path.is_file():
        return [Fault("text", f"{asset.name}: the licence text {tree.shown(asset.text)} is not there.")]
    with path.open("rb") as file:
        text = file.read(MOST_TEXT_BYTES).decode("utf-8", "replace")
    if len(text.strip()) < LEAST_TEXT_CHARACTERS:
        return [Fault("text", f"{asset.name}: {tree.shown(asset.text)} is too short to be a licence.")]
    seen = recognised(text)
    wanted = set() if asset.licence is None else set(_parts(asset.licence))
    if seen and wanted and not wanted & {*seen, *(_or_later(each) for each in seen)}:
        return [Fault("text", f"{asset.name}: {tree.shown(asset.text)} is the text of {', '.join(seen)}.")]
    return []


def _or_later(name: str) -> str:
    return name.replace("-only", "-or-later")


def _parts(expression: str) -> list[str]:
    words = expression.replace("(", " ").replace(")", " ").split()
    return [
        word for place, word in enumerate(words) if word not in {"AND", "OR", "WITH"} and words[place - 1] != "WITH"
    ]


def _asset(declared: Any) -> Asset:
    if not isinstance(declared, Mapping) or not isinstance(declared.get("name"), str):
        raise ConfigError("The policy declares a model or data without a name.", "Each entry is a mapping with `name`.")
    name = declared["name"]
    unknown = sorted(set(declared) - {"name", "licence", "text", "acknowledged", "covers"})
    if unknown:
        raise ConfigError(f"The policy's entry {name} has the key {unknown[0]}, which does not exist.")
    acknowledged, covers = _words(declared, "acknowledged"), _words(declared, "covers")
    known = {condition for rows in CONDITIONS.values() for condition in rows} | {"read-by-a-person"}
    wrong = sorted(set(acknowledged) - known)
    if wrong:
        raise ConfigError(
            f"{name} acknowledges {wrong[0]!r}, which no licence asks for.", f"Known: {', '.join(sorted(known))}."
        )
    written = str(declared.get("licence") or "")
    named = model_licence(written)
    text = declared.get("text")
    return Asset(
        name, spdx(named) if named else None, written, str(text) if text else None, tuple(acknowledged), tuple(covers)
    )


def _words(declared: Mapping[str, Any], key: str) -> list[str]:
    rows = declared.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise ConfigError(f"{declared['name']}: {key} must be a list of words.")
    return rows
