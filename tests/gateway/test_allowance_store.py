"""The shared store on a real file: rates that tell the truth, days, dead workers, two processes' worth of handles."""

from __future__ import annotations

import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Resource, Return, Share
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, day_of, until_midnight_s

NOW = 1_795_219_200.0 + 3_600
DAY = day_of(NOW)


@pytest.fixture
def store(tmp_path: Path) -> SqliteAllowances:
    return SqliteAllowances(tmp_path / FILE)


def take(store: SqliteAllowances, resource: Resource, limit: int, least: int, wish: int = 0, **more: object):
    place = {"holder": 0, "at": NOW, **more}
    share = Share(resource, limit, least, max(least, wish))
    return store.lease(place["holder"], "key_a", DAY, place["at"], [share])  # type: ignore[arg-type]


@settings(max_examples=examples(60), deadline=None)
@given(
    limit=st.integers(1, 100_000),
    steps=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 50), st.booleans()), min_size=1, max_size=30),
)
def test_a_rate_is_never_exceeded_and_its_retry_after_is_true(limit: int, steps: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteAllowances(Path(folder) / FILE)
        try:
            obeyed(store, limit, steps)
        finally:
            store.close()


def obeyed(store: SqliteAllowances, limit: int, steps: list) -> None:
    """Ask at every step; those that obey a refusal ask again when it says."""
    now, taken = NOW, []
    for gap, amount, obey in steps:
        now += gap
        amount = min(amount, limit)  # noqa: PLW2901 - no request is larger than the limit
        got = take(store, "requests_per_minute", limit, amount, at=now)
        if got.short is not None:
            assert 0 < got.retry_in_s <= 60
            early = now + got.retry_in_s * 0.99 - 0.001
            if early > now:
                assert take(store, "requests_per_minute", limit, amount, at=early).short is not None, "too long a wait"
            if not obey:
                continue
            now += got.retry_in_s + 1e-6  # a float of today has steps of a quarter of a microsecond
            got = take(store, "requests_per_minute", limit, amount, at=now)
            assert got.short is None, "the wait was not true"
        taken.append((now, amount))
    for start, _ in taken:
        inside = sum(amount for at, amount in taken if start <= at < start + 60)
        assert inside <= 2 * limit + 1  # a full bucket, and what comes back in a minute


def test_a_rate_returns_what_was_not_used(store: SqliteAllowances) -> None:
    assert take(store, "requests_per_minute", 60, 1, 60).granted == (60,)
    assert take(store, "requests_per_minute", 60, 1).short == 0
    store.settle(0, NOW, [Return("key_a", DAY, "requests_per_minute", 60, 0, 10)])
    assert take(store, "requests_per_minute", 60, 1, 60).granted == (10,)


def test_a_debt_of_a_rate_must_be_waited_for(store: SqliteAllowances) -> None:
    take(store, "tokens_per_minute", 600, 100)
    store.settle(0, NOW, [Return("key_a", DAY, "tokens_per_minute", 600, 0, -500)])
    got = take(store, "tokens_per_minute", 600, 100)
    assert (got.short, round(got.retry_in_s, 3)) == (0, 10.0)


def test_a_clock_that_was_set_back_closes_a_rate_for_a_minute_at_most(store: SqliteAllowances) -> None:
    take(store, "requests_per_minute", 5, 5, at=NOW + 7_200)
    got = take(store, "requests_per_minute", 5, 1)
    assert got.short == 0
    assert got.retry_in_s <= 12
    assert take(store, "requests_per_minute", 5, 5, at=NOW + 61).short is None


def test_all_or_nothing(store: SqliteAllowances) -> None:
    shares = [Share("usd", 1_000, 10, 100), Share("tokens", 50, 60, 60), Share("concurrent", 3, 1, 1)]
    got = store.lease(0, "key_a", DAY, NOW, shares)
    assert (got.granted, got.left, got.short) == ((0, 0, 0), (1_000, 50, 3), 1)
    assert got.retry_in_s == until_midnight_s(NOW)
    assert store.used(DAY) == []


def test_workers_share_one_budget(store: SqliteAllowances) -> None:
    assert take(store, "usd", 100, 10, 70).granted == (70,)
    assert take(store, "usd", 100, 10, 70, holder=1).granted == (30,)
    assert take(store, "usd", 100, 10, holder=2).short == 0
    store.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 20, 50)])
    got = take(store, "usd", 100, 10, 70, holder=2)
    assert (got.granted, got.left) == ((50,), (0,))
    (used,) = store.used(DAY)
    assert (used.spent, used.lost, used.leased) == (20, 0, 80)


def test_a_dead_workers_slice_counts_as_spent_and_its_places_are_free(store: SqliteAllowances) -> None:
    take(store, "usd", 100, 10, 40, holder=1)
    take(store, "concurrent", 2, 2, holder=1)
    take(store, "usd", 100, 10, 30, holder=5)
    store.adopt(1, 2)
    (used,) = store.used(DAY)
    assert (used.spent, used.lost, used.leased) == (0, 70, 0)
    assert take(store, "concurrent", 2, 2).short is None
    assert take(store, "usd", 100, 31).short == 0


def test_a_worker_that_others_gave_up_tells_too_much_rather_than_too_little(store: SqliteAllowances) -> None:
    take(store, "usd", 100, 10, 40)
    store.adopt(0, 1)
    store.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 15, 25)])
    (used,) = store.used(DAY)
    assert (used.spent, used.lost, used.leased) == (15, 40, 0)


def test_a_new_day_begins_whole(store: SqliteAllowances) -> None:
    take(store, "tokens", 10, 10)
    tomorrow = day_of(NOW + 86_400)
    assert store.lease(0, "key_a", tomorrow, NOW + 86_400, [Share("tokens", 10, 10, 10)]).short is None


def test_spent_amounts_survive_and_the_file_is_private(tmp_path: Path) -> None:
    first = SqliteAllowances(tmp_path / FILE)
    take(first, "usd", 100, 60)
    first.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 60, 0)])
    first.close()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    second = SqliteAllowances(tmp_path / FILE)
    assert take(second, "usd", 100, 41).short == 0
    assert take(second, "usd", 100, 40).short is None
    second.close()


def test_the_end_of_a_day() -> None:
    assert until_midnight_s(1_795_219_200.0) == 86_400
    assert until_midnight_s(1_795_219_199.5) == 0.5
    assert (day_of(1_795_219_199.5), day_of(1_795_219_200.0)) == ("2026-11-20", "2026-11-21")


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all" * 50)
    with pytest.raises(StorageError, match="budgets cannot be read") as caught:
        take(SqliteAllowances(tmp_path / FILE), "usd", 1, 1)
    assert caught.value.code == "store_unavailable"


def test_a_refused_write_changes_nothing(tmp_path: Path) -> None:
    store = SqliteAllowances(tmp_path / FILE)
    take(store, "usd", 100, 60)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("CREATE TRIGGER stop BEFORE INSERT ON allowance_day BEGIN SELECT RAISE(ABORT, 'stop'); END")
    with pytest.raises(StorageError):
        store.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 60, 0)])
    (used,) = store.used(DAY)
    assert (used.spent, used.leased) == (0, 60)
    store.close()
