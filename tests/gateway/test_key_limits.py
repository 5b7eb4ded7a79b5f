"""Limits of keys in the key store: set, changed, taken away, told to the edge, remembered in the journal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadworthy.core.errors import UsageError
from roadworthy.core.ports import Entry
from roadworthy.gateway.key_limits import BOUNDS, changed
from roadworthy.gateway.keys import KeyStore
from roadworthy.gateway.settings import KeyLimits
from roadworthy.runtime.config import tree


class Notebook:
    """A journal in a list."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: list[Entry]) -> None:
        self.entries += entries


@pytest.fixture
def book() -> Notebook:
    return Notebook()


@pytest.fixture
def store(tmp_path: Path, book: Notebook) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "state.db", book)  # type: ignore[arg-type]
    yield store
    store.close()


def test_limits_live_with_the_key(store: KeyStore, book: Notebook) -> None:
    made, _ = store.create("app", ["use"], limits={"usd_per_day": 5, "requests_per_minute": 60})
    assert made.limits == KeyLimits(usd_per_day=5.0, requests_per_minute=60)
    assert store.get("app") == made
    assert [key.limits for key in store.active()] == [made.limits]
    store.active()
    kept = store.set_limits("app", {"requests_per_minute": None, "concurrent": 3})
    assert kept.limits == KeyLimits(usd_per_day=5.0, concurrent=3)
    assert store.changed(), "the edge must hear of it"
    assert store.set_limits(made.id, {"usd_per_day": None, "concurrent": None}).limits is None
    told = [json.loads(entry.payload) for entry in book.entries if entry.kind == "key.limited"]
    assert [(each["usd_per_day"], each["concurrent"]) for each in told] == [(5.0, 3), (None, None)]


def test_a_key_without_limits_has_none(store: KeyStore) -> None:
    store.create("app", ["use"])
    assert [key.limits for key in store.active()] == [None]


@pytest.mark.parametrize(
    "changes",
    [
        {"usd_per_day": -1}, {"usd_per_day": 1e7}, {"usd_per_day": math.nan}, {"usd_per_day": math.inf},
        {"usd_per_day": True}, {"usd_per_day": "5"}, {"tokens_per_day": 1.5}, {"requests_per_minute": 0},
        {"concurrent": 0}, {"tokens_per_minute": 10**9}, {"usd_per_year": 1},
    ],
)  # fmt: skip
def test_absurd_limits_are_refused_and_change_nothing(store: KeyStore, changes: dict) -> None:
    store.create("app", ["use"], limits={"usd_per_day": 5})
    with pytest.raises(UsageError) as caught:
        store.set_limits("app", changes)
    assert caught.value.code == "invalid_request"
    assert store.get("app").limits == KeyLimits(usd_per_day=5.0)
    with pytest.raises(UsageError):
        store.create("other", ["use"], limits=changes)
    assert [key.name for key in store.list()] == ["app"]


def test_a_dead_key_keeps_its_limits(store: KeyStore) -> None:
    store.create("app", ["use"])
    revoked = store.revoke("app")
    with pytest.raises(UsageError):
        store.set_limits(revoked.id, {"concurrent": 1})
    with pytest.raises(UsageError):
        store.set_limits("nobody", {"concurrent": 1})


def test_bounds_are_those_of_the_configuration() -> None:
    for name, (least, most) in BOUNDS.items():
        field = tree.KeyLimits.model_fields[name]
        marks = {type(mark).__name__.lower(): mark for mark in field.metadata}
        assert (marks["ge"].ge, marks["le"].le) == (least, most), name
    assert set(BOUNDS) == set(tree.KeyLimits.model_fields) == set(KeyLimits.__struct_fields__)


def test_nothing_left_is_none() -> None:
    assert changed(None, {}) is None
    assert changed(KeyLimits(concurrent=1), {"concurrent": None}) is None
    assert changed(None, {"usd_per_day": 0}) == KeyLimits(usd_per_day=0.0)
