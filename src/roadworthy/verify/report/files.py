"""Writes a run down: every form of the report, the envelope, and its place in the chain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.core.errors import StorageError
from roadworthy.verify import history
from roadworthy.verify.output import put
from roadworthy.verify.report import junit, markdown, page, sarif, technical
from roadworthy.verify.report.record import Report, encoded
from roadworthy.verify.report.statement import readiness, signs
from roadworthy.verify.signing import signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ENVELOPE = "readiness.intoto.jsonl"


def written(report: Report, out: Path, key: Ed25519PrivateKey | None) -> str:
    """Write everything.

    Args:
        report: Of a run.
        out: Folder of the output; it holds the evidence already.
        key: Signs; an envelope of an earlier run is removed when None, because it is about another report.

    Returns:
        SHA-256 of report.json.

    Raises:
        StorageError: `store_unavailable`.
    """
    content = encoded(report)
    forms: Mapping[str, str] = {
        "report.html": page.page(report, out / "evidence"),
        "report.md": markdown.text(report),
        "technical-file.md": technical.text(report, out / "evidence"),
        "report.sarif": sarif.text(report),
        "report.junit.xml": junit.text(report),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ENVELOPE).unlink(missing_ok=True)
        for name, text in forms.items():
            put(out / name, text.encode("utf-8", "backslashreplace"))
        digest = history.append(out, content, report.number)
        put(out / "report.json", content)
        if key is not None:
            sign(report, digest, out, key)
    except OSError as error:
        why = f"{error.strerror or 'Input/output error'}."
        raise StorageError("The report cannot be written.", why) from None
    return digest


def sign(report: Report, digest: str, out: Path, key: Ed25519PrivateKey) -> None:
    """Write the envelope beside the report, and into the chain.

    Args:
        report: What is signed.
        digest: SHA-256 of report.json.
        out: Folder of the output.
        key: Signs.

    Raises:
        OSError: The disk refuses.
    """
    envelope = signed(readiness(report, digest), key)
    put(out / ENVELOPE, envelope)
    history.keep_envelope(out, digest, envelope)


def sign_earlier(out: Path, key: Ed25519PrivateKey) -> int:
    """Sign every earlier run of the chain that this key did not sign yet.

    Args:
        out: Folder of the output.
        key: Signs.

    Returns:
        How many were signed.

    Raises:
        RoadworthyError: `integrity_mismatch`: the chain is broken; what stands before the break is signed.
        OSError: The disk refuses.
    """
    count, newest = 0, True
    for at, _ in history.back(out):
        if not newest and not signs(history.envelope(out, at.report) or b"", at.report, [key.public_key()]):
            report = history.as_report(out, at.report)
            history.keep_envelope(out, at.report, signed(readiness(report, at.report), key))
            count += 1
        newest = False
    return count
