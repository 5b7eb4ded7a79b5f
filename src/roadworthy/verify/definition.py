"""What a check is, as its probe.yaml says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.verify.outcome import Record


class Category(StrEnum):
    """Where a check counts."""

    CODE_QUALITY = "code_quality"
    TESTING = "testing"
    SECURITY = "security"
    REPRODUCIBILITY = "reproducibility"
    PERFORMANCE = "performance"
    TRACKING = "tracking"
    DOCUMENTATION = "documentation"
    RESILIENCE = "resilience"
    PRIVACY = "privacy"
    INTEGRITY = "integrity"
    LICENCES = "licences"
    SECRETS = "secrets"
    ANSWER_QUALITY = "answer_quality"
    OBSERVABILITY = "observability"
    INCIDENT_RESPONSE = "incident_response"


class Weight(StrEnum):
    """Critical, high, medium, low: 10, 7.5, 5 and 2.5, as OpenSSF Scorecard weighs."""

    C = "C"
    H = "H"
    M = "M"
    L = "L"


class Automation(StrEnum):
    """What a check needs: nothing (A), a running service (S), data that may be missing (P), a person (H)."""

    A = "A"
    S = "S"
    P = "P"
    H = "H"


class Expiry(StrEnum):
    """How long a result holds."""

    SUBJECT = "subject"
    """While the subject's digest stays the same."""
    ADVISORY = "advisory"
    """7 days."""
    NIGHTLY = "nightly"
    """26 hours."""
    LOAD = "load"
    """30 days, and while the subject's digest stays the same."""
    DRILL = "drill"
    """90 days."""
    MANUAL = "manual"
    """90 days."""


DAY_S = 86_400
LIFETIME_S: dict[Expiry, int | None] = {
    Expiry.SUBJECT: None,
    Expiry.ADVISORY: 7 * DAY_S,
    Expiry.NIGHTLY: 26 * 3600,
    Expiry.LOAD: 30 * DAY_S,
    Expiry.DRILL: 90 * DAY_S,
    Expiry.MANUAL: 90 * DAY_S,
}
"""Seconds from the end of the evidence; None when only the subject's digest counts."""


class Setting(Record, frozen=True):
    """One thing that the policy may set for a probe.

    Attributes:
        type: `text`, `number`, `whole`, `flag`, `list`, `map` (text keys, any values).
        default: What holds when the policy does not say; None means not set.
        meaning: One sentence for the reference page.
    """

    type: str
    meaning: str
    default: Any = None


_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "whole": (int,),
    "flag": (bool,),
    "list": (list,),
    "map": (dict,),
}
_ID = re.compile(r"[A-Z]{2,8}-\d{2}\Z")


class Definition(Record, frozen=True):
    """A check.

    Attributes:
        id: Such as `ART-04`; checks of apps use a prefix of their own.
        title: What it asks, in a few words.
        category: Where it counts.
        weight: How much.
        blocker: Anything but pass (or a waiver, where one is allowed) means no GO. Always true with weight C.
        automation: What it needs.
        expiry: How long its result holds.
        rule: When it passes.
        source: Who says that this matters: standard, paper, incident.
        remediation: How to mend a failure; empty only in the catalogue, for a check without a probe.
        lacks: Why no probe measures it, as the end of a sentence; only in the catalogue, for a check without a probe.
        tags: Free words, such as `LLM03`.
        timeout_s: Seconds after which the probe is killed.
        settings: What the policy may set, by name.
        waivable: Whether a waiver is possible at all.
    """

    id: str
    title: str
    category: Category
    weight: Weight
    automation: Automation
    expiry: Expiry
    rule: str
    source: str
    remediation: str = ""
    lacks: str = ""
    blocker: bool = False
    tags: tuple[str, ...] = ()
    timeout_s: float = 120.0
    settings: dict[str, Setting] = msgspec.field(default_factory=dict)
    waivable: bool = True

    @property
    def order(self) -> tuple[str, str]:
        """Sorts checks."""
        return (self.id.split("-")[0], self.id)


def definition_of(values: object, where: str) -> Definition:
    """A definition from what its YAML file holds.

    Args:
        values: The parsed file.
        where: Its name, for the error.

    Raises:
        ConfigError: `config_invalid`: something is missing, unknown or of the wrong type.
    """
    try:
        made = msgspec.convert(values, Definition)
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{where} is no definition of a check.", f"{problem}.") from None
    if not _ID.match(made.id):
        raise ConfigError(f"{where}: the id is not of the form ART-04.", f"It is {made.id!r}.")
    if made.weight is Weight.C and not made.blocker:
        raise ConfigError(f"{where}: a critical check is a blocker.", "", "Set `blocker: true`.")
    for name, setting in made.settings.items():
        if setting.type not in _TYPES:
            raise ConfigError(f"{where}: setting {name} has no known type.", f"Types are {', '.join(_TYPES)}.")
    return made


def settled(definition: Definition, section: Mapping[str, object]) -> dict[str, object]:
    """The policy's section for a check with the defaults filled in.

    Raises:
        ConfigError: `config_invalid` for an unknown key or a value of the wrong type.
    """
    for name, value in section.items():
        setting = definition.settings.get(name)
        if setting is None:
            known = ", ".join(definition.settings) or "none"
            raise ConfigError(f"The policy sets {definition.id}.{name}, which does not exist.", f"Settings: {known}.")
        right = isinstance(value, _TYPES[setting.type]) and (setting.type == "flag" or not isinstance(value, bool))
        if not right:
            raise ConfigError(f"The policy's {definition.id}.{name} must be a {setting.type}.", "")
    return {name: section.get(name, setting.default) for name, setting in definition.settings.items()}
