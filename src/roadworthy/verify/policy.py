"""The policy: what a project is held to. A file, `readiness.yaml`; what it does not say has defaults."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.locate import MAX_BYTES, Document
from roadworthy.verify import regular
from roadworthy.verify.definition import settled
from roadworthy.verify.outcome import Record
from roadworthy.verify.registry import Check, checks
from roadworthy.verify.technical.heading import KEYS
from roadworthy.verify.tree import LEFT_OUT

NAME = "readiness.yaml"
LEAST_CATEGORY = 70.0
LEAST_COVERAGE = 0.90
_PATH = re.compile(r"(.*?) - at `\$(.*)`")


class Thresholds(Record, frozen=True):
    """What GO needs. A policy may only ask for more than the defaults.

    Attributes:
        category: Least score of every category, 70 to 100.
        coverage: Least share of the weight that was measured, 0.9 to 1.
        max_age_days: A report is in force for so long at most, 1 to 90.
    """

    category: float = LEAST_CATEGORY
    coverage: float = LEAST_COVERAGE
    max_age_days: int = 30


class Manual(Record, frozen=True):
    """Evidence that a person gives for a check that no machine can make; it counts half.

    Attributes:
        file: In the subject, relative to its root.
        by: Who did it.
        on: When.
        says: What was seen, in a sentence.
    """

    file: str
    by: str
    on: date
    says: str


class Written(Record, frozen=True):
    """What a person wrote under a heading of the technical file.

    Attributes:
        by: Who wrote it.
        on: When.
        text: The text itself.
        page: Or where it is: a page of the subject, `docs/risk.md`, or a section of one, `docs/risk.md#who-decides`.
    """

    by: str
    on: date
    text: str = ""
    page: str = ""


class Waiver(Record, frozen=True):
    """Somebody's decision to live with one finding for a while. It scores 0, is shown, and ends.

    Attributes:
        check: Id of the check.
        fingerprint: Of the finding, exactly.
        owner: Who answers for it.
        approver: Who agreed; another person.
        reason: Why.
        created: When.
        expires: The last day on which it holds.
        ticket: Where it is followed up.
    """

    check: str
    fingerprint: str
    owner: str
    approver: str
    reason: str
    created: date
    expires: date
    ticket: str = ""


class SubjectRule(Record, frozen=True):
    """What belongs to the subject.

    Attributes:
        left_out: Names of folders that do not, besides those that tools make.
    """

    left_out: tuple[str, ...] = ()


class Policy(Record, frozen=True):
    """The whole file.

    Attributes:
        version: 1.
        name: Of the project.
        thresholds: What GO needs.
        subject: What belongs to the subject.
        probes: Settings per check; `timeout_s` besides those of the check.
        plug_ins: Ids of checks of installed apps that are to run.
        manual: Evidence of persons, per check.
        waivers: Findings that are lived with.
        technical_file: What persons wrote, per heading; see `technical.heading`.
    """

    version: int = 1
    name: str = "default"
    thresholds: Thresholds = msgspec.field(default_factory=Thresholds)
    subject: SubjectRule = msgspec.field(default_factory=SubjectRule)
    probes: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    plug_ins: tuple[str, ...] = ()
    manual: dict[str, Manual] = msgspec.field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    technical_file: dict[str, Written] = msgspec.field(default_factory=dict)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of all folders that are not the subject's."""
        return tuple(dict.fromkeys((*LEFT_OUT, *self.subject.left_out)))

    def sections(self) -> dict[str, dict[str, Any]]:
        """Settings per check without `timeout_s`."""
        return {id: {key: val for key, val in each.items() if key != "timeout_s"} for id, each in self.probes.items()}

    def timeouts(self) -> dict[str, float]:
        """Seconds per check, where they are said."""
        return {id: float(each["timeout_s"]) for id, each in self.probes.items() if "timeout_s" in each}


class Loaded(Record, frozen=True):
    """A policy and the bytes that it was read from.

    Attributes:
        policy: What they say.
        content: As they lie in the file; empty for the defaults.
    """

    policy: Policy
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


