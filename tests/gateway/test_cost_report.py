"""Costs added up from a journal, and how far budgets are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry, Return, Share
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, day_of
from roadworthy.gateway.budget_view import budgets_today
from roadworthy.gateway.cost import total_usd
from roadworthy.gateway.cost_report import CostRow, costs
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.request_record import KIND, packed, recorded
from roadworthy.gateway.settings import KeyLimits
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal

NOW = 1_795_219_200.0 + 100
A = Attempt("a", "m", Reason.SERVED, 1.0, 200, "", 0.25, False, 100)
LOST = Attempt("a", "m", Reason.TIMEOUT, 1.0, None, "", 0.125, True, 40)
B = Attempt("b", "n", Reason.SERVED, 1.0, 200, "", None, False, 10)
PASSED = Attempt("c", "o", Reason.BREAKER_OPEN, 0.0)


def entry(key: str, at: float, *attempts: Attempt) -> Entry:
    finished = Finished(
        "req_1", at, "chat", "chat", key, False, 200, "ok", "a/m", attempts, 1.0, cost_usd=total_usd(attempts)
    )
    return Entry(KIND, at, msgspec.json.encode(recorded(finished)))


@pytest.fixture
def journal(tmp_path: Path):
    journal = SqliteJournal(tmp_path / "state.db", TextMasker())
    journal.append([entry("key_a", NOW - 90_000, A), Entry("key.created", NOW, b"{}")])
    journal.append([entry("key_a", NOW, LOST, PASSED, B), entry("key_b", NOW, A), entry("key_b", NOW)])
    journal.append(packed([entry("key_b", NOW, A)] * 40))
    yield journal
    journal.close()


def test_by_key(journal: SqliteJournal) -> None:
    rows, total = costs(journal, "key", 0.0)
    assert rows == [CostRow("key_b", 42, 4_100, 10.25, 0.0, 0), CostRow("key_a", 2, 150, 0.375, 0.125, 1)]
    assert total == CostRow("total", 44, 4_250, 10.625, 0.125, 1)


def test_by_model_counts_attempts(journal: SqliteJournal) -> None:
    rows, total = costs(journal, "model", 0.0)
    assert [(row.name, row.requests, row.unpriced) for row in rows] == [("a/m", 43, 0), ("b/n", 1, 1)]
    assert total.requests == 44


def test_by_day_and_since(journal: SqliteJournal) -> None:
    rows, _ = costs(journal, "day", 0.0)
    assert [(row.name, row.requests) for row in rows] == [("2026-11-19", 1), ("2026-11-21", 43)]
    rows, total = costs(journal, "day", NOW - 100)
    assert ([row.name for row in rows], total.requests) == (["2026-11-21"], 43)


@pytest.mark.parametrize(("by", "name"), [("mode", "none"), ("route", "chat")])
def test_by_mode_and_route(journal: SqliteJournal, by: str, name: str) -> None:
    assert [row.name for row in costs(journal, by, 0.0)[0]] == [name]


def test_an_empty_journal_costs_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "state.db", TextMasker())
    assert costs(journal, "key", 0.0) == ([], CostRow("total", 0, 0, 0.0, 0.0, 0))
    journal.close()


def test_a_damaged_request_is_told(journal: SqliteJournal) -> None:
    journal.append([Entry(KIND, NOW, b'{"at":"x"}')])
    with pytest.raises(StorageError) as caught:
        costs(journal, "key", 0.0)
    assert caught.value.code == "journal_corrupt"


def test_how_far_budgets_are(tmp_path: Path) -> None:
    day = day_of(NOW)
    assert budgets_today(tmp_path, {}, KeyLimits(), NOW) == []
    assert not (tmp_path / FILE).exists(), "who only looks makes no file"
    store = SqliteAllowances(tmp_path / FILE)
    store.lease(0, "key_a", day, NOW, [Share("usd", 10**9, 8 * 10**8, 9 * 10**8), Share("concurrent", 5, 1, 1)])
    store.settle(0, NOW, [Return("key_a", day, "usd", 10**9, 6 * 10**8, 0)])
    store.lease(0, "key_b", day, NOW, [Share("tokens", 1_000, 100, 100)])
    store.close()
    own = {"key_a": KeyLimits(usd_per_day=1.0), "key_b": None}
    uses = budgets_today(tmp_path, own, KeyLimits(tokens_per_day=400), NOW)
    assert [(use.key_id, use.budget, use.limit, use.spent, use.reserved, use.lost) for use in uses] == [
        ("key_a", "usd", 1.0, 0.6, 0.3, 0.0),
        ("key_b", "tokens", 400, 0, 100, 0),
    ]
    assert [round(use.share, 3) for use in uses] == [0.9, 0.25]
    assert budgets_today(tmp_path, {}, KeyLimits(), NOW) == [], "a limit that was taken away is no budget"
