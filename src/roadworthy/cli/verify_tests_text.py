"""What `roadworthy verify baseline` and `roadworthy verify nightly` do."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from roadworthy.cli.output import Settings
from roadworthy.client.gateway import GatewayClient
from roadworthy.core.errors import RoadworthyError, SecretError, SubjectError, UsageError
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.nightly import case, page
from roadworthy.verify.nightly.forge import Forge, Opened
from roadworthy.verify.nightly.run import Night, State, asked, judged, taken_as_good
from roadworthy.verify.nightly.store import Store, stamp
from roadworthy.verify.suite import baseline

MOST_TOKEN_BYTES = 4096


class Told(NamedTuple):
    """Who is told of a night that is not good; see the options."""

    forge: str | None
    repository: str | None
    api: str | None
    token_env: str | None
    token_file: Path | None
    labels: tuple[str, ...]


def write_baseline(subject: Path, folder: Path | None, file: Path | None, out: Settings) -> None:
    """Write the counts that the last run kept as evidence.

    Raises:
        SubjectError: `subject_unreadable`: there is no run, or it ran no tests.
    """
    place = folder or subject / ".roadworthy" / "verify"
    try:
        report = msgspec.json.decode((place / "report.json").read_bytes())
        check = next(each for each in report["checks"] if each["id"] == "QUA-01")
        kept = next(each["sha256"] for each in check["evidence"] if each["label"] == baseline.LABEL)
    except OSError:
        raise SubjectError(
            "There is no run to make a baseline from.", "", "Run `roadworthy verify run` first."
        ) from None
    except (msgspec.DecodeError, StopIteration, KeyError, TypeError):
        raise SubjectError("The last run counted no tests.", "", "See what its report says of QUA-01.") from None
    counts = msgspec.json.decode(evidence_bytes(place / "evidence", kept), type=dict[str, int])
    target = file or subject / "test-baseline.json"
    made = baseline.write(target, counts)
    out.emit(
        {"baseline": target, "collected": made.collected},
        f"{made.collected} tests of {len(made.files)} files: {target}",
    )
    out.say("Read it and commit it; what is not committed counts for nothing.")


def run_night(
    file: Path, service: str, nights: Path, key_env: str | None, take_as_good: bool, told: Told, out: Settings
) -> None:
    """Ask, compare, keep, tell, and end with the exit code of the night."""
    cases = case.load(file)
    forge = _forge(told)
    store = Store(nights)
    last = store.last_good(cases.name)
    if damaged := store.damaged(cases.name):
        out.say(f"{len(damaged)} earlier nights cannot be read, so none of them is compared with: {damaged[0].name}.")
    started = stamp(time.time())
    with GatewayClient(service, _variable(key_env), fresh=True) as client:
        answers = asked(cases, client, out.say)
    night = judged(cases, answers, last and last[1], started, stamp(time.time()), last and last[0].name)
    if take_as_good:
        night = taken_as_good(night)
    place = store.add(night, page.page(night))
    gone = store.prune(time.time())
    out.detail(f"{len(gone)} old nights removed")
    opened = _tell(forge, night, place, told, f"roadworthy verify nightly {shlex.quote(file.name)} --service URL", out)
    out.emit(
        {"state": night.state, "reasons": night.reasons, "night": place, "compared": night.compared,
         "issue": None if opened is None else opened._asdict()},
        page.page(night, place.name),
    )  # fmt: skip
    raise click.exceptions.Exit(page.EXITS[night.state])


def _forge(told: Told) -> Forge | None:
    if told.forge is None:
        return None
    if told.repository is None:
        raise UsageError("The issue needs a repository.", "", "Add --repository OWNER/NAME.")
    if (told.token_env is None) == (told.token_file is None):
        raise UsageError("The issue needs a token.", "", "Add either --token-env or --token-file.")
    token = _variable(told.token_env) if told.token_file is None else _file(told.token_file)
    return Forge(told.forge, told.repository, token or "", api=told.api)


def _variable(name: str | None) -> str | None:
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        raise SecretError(f"The environment variable {name[:80]} is not set.")
    return value


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_TOKEN_BYTES).decode("utf-8", "replace").strip()
    except OSError as error:
        raise SecretError(f"The token's file cannot be read: {error.strerror or 'input/output error'}.") from None


def _tell(forge: Forge | None, night: Night, place: Path, told: Told, command: str, out: Settings) -> Opened | None:
    if forge is None or night.state is State.GOOD:
        return None
    try:
        opened = forge.open(page.issue(night, place.name, told.labels, command))
    except RoadworthyError as error:
        out.say(f"No issue was opened: {error} {error.mend}")  # the night's own exit code stands
        return None
    out.say(f"{'Issue opened' if opened.new else 'Comment added'}: {opened.url}")
    return opened
