"""A baseline of the files, and the check against it. A check that finds no baseline never passes by making one."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import SubjectError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify import regular
from roadworthy.verify.integrity.compare import Difference, compare
from roadworthy.verify.integrity.digest import Content, hash_entries
from roadworthy.verify.integrity.manifest import Manifest, made, manifest_of, statement
from roadworthy.verify.integrity.walk import HARMLESS, UNKNOWN, Oddity, Problem, walk
from roadworthy.verify.outcome import Status
from roadworthy.verify.tree import shown

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_MANIFEST_BYTES = 256 << 20
_NO_STEP: Callable[[int], None] = lambda done: None  # noqa: E731


Sign = Callable[[bytes], bytes]
"""Puts a payload into a signed DSSE envelope, as `verify.signing.signed` does."""
Open = Callable[[bytes], bytes]
"""Takes the payload out of an envelope that a trusted key signed, or raises, as `verify.signing.opened` does."""


class Survey(NamedTuple):
    """The files as they are now.

    Attributes:
        contents: What could be read.
        oddities: What is not plainly a file, and what could not be read.
        existing: Files that the walk met, counted before anything was read.
    """

    contents: tuple[Content, ...]
    oddities: tuple[Oddity, ...]
    existing: int


class Loaded(NamedTuple):
    """A manifest from a file.

    Attributes:
        manifest: What it says.
        signature: `pass` when a trusted key signed it, `not_measured` when no key was given or nothing was signed.
    """

    manifest: Manifest
    signature: Status


@dataclass(frozen=True, slots=True)
class Check:
    """What a comparison with the baseline found.

    Attributes:
        status: `fail` when something is different or no plain file, else `not_measured` when something is not known,
            else `pass`.
        reason: One sentence.
        difference: What was done to the files.
        oddities: What is not plainly a file.
        examined: Files that were hashed.
        existing: Files that are there.
        listed: Files that the baseline names.
        signature: Of the manifest; see `Loaded`.
        created: When the baseline was made; None when it does not say.
    """

    status: Status
    reason: str
    difference: Difference
    oddities: tuple[Oddity, ...]
    examined: int
    existing: int
    listed: int
    signature: Status
    created: datetime | None


def survey(
    root: Path,
    *,
    apart: Collection[Path] = (),
    threads: int | None = None,
    step: Callable[[int], None] = _NO_STEP,
    total: Callable[[int], None] = _NO_STEP,
) -> Survey:
    """Walk a folder and hash every file in it.

    Args:
        root: A folder, or one file.
        apart: Files that do not count.
        threads: See `hash_entries`.
        step: Told how many bytes were hashed since the last time, from any thread.
        total: Told once how many bytes there are.

    Raises:
        SubjectError: `subject_unreadable`: the root cannot be listed.
    """
    walked = walk(root, apart)
    total(sum({(entry.device, entry.inode): entry.size for entry in walked.entries}.values()))
    hashed = hash_entries(walked.entries, threads=threads, step=step)
    return Survey(hashed.contents, (*walked.oddities, *hashed.oddities), len(walked.entries))


def create(root: Path, found: Survey, now: datetime, *, ignored: Collection[str] = ()) -> Manifest:
    """The manifest of a survey.

    Args:
        root: Gives the manifest its name.
        found: Everything in it must be known and a plain file.
        now: When; aware.
        ignored: Names that were left out: that of the manifest itself, when it lies below the root.

    Raises:
        SubjectError: `subject_unreadable`: nothing is there, or something is no plain file, which no baseline holds.
    """
    if not found.contents and not found.oddities:
        raise SubjectError("There are no files to make a manifest of.", "The folder is empty.")
    bad = [odd for odd in found.oddities if odd.problem not in (*HARMLESS, Problem.CASE_CLASH)]
    if bad:
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise SubjectError(
            "A manifest of this folder would not hold everything in it.",
            f"{shown(bad[0].name) or '.'}: {bad[0].detail}{more}.",
            "Take it out of the folder, or make it readable.",
        )
    return made(root.resolve().name or "model", found.contents, now, tuple(ignored))


def save(manifest: Manifest, path: Path, sign: Sign | None = None) -> None:
    """Write a manifest, whole or not at all: a DSSE envelope, or the bare statement when nobody signs.

    Raises:
        OSError: The disk refuses.
    """
    payload = json.dumps(statement(manifest), indent=None if sign else 1, sort_keys=False).encode()
    with replacing(path, mode=0o644) as file:
        file.write((sign(payload) if sign else payload) + b"\n")


def load(path: Path, open_envelope: Open | None = None) -> Loaded:
    """Read a manifest.

    Args:
        path: A DSSE envelope, or a bare statement.
        open_envelope: Checks the signature; None when it is not to be checked.

    Raises:
        SubjectError: `baseline_missing`: the file is not there; `subject_unreadable`: it is no manifest;
            `integrity_mismatch`: it contradicts itself, or a signature was asked for and there is none.
        RoadworthyError: What `open_envelope` raises.
    """
    try:
        raw = regular.read(path, MOST_MANIFEST_BYTES)
    except FileNotFoundError:
        raise SubjectError(
            "There is no baseline to compare with.", "The manifest is not there.", code="baseline_missing"
        ) from None
    except OSError as problem:
        raise SubjectError("The manifest cannot be read.", f"{problem.strerror}.") from None
    if len(raw) > MOST_MANIFEST_BYTES:
        raise SubjectError("The manifest is too large.", f"It has more than {MOST_MANIFEST_BYTES:,} bytes.")
    values = _parsed(raw)
    sealed = isinstance(values, dict) and "payload" in values
    if open_envelope is not None:
        if not sealed:
            raise SubjectError(
                "The manifest is not signed.", "A signature was asked for.", "Sign it, or do not ask for a signature.",
                code="integrity_mismatch",
            )  # fmt: skip
        return Loaded(manifest_of(_parsed(open_envelope(raw))), Status.PASS)
    return Loaded(manifest_of(_parsed(_payload(values)) if sealed else values), Status.NOT_MEASURED)


def check(found: Survey, loaded: Loaded, *, started: datetime, own_name: str | None = None) -> Check:
    """Compare the files with a baseline.

    Args:
        found: The files now.
        loaded: The baseline.
        started: When the run that checks began, aware. A baseline that is not older was made by it and proves nothing.
        own_name: Name of the manifest below the root; the only one that a manifest may leave out.
    """
    manifest = loaded.manifest
    difference = compare(manifest.contents, found.contents, found.oddities)
    status, reason = _verdict(manifest, found, difference, started, own_name)
    return Check(
        status, reason, difference, found.oddities, len(found.contents), found.existing, len(manifest.contents),
        loaded.signature, manifest.created,
    )  # fmt: skip


def _verdict(
    manifest: Manifest, found: Survey, difference: Difference, started: datetime, own_name: str | None
) -> tuple[Status, str]:
    if difference.any:
        return Status.FAIL, f"{told(difference)}."
    bad = [odd for odd in found.oddities if odd.problem not in HARMLESS]
    wrong = [odd for odd in bad if odd.problem not in UNKNOWN]
    if wrong:
        return (
            Status.FAIL,
            f"{len(wrong)} names are no plain files, the first is {_first(wrong)}.",
        )
    left_out = [name for name in manifest.ignored if name != own_name]
    if left_out:
        return Status.FAIL, f"The manifest leaves {len(left_out)} paths out, the first is {shown(left_out[0])}."
    if bad:
        return (
            Status.NOT_MEASURED,
            f"{len(bad)} files are not known, the first is {_first(bad)}.",
        )
    if not found.contents:
        return Status.NOT_MEASURED, "There is nothing to compare."
    if manifest.created is not None and manifest.created >= started:
        return Status.NOT_MEASURED, "The baseline was made by this run, or its time lies in the future."
    return Status.PASS, f"{difference.same} files are as the baseline says."


def _first(odd: list[Oddity]) -> str:
    return f"{shown(odd[0].name) or '.'}: {odd[0].detail}"


def told(difference: Difference) -> str:
    """The numbers of a difference in words."""
    counts = {
        "changed": len(difference.changed),
        "missing": len(difference.missing),
        "added": len(difference.added),
        "renamed": len(difference.renamed),
    }
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "nothing changed"


def name_below(root: Path, path: Path) -> str | None:
    """The name of a file below the root, None when it lies elsewhere."""
    real, top = path.resolve(), root.resolve()
    return real.relative_to(top).as_posix() if real.is_relative_to(top) and real != top else None


def now() -> datetime:
    """The time of day, aware."""
    return datetime.now(UTC)


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise SubjectError("The manifest is no JSON.") from None


def _payload(values: object) -> bytes:
    import base64

    assert isinstance(values, dict)
    try:
        if values.get("payloadType") != PAYLOAD_TYPE:
            raise ValueError("payloadType")
        return base64.b64decode(values["payload"], validate=True)
    except (ValueError, TypeError):
        raise SubjectError("The manifest's envelope is damaged.", "Its payload cannot be decoded.") from None
