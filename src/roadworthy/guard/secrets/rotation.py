"""Rotation: a new version in the store where the secret lies, tried before it counts, the old one valid for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from roadworthy.core.errors import RoadworthyError, SecretError, UsageError
from roadworthy.core.secret import Secret
from roadworthy.guard.secrets.chain import SecretChain

Trial = Callable[[str], None]
"""Uses the new value where it is to work; raises `RoadworthyError` when it does not."""


class Rotated(NamedTuple):
    """What a rotation or rollback did. Holds nothing that is secret.

    Attributes:
        reference: Of the secret.
        source: Where it lies.
        old_version: Before.
        new_version: Now.
        grace_s: Seconds for which the version before is still accepted.
        tried: Whether the new value was tried before it counted.
    """

    reference: str
    source: str
    old_version: str | None
    new_version: str | None
    grace_s: float
    tried: bool


def rotate(
    chain: SecretChain,
    reference: str,
    value: str,
    *,
    grace_s: float,
    trial: Trial | None = None,
    confirm: Callable[[], None] | None = None,
) -> Rotated:
    """Put a new value in the place of the current one; the old one stays readable as the version before.

    Args:
        chain: Knows where it lies, and is told the new value first, so that it is taken out of every text.
        reference: Which secret.
        value: The new value.
        grace_s: For the record: how long the old version stays valid.
        trial: Is called with the value before readers get it.
        confirm: Is called after readers get it; when it fails the version before is made current again.

    Raises:
        UsageError: The value is the current one, or the secret cannot be rotated here.
        SecretError: `secret_rotation_failed` when it did not pass; `secret_rotation_conflict` when somebody else
            changed it; what the store says. The old version is in force in every case.
    """
    store, place = chain.store(reference)
    current = store.fetch(place)
    if current is None:
        raise SecretError(f"There is no {reference} to rotate.", "", "Create it first, in the store itself.")
    new = Secret(value, current.origin)
    if new == current:
        raise UsageError(f"{reference} has this value already.", "", "Give a new one.")
    chain.offer(reference, current)
    chain.offer(reference, new)
    mark = store.stage(place, value, current.origin.version)
    try:
        if trial is not None:
            _try(reference, lambda: trial(value))
        made = store.promote(place, value, mark)
    except BaseException:
        store.discard(place, mark)
        raise
    if confirm is not None:
        try:
            _try(reference, confirm)
        except BaseException:
            store.restore(place, made.origin.version)
            chain.audit.changed("secret.rolled_back", reference, {"source": store.name, "version": made.origin.version})
            raise
    done = Rotated(reference, store.name, current.origin.version, made.origin.version, grace_s, trial is not None)
    chain.audit.changed("secret.rotated", reference, done._asdict())
    return done


def roll_back(chain: SecretChain, reference: str, *, grace_s: float) -> Rotated:
    """Make the version before current again.

    Raises:
        SecretError: `secret_missing` when there is none (any more), `secret_rotation_conflict`, what the store says.
        UsageError: The secret cannot be rotated here.
    """
    store, place = chain.store(reference)
    current = store.fetch(place)
    if current is None:
        raise SecretError(f"There is no {reference} to roll back.")
    made = store.restore(place, current.origin.version)
    chain.offer(reference, made)
    done = Rotated(reference, store.name, current.origin.version, made.origin.version, grace_s, False)
    chain.audit.changed("secret.rolled_back", reference, done._asdict())
    return done


def accepted(chain: SecretChain, reference: str, *, grace_s: float) -> list[Secret]:
    """The values that are valid now: the current one, and the one before while its grace time runs.

    For whoever checks a secret that others present. The grace time begins when the current version was written, by the
    store's clock; where that is unknown the old version is not accepted.

    Raises:
        SecretError: What the store says.
    """
    store, place = chain.store(reference)
    current = store.fetch(place)
    if current is None:
        return []
    age_s = current.origin.age_s
    before = store.previous(place) if age_s is not None and age_s < grace_s else None
    return [current] if before is None else [current, before]


def retire(chain: SecretChain, reference: str, *, grace_s: float, at_once: bool = False) -> bool:
    """Make the version before unreadable; False when there is none.

    Raises:
        UsageError: Its grace time still runs and `at_once` is not set.
        SecretError: What the store says.
    """
    store, place = chain.store(reference)
    current = store.fetch(place)
    age_s = current.origin.age_s if current is not None else None
    if not at_once and (age_s is None or age_s < grace_s):
        left = "unknown" if age_s is None else f"{grace_s - age_s:.0f} s more"
        raise UsageError(
            f"The version before of {reference} is still in its grace time.", f"Left: {left}.",
            "Wait, or end it now with --now.",
        )  # fmt: skip
    done = store.retire(place)
    if done:
        chain.audit.changed("secret.retired", reference, {"source": store.name, "at_once": at_once})
    return done


def _try(reference: str, step: Callable[[], None]) -> None:
    try:
        step()
    except RoadworthyError as error:
        raise SecretError(
            f"The new value of {reference} did not pass its trial; the old one is in force.",
            f"{error.code}: {error.what}", code="secret_rotation_failed",
        ) from None  # fmt: skip
