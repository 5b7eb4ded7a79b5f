"""What is really in the declared files: counted from their bytes, in bounded memory."""

from __future__ import annotations

import hashlib
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Self

from roadworthy.verify.dataset.declaration import DataSet
from roadworthy.verify.dataset.rows import Row, rows
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import file_digest, inside, shown

_BATCH = 5_000


@dataclass
class Facts:
    """What one file holds.

    Attributes:
        sha256: Of its bytes.
        rows: All of them, unreadable ones too.
        unreadable: Rows that are none.
        other_columns: Rows whose columns are not those of the set.
        unlabelled: Rows with an empty label.
        labels: Rows per label.
        synthetic: Rows that are synthetic; None when no column says so.
        first: Number of the first bad row, from 1, by what is bad.
    """

    sha256: str
    rows: int = 0
    unreadable: int = 0
    other_columns: int = 0
    unlabelled: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    synthetic: int | None = None
    first: dict[str, int] = field(default_factory=dict)


class Index:
    """Items of all sets by a hash, on disk.

    Args:
        folder: An empty place.
    """

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(Path(mkdtemp(dir=folder)) / "items.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE item (name TEXT, hash BLOB, row INTEGER, label TEXT)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()

    def add(self, items: list[tuple[str, bytes, int, str]]) -> None:
        """Items of a set: its name, hash, number of the row, label."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO item VALUES (?, ?, ?, ?)", items)
        self._database.execute("COMMIT")

    def ready(self) -> None:
        """After the last item."""
        self._database.execute("CREATE INDEX by_hash ON item (hash, name)")

    def repeated(self, name: str) -> tuple[int, int | None]:
        """How many rows of a set repeat an earlier one, and the first that does."""
        found = self._database.execute(
            "SELECT COUNT(*), MIN(later.row) FROM item AS later WHERE later.name = ? AND EXISTS "
            "(SELECT 1 FROM item AS first WHERE first.hash = later.hash AND first.name = later.name "
            "AND first.row < later.row)",
            (name,),
        ).fetchone()
        return int(found[0]), found[1]

    def contradicted(self, name: str) -> int:
        """How many items of a set have two labels."""
        found = self._database.execute(
            "SELECT COUNT(*) FROM (SELECT hash FROM item WHERE name = ? GROUP BY hash "
            "HAVING COUNT(DISTINCT label) > 1)",
            (name,),
        ).fetchone()
        return int(found[0])

    def shared(self, one: str, other: str) -> tuple[int, int | None]:
        """How many rows of `one` are items of `other` too, and the first that is."""
        found = self._database.execute(
            "SELECT COUNT(*), MIN(row) FROM item WHERE name = ? AND hash IN (SELECT hash FROM item WHERE name = ?)",
            (one, other),
        ).fetchone()
        return int(found[0]), found[1]


def examined(context: Context, sets: Mapping[str, DataSet], index: Index) -> dict[str, Facts | None]:
    """Read every declared file once.

    Args:
        context: Of the probe.
        sets: As declared.
        index: Gets the items.

    Returns:
        By name; None where the file is not there, or leads out of the root.

    Raises:
        NotMeasured: A file cannot be read.
    """
    found: dict[str, Facts | None] = {}
    for number, (name, each) in enumerate(sets.items()):
        context.progress(f"rows of {shown(name)}", number, len(sets))
        path = inside(context.root, each.file)
        try:
            found[name] = _facts(name, each, path, index) if path is not None and path.is_file() else None
        except OSError as error:
            raise NotMeasured(f"{shown(each.file)} cannot be read: {error.strerror}.") from None
    index.ready()
    return found


def _facts(name: str, declared: DataSet, path: Path, index: Index) -> Facts:
    facts = Facts(file_digest(path), synthetic=0 if declared.synthetic else None)
    columns = frozenset(declared.columns)
    batch: list[tuple[str, bytes, int, str]] = []
    for number, row in enumerate(rows(path), 1):
        facts.rows = number
        if row is None:
            facts.unreadable += 1
            facts.first.setdefault("unreadable", number)
            continue
        columns = columns or frozenset(row)
        if row.keys() != columns or not columns.issuperset(declared.item):
            facts.other_columns += 1
            facts.first.setdefault("columns", number)
        _count(facts, declared, row, number)
        batch.append((name, item_hash(row, declared.item), number, row.get(declared.label or "", "")))
        if len(batch) >= _BATCH:
            index.add(batch)
            batch.clear()
    index.add(batch)
    return facts


def _count(facts: Facts, declared: DataSet, row: Row, number: int) -> None:
    if declared.label is not None:
        label = row.get(declared.label, "").strip()
        if not label:
            facts.unlabelled += 1
            facts.first.setdefault("label", number)
        elif len(facts.labels) < 10_000 or label in facts.labels:
            facts.labels[label] = facts.labels.get(label, 0) + 1
    if declared.synthetic is not None and facts.synthetic is not None:
        facts.synthetic += row.get(declared.synthetic, "").strip() in declared.synthetic_values


def item_hash(row: Row, columns: tuple[str, ...]) -> bytes:
    """Hash of an item; case, width and spaces make no difference (Unicode NFKC, case folded), but in blank ones."""
    parts = tuple(_plain(row.get(each, "")) for each in columns)
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=16).digest()


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()) or text
