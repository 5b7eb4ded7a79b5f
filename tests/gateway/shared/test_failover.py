"""While the shared store is away: budgets from what is leased, rates and places from a part of our own, then back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Lease, Return, Share
from roadworthy.gateway.allowance_store import SqliteAllowances, day_of
from roadworthy.gateway.shared.failover import MINUTE_S, RETRY_S, FailoverAllowances

NOW = 1_795_219_200.0 + 3_600
DAY = day_of(NOW)


class Server(SqliteAllowances):
    """Stands for the shared store; can be away."""

    away = False
    asked = 0

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        self._reach()
        return super().lease(holder, key_id, day, at, shares)

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        self._reach()
        super().settle(holder, at, returns)

    def adopt(self, holder: int, holders: int) -> None:
        self._reach()
        super().adopt(holder, holders)

    def _reach(self) -> None:
        self.asked += 1
        if self.away:
            raise StorageError("The budgets that replicas share cannot be reached.", "")


class Rig:
    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.server = Server(folder / "shared.db")
        self.own = SqliteAllowances(folder / "own.db")
        self.store = FailoverAllowances(self.server, self.own, lambda: 4, lambda: self.now)
        self.store.adopt(0, 2)

    def take(self, resource: str, limit: int, least: int, wish: int = 0) -> Lease:
        share = Share(resource, limit, least, max(least, wish))  # type: ignore[arg-type]
        return self.store.lease(0, "key_a", DAY, NOW, [share])

    def give_back(self, resource: str, limit: int, unused: int, spent: int = 0) -> None:
        self.store.settle(0, NOW, [Return("key_a", DAY, resource, limit, spent, unused)])  # type: ignore[arg-type]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_nothing_new_of_a_budget_is_leased(rig: Rig) -> None:
    assert rig.take("usd", 100, 10, 30).granted == (30,)
    rig.server.away = True
    for resource in ("usd", "tokens"):
        with pytest.raises(StorageError, match="cannot be reached"):
            rig.take(resource, 100, 1)
    with pytest.raises(StorageError):
        rig.give_back("usd", 100, 10, 20)
    rig.server.away, rig.now = False, RETRY_S
    rig.give_back("usd", 100, 10, 20)
    assert rig.take("usd", 100, 80).granted == (80,)


def test_rates_and_places_are_our_part_of_the_limit(rig: Rig) -> None:
    rig.server.away = True
    assert rig.take("requests_per_minute", 100, 1, 100).granted == (25,)
    assert rig.take("requests_per_minute", 100, 1).short == 0
    assert rig.take("concurrent", 8, 1, 8).granted == (2,)
    assert rig.take("concurrent", 8, 1).short == 0
    assert rig.take("concurrent", 1, 1).short == 0


def test_nobody_gets_less_than_one(rig: Rig) -> None:
    rig.server.away = True
    assert rig.take("concurrent", 2, 1, 2).granted == (1,)


def test_places_go_back_to_whom_they_came_from(rig: Rig) -> None:
    assert rig.take("concurrent", 8, 1, 3).granted == (3,)
    rig.server.away = True
    assert rig.take("concurrent", 8, 1, 2).granted == (2,)
    rig.server.away, rig.now = False, RETRY_S
    rig.give_back("concurrent", 8, 5)
    assert rig.take("concurrent", 8, 8).granted == (8,)
    rig.give_back("concurrent", 8, 8)
    rig.server.away, rig.now = True, 10.0
    assert rig.take("concurrent", 8, 2).granted == (2,)


def test_our_part_of_a_rate_is_not_given_to_the_others(rig: Rig) -> None:
    rig.take("requests_per_minute", 60, 60)
    rig.server.away = True
    rig.take("requests_per_minute", 60, 10)
    rig.server.away, rig.now = False, RETRY_S
    rig.give_back("requests_per_minute", 60, 10)
    assert rig.take("requests_per_minute", 60, 1).short == 0
    rig.now += MINUTE_S
    rig.give_back("requests_per_minute", 60, 10)
    assert rig.take("requests_per_minute", 60, 10).short is None


def test_a_server_that_is_away_is_not_asked_each_time(rig: Rig) -> None:
    rig.server.away = True
    for _ in range(20):
        rig.take("requests_per_minute", 6_000, 1)
    assert rig.server.asked == 1
    rig.now = RETRY_S
    rig.take("requests_per_minute", 6_000, 1)
    assert rig.server.asked == 2


def test_a_dead_predecessor_is_closed_when_the_server_is_back(rig: Rig) -> None:
    rig.server.lease(0, "key_a", DAY, NOW, [Share("concurrent", 2, 2, 2)])
    rig.server.away = True
    rig.take("requests_per_minute", 60, 1)
    rig.server.away, rig.now = False, RETRY_S
    assert rig.take("concurrent", 2, 2).short is None


def test_what_the_shared_store_took_is_not_told_to_it_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.take("usd", 100, 50)
    rig.server.away = True
    rig.take("concurrent", 8, 2)
    rig.server.away, rig.now = False, RETRY_S

    def refuse(*_: object) -> None:
        raise StorageError("The disk is full.", "")

    with monkeypatch.context() as patch:
        patch.setattr(rig.own, "settle", refuse)
        rig.store.settle(0, NOW, [Return("key_a", DAY, "usd", 100, 50, 0), Return("key_a", DAY, "concurrent", 8, 0, 2)])
    (used,) = rig.server.used(DAY)
    assert (used.spent, used.leased) == (50, 0)
    rig.give_back("tokens", 1, 1)
    rig.server.away, rig.now = True, 10.0
    assert rig.take("concurrent", 8, 2).granted == (2,)
