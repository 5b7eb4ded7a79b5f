"""The chain of runs: each report names the one before by its hash, so that a bad run cannot be dropped silently."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import RoadworthyError, StorageError
from roadworthy.verify import plain, regular
from roadworthy.verify.instant import seconds
from roadworthy.verify.outcome import Record
from roadworthy.verify.output import put
from roadworthy.verify.report.record import Report

FOLDER = "history"
_HEAD = "head.json"
_ENVELOPE = ".intoto.jsonl"
_SHA = re.compile(r"[0-9a-f]{64}\Z")
_MOST_BYTES = 64 * 1024 * 1024
SKEW_S = 300.0
"""So far may the clocks of two machines differ."""


class Head(Record, frozen=True):
    """The newest run of a chain.

    Attributes:
        report: SHA-256 of its report.json.
        number: Its place in the chain, from 1.
    """

    report: str
    number: int


def head(out: Path) -> Head | None:
    """The newest run; None before the first.

    Raises:
        RoadworthyError: `integrity_mismatch`: the head is damaged, or names a report that is not there or was changed.
    """
    file = out / FOLDER / _HEAD
    try:
        content = regular.read(file, _MOST_BYTES)
    except FileNotFoundError:
        others = list((out / FOLDER).glob("*.json")) if (out / FOLDER).is_dir() else []
        if others:
            raise _broken("Its head is gone, and there are reports of earlier runs.") from None
        return None
    except OSError as error:
        raise _broken(f"Its head cannot be read: {error.strerror or 'input/output error'}.") from None
    try:
        found = plain.read(content, Head)
    except ValueError:
        raise _broken("Its head is damaged.") from None
    report(out, found.report)
    return found


def report(out: Path, sha256: str) -> dict[str, Any]:
    """One report of the chain, with its hash checked.

    Raises:
        RoadworthyError: `integrity_mismatch`: it is not there, or was changed.
    """
    if not _SHA.match(sha256):
        raise _broken("It names a report by something that is no SHA-256.")
    try:
        content = regular.read(out / FOLDER / f"{sha256}.json", _MOST_BYTES)
    except OSError:
        raise _broken(f"The report {sha256[:12]} is gone.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _broken(f"The report {sha256[:12]} was changed.")
    try:
        return plain.read_object(content)
    except ValueError:
        raise _broken(f"The report {sha256[:12]} is no report.") from None


def back(out: Path) -> Iterator[tuple[Head, dict[str, Any]]]:
    """The runs of the chain, the newest first.

    Raises:
        RoadworthyError: `integrity_mismatch`: as `head` and `report`.
    """
    at = head(out)
    while at is not None:
        found = report(out, at.report)
        yield at, found
        before = found.get("previous")
        sha256 = before.get("report_sha256") if isinstance(before, dict) else None
        at = Head(report=sha256, number=at.number - 1) if isinstance(sha256, str) and at.number > 1 else None


def status(report: Mapping[str, Any], check: str) -> str | None:
    """How a check ended in a report; None where there is no such check."""
    rows = report.get("checks")
    found = (each.get("status") for each in rows if each.get("id") == check) if isinstance(rows, list) else iter(())
    return next(found, None)


def as_report(out: Path, sha256: str) -> Report:
    """The same as its type.

    Raises:
        RoadworthyError: `integrity_mismatch`: as `report`, or it is of another form.
    """
    try:
        return msgspec.convert(report(out, sha256), Report)
    except msgspec.ValidationError:
        raise _broken(f"The report {sha256[:12]} is of another form.") from None


def not_later(finished: str, now: float) -> None:
    """See that a run of the chain ended before an instant: a clock that was set back makes what expired hold again.

    Args:
        finished: Of the earlier run, ISO 8601 in UTC.
        now: Seconds since the Unix epoch.

    Raises:
        RoadworthyError: `integrity_mismatch`: it ended later.
    """
    try:
        ended = seconds(finished)
    except ValueError:
        raise _broken("A time in it cannot be read.") from None
    if ended > now + SKEW_S:
        raise _broken("The run before ended later than this one begins: a clock was set back.")


def envelope(out: Path, sha256: str) -> bytes | None:
    """The envelope that was kept with a report of the chain; None when it was not signed."""
    if not _SHA.match(sha256):
        return None
    try:
        return regular.read(out / FOLDER / f"{sha256}{_ENVELOPE}", _MOST_BYTES)
    except OSError:
        return None


def keep_envelope(out: Path, sha256: str, content: bytes) -> None:
    """Keep the envelope of a report with it, so that later runs can see that it was signed.

    Raises:
        OSError: The disk refuses.
    """
    put(out / FOLDER / f"{sha256}{_ENVELOPE}", content)


def beside(out: Path, chain: Collection[str]) -> list[str]:
    """Names of reports and envelopes of runs that are no part of a chain: of one that was dropped, or told otherwise.

    Args:
        out: Folder of the output.
        chain: SHA-256 of every report of the chain.

    Raises:
        RoadworthyError: `integrity_mismatch`: the folder cannot be read.
    """
    known = {_HEAD, *(f"{each}{end}" for each in chain for end in (".json", _ENVELOPE))}
    return sorted(name for name in _runs(out) if name not in known)


def _runs(out: Path) -> list[str]:
    try:
        return [name for name in os.listdir(out / FOLDER) if name.lower().endswith((".json", _ENVELOPE))]
    except OSError as error:
        raise _broken(f"Its folder cannot be read: {error.strerror or 'input/output error'}.") from None


def _set_aside(out: Path, digest: str) -> None:
    """Move the runs of a chain that is over into a folder of their own, where they can be read and count no more."""
    found = _runs(out)
    if found:
        aside = out / FOLDER / f"until-{digest[:12]}"
        aside.mkdir(exist_ok=True)
        for name in found:
            os.replace(out / FOLDER / name, aside / name)


def append(out: Path, content: bytes, number: int) -> str:
    """Add the newest report; the first of a chain sets the runs of an earlier one aside.

    Args:
        out: Folder of the output.
        content: The bytes of report.json; it names the report before itself.
        number: Its place in the chain.

    Returns:
        Its SHA-256.

    Raises:
        StorageError: `store_unavailable`; the head is as it was.
    """
    digest = hashlib.sha256(content).hexdigest()
    folder = out / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if number == 1:
            _set_aside(out, digest)
        put(folder / f"{digest}.json", content)
        put(folder / _HEAD, msgspec.json.encode(Head(report=digest, number=number)))
    except OSError as error:
        raise StorageError(
            "The chain of runs cannot be written.", f"{error.strerror or 'Input/output error'}."
        ) from None
    return digest


def _broken(why: str) -> RoadworthyError:
    return RoadworthyError(
        "The chain of earlier runs is broken.",
        why,
        "Find out what happened to it. `roadworthy verify run --new-chain` begins another, which a gate can refuse.",
        code="integrity_mismatch",
    )
