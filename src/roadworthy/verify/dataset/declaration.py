"""What a project says of its data sets: a file, `datasets.yaml`, reviewed like code."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.locate import Document
from roadworthy.verify import regular
from roadworthy.verify.outcome import NotMeasured, Record
from roadworthy.verify.tree import inside, shown

MOST_BYTES = 1_048_576
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Files that hold rows."""
_SHA = re.compile(r"[0-9a-f]{64}\Z")


class Role(StrEnum):
    """What a set is used for."""

    TRAIN = "train"
    VALIDATION = "validation"
    EVALUATION = "evaluation"
    CACHE = "cache"


class DataSet(Record, frozen=True):
    """One file of rows.

    Attributes:
        file: Below the root; .csv, .tsv, .jsonl or .ndjson.
        role: What it is used for.
        sha256: Of its bytes.
        rows: How many there are.
        origin: Where it comes from, in a sentence.
        item: Columns that together make an item; two rows with the same are the same item.
        columns: All columns; those of the first row when empty.
        label: Column of the label; None when there is none.
        labels: All labels there are.
        synthetic: Column that says where a row comes from; None when there is none.
        synthetic_values: Its values for rows that no person and no process of the real world made.
        no_synthetic: Why there can be no such rows, where no column says so.
        most_synthetic: Largest share of them, 0 to 1.
    """

    file: str
    role: Role
    sha256: str
    rows: int
    origin: str
    item: tuple[str, ...]
    columns: tuple[str, ...] = ()
    label: str | None = None
    labels: tuple[str, ...] = ()
    synthetic: str | None = None
    synthetic_values: tuple[str, ...] = ()
    no_synthetic: str = ""
    most_synthetic: float = 0.0


class Declaration(Record, frozen=True):
    """The whole file.

    Attributes:
        version: 1.
        sets: By name.
        undeclared: Other files of rows, or folders of them, each with why they are no data set.
    """

    version: int
    sets: dict[str, DataSet]
    undeclared: dict[str, str] = msgspec.field(default_factory=dict)


def declared(root: Path, name: str) -> Declaration:
    """Read the declaration.

    Raises:
        NotMeasured: There is none.
        ConfigError: `config_invalid`: it says something else.
    """
    path = inside(root, name)
    if path is None or not path.is_file():
        raise NotMeasured(f"There are files of rows, and no {shown(name)} says what they are.")
    content = regular.read(path, MOST_BYTES)
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{shown(name)} is too large.", f"At most {MOST_BYTES} bytes are read.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{shown(name)} is no UTF-8 text.") from None
    try:
        made = msgspec.convert(Document(text, name).data, Declaration)
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{shown(name)} does not say what a data set is.", f"{problem}.") from None
    if made.version != 1:
        raise ConfigError(f"{shown(name)}: version must be 1.")
    for set_name, each in made.sets.items():
        fault = _fault(each)
        if fault:
            raise ConfigError(f"{shown(name)}: {shown(set_name)} {fault}")
    return made


def _fault(each: DataSet) -> str:
    faults: dict[str, Any] = {
        "names no file of rows (.csv, .tsv, .jsonl, .ndjson).": not each.file.endswith(SUFFIXES),
        "has a sha256 that is none.": not _SHA.match(each.sha256),
        "names no columns that make an item.": not each.item,
        "names a column `synthetic` without values of it.": bool(each.synthetic) != bool(each.synthetic_values),
        "needs most_synthetic from 0 to 1.": not 0 <= each.most_synthetic <= 1,
        "names labels without a column for them.": bool(each.labels) and each.label is None,
    }
    return next((text for text, wrong in faults.items() if wrong), "")
