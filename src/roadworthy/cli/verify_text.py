"""What `roadworthy verify run`, `report`, `probes`, `gate` and `sign` do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from roadworthy.cli.output import Settings
from roadworthy.core.errors import ConfigError, Exit, SubjectError, UsageError
from roadworthy.serve.wiring_verify import PORTS, ports
from roadworthy.verify import gate as gate_room
from roadworthy.verify import inspection, output, plain, policy, signing
from roadworthy.verify.closed import close_to_others
from roadworthy.verify.registry import checks
from roadworthy.verify.report import files, junit, markdown, page, reading, sarif, technical, terminal
from roadworthy.verify.report.record import Report

EXITS: Mapping[str, Exit] = {"GO": Exit.GOOD, "NO-GO": Exit.JUDGED_BAD, "INCOMPLETE": Exit.COULD_NOT_FIND_OUT}
_COLORS = {"GO": "green", "NO-GO": "red", "INCOMPLETE": "yellow"}


class Wanted(NamedTuple):
    """The options of `verify run`; see there."""

    subject: Path
    folder: Path | None
    policy: Path | None
    service: str | None
    deployed: str | None
    key: Path | None
    only: tuple[str, ...]
    processes: int | None
    new_chain: bool


def run(wanted: Wanted, out: Settings) -> None:
    """Inspect, write the report, show it, and end with the exit code of its verdict."""
    close_to_others()  # the tests of the subject run as the same user, and this process may hold a key
    root = wanted.subject.resolve()
    place = root / ".roadworthy" / "verify" if wanted.folder is None else wanted.folder.resolve()
    key = None if wanted.key is None else signing.private_key(wanted.key)
    asked = inspection.Asked(
        root=root,
        out=place,
        policy=policy.load(wanted.policy, root),
        ports=PORTS,
        masker=ports().masker,
        clock=time.time,
        service=wanted.service,
        deployed=_deployed(wanted.deployed),
        only=wanted.only,
        processes=wanted.processes,
        new_chain=wanted.new_chain,
        told=lambda check, text: out.say(f"{check}: {text}"),
    )
    inspection.known(asked)
    with output.taken(place, root):
        report = inspection.inspect(asked)
        digest = files.written(report, place, key)
    _show(report, out)
    out.say(f"Report: {place / 'report.html'} (sha256 {digest[:16]}, {'signed' if key else 'not signed'})")
    raise click.exceptions.Exit(EXITS[report.verdict.decision])


def _deployed(said: str | None) -> Path | str | None:
    if said is None:
        return None
    if said.startswith("sha256:"):
        if len(said) != 71 or not set(said[7:].lower()) <= set("0123456789abcdef"):
            raise UsageError("sha256: must be followed by 64 hexadecimal digits.")
        return said.lower()
    path = Path(said)
    if not path.is_dir():
        raise UsageError(f"{said} is no folder.", "", "Name a folder, or its digest as sha256:….")
    return path


def _show(report: Report, out: Settings) -> None:
    text = terminal.text(report)
    head, _, rest = text.partition("\n")
    out.emit(report, out.paint(head, _COLORS[report.verdict.decision]) + "\n" + out.paint(rest, "reset"))


def show(folder: Path, form: str, out: Settings) -> None:
    """Print a report that was made before.

    Raises:
        SubjectError: `subject_unreadable`: there is none, or it is of another form.
    """
    report, content = _stored(folder)
    forms: dict[str, Callable[[], str]] = {
        "html": lambda: page.page(report, folder / "evidence"),
        "markdown": lambda: markdown.text(report),
        "json": content.decode,
        "sarif": lambda: sarif.text(report),
        "junit": lambda: junit.text(report),
        "technical": lambda: technical.text(report, folder / "evidence"),
    }
    if form == "text" or out.json:
        _show(report, out)
    else:
        click.echo(forms[form](), nl=False)


def _stored(folder: Path) -> tuple[Report, bytes]:
    try:
        content = (folder / "report.json").read_bytes()
        return plain.read(content, Report), content
    except OSError as error:
        why = f"{error.strerror or 'Input/output error'}."
        raise SubjectError("There is no report.", why, "`roadworthy verify run` makes one.") from None
    except ValueError:
        raise SubjectError("report.json is no report of this version.") from None


def list_probes(out: Settings) -> None:
    """Every check of the catalogue, and what implements it."""
    heads = ["id", "weight", "blocker", "needs", "probe", "title"]
    rows = [
        (id, each.definition.weight, "yes" if each.definition.blocker else "", each.definition.automation,
         each.origin if each.module else _without(id), each.definition.title)
        for id, each in checks().items()
    ]  # fmt: skip
    out.emit([dict(zip(heads, row, strict=True)) for row in rows], out.table(heads, rows))
    out.say("needs: A nothing, S a running service, P data that may be missing, H a person.")


def _without(id: str) -> str:
    from roadworthy.verify.selfcheck import OWN

    return "built-in" if id in OWN else "none yet"


def judge(
    folder: Path, keys: Sequence[Path], subject: str, pinned: Path | None, seen: Path | None, out: Settings
) -> None:
    """Judge a signed report and end with the exit code of the decision."""
    deployed = _deployed(subject)
    assert deployed is not None
    ruling = gate_room.gate(
        gate_room.Asked(
            folder=folder.resolve(),
            keys=[signing.public_key(each) for each in keys],
            deployed=deployed if isinstance(deployed, str) else deployed.resolve(),
            policy=None if pinned is None else _bytes(pinned),
            seen=seen,
            now=time.time(),
        )
    )
    lines = [f"  {reason}" for reason in ruling.reasons]
    score = "unknown" if ruling.score is None else f"{ruling.score:g}"
    lines.append(f"  score {score}, run {ruling.number}, signed by {ruling.key_id[:16]}")
    lines += [f"  {reading.outside(ruling.apart)}"] if ruling.apart else []
    lines += terminal.chosen(ruling.choices)
    out.emit(ruling, out.paint(ruling.decision, _COLORS[ruling.decision]) + "\n" + "\n".join(lines))
    raise click.exceptions.Exit(EXITS[ruling.decision])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read.", f"{error.strerror or 'Input/output error'}.") from None


def sign(folder: Path, key: Path, earlier: bool, out: Settings) -> None:
    """Sign a report that was made before, and with `earlier` the runs before it that this key did not sign."""
    report, content = _stored(folder)
    secret = signing.private_key(key)
    digest = hashlib.sha256(content).hexdigest()
    try:
        files.sign(report, digest, folder, secret)
        count = files.sign_earlier(folder, secret) if earlier else 0
    except OSError as error:
        raise ConfigError("The signature cannot be written.", f"{error.strerror or 'Input/output error'}.") from None
    name = signing.key_id(secret.public_key())
    told = f"signed by {name}" + (f", and {count} earlier runs" if earlier else "")
    out.emit({"report_sha256": digest, "key_id": name, "envelope": folder / files.ENVELOPE, "earlier": count}, told)
