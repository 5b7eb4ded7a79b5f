"""Rows of a file, one at a time, whatever its size; what is no row is told as such."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

LONGEST = 1_048_576
"""Bytes of one line or field; a longer one is no row."""

Row = dict[str, str]


def rows(path: Path) -> Iterator[Row | None]:
    """The rows of a file in order; None for one that cannot be read as one.

    Numbers and nested values of JSON lines become their JSON text.

    Args:
        path: .csv and .tsv with a head line, .jsonl and .ndjson with objects; UTF-8.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        if path.suffix in (".jsonl", ".ndjson"):
            yield from _json_lines(file)
        else:
            yield from _table(file, "\t" if path.suffix == ".tsv" else ",")


def _json_lines(file: BinaryIO) -> Iterator[Row | None]:
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST)
            yield None
            continue
        if not line.strip():
            continue
        try:
            told = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            yield {name: _text(bytes(value)) for name, value in told.items()}
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield None


def _text(raw: bytes) -> str:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else "" if value is None else raw.decode()


def _table(file: BinaryIO, delimiter: str) -> Iterator[Row | None]:
    before = csv.field_size_limit(LONGEST)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        lines = iter(lambda: text.readline(LONGEST), "")  # a longer line breaks into rows that do not fit the head
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            head = next(reader, [])
        except csv.Error:
            yield None
            return
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield None
                continue
            if values:
                yield _row(head, values)
    finally:
        csv.field_size_limit(before)
        text.detach()


def _row(head: list[str], values: list[str]) -> Row | None:
    if len(head) != len(values) or len(set(head)) != len(head):
        return None
    row = dict(zip(head, values, strict=True))
    return None if any("\udc80" <= char <= "\udcff" for value in values for char in value) else row