def load(file: Path | None, root: Path) -> Loaded:
    """Read the policy.

    Args:
        file: Where it is; `readiness.yaml` in the root when None, and the defaults when that is not there.
        root: The subject.

    Raises:
        ConfigError: `config_invalid`: it is not there, not readable, or says something that does not exist.
    """
    path = root / NAME if file is None else file
    if file is None and not path.exists():
        return Loaded(policy=Policy(), content=b"")
    try:
        content = regular.read(path, MAX_BYTES)
    except OSError as error:
        raise ConfigError(
            f"The policy {path.name} cannot be read.", f"{error.strerror or 'Input/output error'}."
        ) from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"The policy {path.name} is too large.", f"At most {MAX_BYTES} bytes are read.")
    return Loaded(policy=policy_of(content, path.name), content=content)


def policy_of(content: bytes, name: str = NAME, *, here: bool = True) -> Policy:
    """The policy that a file's bytes say.

    Args:
        content: Of the file.
        name: Of the file, for errors.
        here: Whether its checks must be known and its plug-ins installed here; a gate needs neither.

    Raises:
        ConfigError: `config_invalid`, as `load`.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"The policy {name} is no UTF-8 text.") from None
    document = Document(text, name)
    try:
        policy = msgspec.convert(document.data, Policy)
    except msgspec.ValidationError as problem:
        raise _told(str(problem), document, name) from None
    _within_bounds(policy, name)
    if here:
        _known(policy, checks(policy.plug_ins), name)
    return policy


def _told(problem: str, document: Document, name: str) -> ConfigError:
    match = _PATH.match(problem)
    text, path = (match[1], match[2].lstrip(".")) if match else (problem, "")
    top = path.split(".")[0].split("[")[0]
    line = document.lines.get((top,)) if top else None
    where = f"{name}:{line}" if line else name
    at = f" (at {path.replace('[...]', '')})" if path else ""
    return ConfigError(f"{where}: {text}{at}.", "", "See docs/how-to/verify-a-project.md for what a policy may say.")


def _within_bounds(policy: Policy, name: str) -> None:
    bounds = policy.thresholds
    if policy.version != 1:
        raise ConfigError(f"{name}: version must be 1.", "This is the only version that there is.")
    if not LEAST_CATEGORY <= bounds.category <= 100:
        raise ConfigError(
            f"{name}: thresholds.category must be {LEAST_CATEGORY:g} to 100.", "It may only ask for more."
        )
    if not LEAST_COVERAGE <= bounds.coverage <= 1:
        raise ConfigError(f"{name}: thresholds.coverage must be {LEAST_COVERAGE:g} to 1.", "It may only ask for more.")
    if not 1 <= bounds.max_age_days <= 90:
        raise ConfigError(f"{name}: thresholds.max_age_days must be 1 to 90.")
    for id, section in policy.probes.items():
        timeout = section.get("timeout_s", 1.0)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 1 <= timeout <= 86_400:
            raise ConfigError(f"{name}: probes.{id}.timeout_s must be 1 to 86400 seconds.")
    _headings(policy, name)
    for folder in policy.subject.left_out:
        if not folder or "/" in folder or folder in (".", ".."):
            raise ConfigError(f"{name}: subject.left_out holds names of folders.", "A path, `.` and `..` are none.")


def _headings(policy: Policy, name: str) -> None:
    for key, written in policy.technical_file.items():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            mend = f"Did you mean {near[0]}?" if near else f"Headings: {', '.join(KEYS)}."
            raise ConfigError(f"{name}: technical_file has no heading {key[:40]!r}.", "", mend)
        if written.text and written.page:
            raise ConfigError(f"{name}: technical_file.{key} says both text and page.", "One of them is printed.")


def _known(policy: Policy, known: dict[str, Check], name: str) -> None:
    _all_known(policy.probes, known, f"{name}: probes")
    _all_known(policy.manual, known, f"{name}: manual")
    _all_known((each.check for each in policy.waivers), known, f"{name}: waivers")
    for id, section in policy.sections().items():
        settled(known[id].definition, section)
    for id in policy.manual:
        if known[id].definition.automation != "H":
            raise ConfigError(
                f"{name}: {id} is measured by a machine.",
                "",
                "Only checks that need a person (H) take manual evidence.",
            )


def _all_known(ids: Iterable[str], known: dict[str, Check], where: str) -> None:
    for id in ids:
        if id not in known:
            near = difflib.get_close_matches(id, known, 1)
            mend = f"Did you mean {near[0]}?" if near else "`roadworthy verify probes` lists the checks."
            raise ConfigError(f"{where} names {id[:40]!r}, which is no check.", "", mend)
