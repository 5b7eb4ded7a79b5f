"""What the commands about costs and budgets read and show, apart from click."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from roadworthy.cli.output import Settings, table
from roadworthy.client.record import pick

if TYPE_CHECKING:
    from roadworthy.gateway.cost_report import CostRow

_DAY_S = 86_400
_NEAR = 0.8
"""As gateway.budget_view.NEAR, whose import costs more than this whole module."""


class Costs(NamedTuple):
    """What `gateway cost` found.

    Attributes:
        by: What was added up by.
        since: First day of UTC that is in it.
        price_table: Date of the price table in force now; past requests keep the price of their time.
        rows: The groups.
        total: Over all requests.
    """

    by: str
    since: str
    price_table: str
    rows: list[CostRow]
    total: CostRow


def report_costs(out: Settings, by: str, days: int) -> Costs:
    """Read the journal of the configuration's state directory.

    Raises:
        StorageError: `store_unavailable` when there is no journal, `journal_corrupt`.
    """
    from roadworthy.cli import target
    from roadworthy.cli.state_file import open_journal
    from roadworthy.gateway.allowance_store import day_of
    from roadworthy.gateway.cost_report import costs
    from roadworthy.runtime.config.prices import table_date

    now = time.time()
    since = now - now % _DAY_S - (days - 1) * _DAY_S
    prices = target.load_config(out).gateway.prices
    with open_journal(target.state_dir(Settings(config=out.config, quiet=True))) as book:
        rows, total = costs(book, by, since)
    return Costs(by, day_of(since), table_date(prices), rows, total)


def cost_text(found: Costs) -> str:
    """A table with the total as its last row."""
    heads = [found.by, "attempts" if found.by == "model" else "requests", "tokens", "USD", "estimated", "unpriced"]
    rows = [
        (row.name, row.requests, row.tokens, f"{row.cost_usd:.6f}", f"{row.estimated_usd:.6f}", row.unpriced)
        for row in [*found.rows, found.total]
    ]
    note = f"Since {found.since} (UTC). Price table of {found.price_table}; what is unpriced is in no sum."
    return f"{table(heads, rows)}\n\n{note}"


def told_budgets(out: Settings, status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Today's budgets: as the admin API told them, else read from the state directory.

    Raises:
        StorageError: `store_unavailable`.
    """
    if not (pick(pick(status, "stores", dict), "state", dict) or {"ok": True}).get("ok"):
        return []  # what replicas used is not to be had; the table of stores says why
    told = status.get("budgets")
    if isinstance(told, list):
        return [use for use in told if isinstance(use, dict)]
    from roadworthy.cli import target
    from roadworthy.cli.state_file import read_keys
    from roadworthy.gateway.budget_view import budgets_today
    from roadworthy.gateway.settings import KeyLimits
    from roadworthy.gateway.shared.allowance import allowances_of
    from roadworthy.serve.wiring_secret import with_secrets
    from roadworthy.serve.wiring_store import compile_state

    quiet = Settings(config=out.config, quiet=True)
    config, folder = target.load_config(quiet), target.state_dir(quiet)
    default, state = config.gateway.budget.default, compile_state(config, with_secrets(config, os.environ))
    own = {key.id: key.limits for key in read_keys(folder)}
    limits, now = KeyLimits(**default.model_dump()), time.time()
    shared = None if state is None else allowances_of(state)
    return [use._asdict() for use in budgets_today(folder, own, limits, now, shared)]


def near_end(budgets: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of the budgets that are near their end; nothing when none is."""
    rows = [
        (use.get("key_id"), use.get("budget"), _amount(use, "limit"), _amount(use, "spent"), _amount(use, "reserved"),
         _amount(use, "lost"), f"{share:.0%}")
        for use in budgets
        if isinstance(share := use.get("share"), int | float) and share >= _NEAR
    ]  # fmt: skip
    heads = ["budget near its end", "unit", "a day", "spent", "reserved", "lost", "used"]
    return [table(heads, rows)] if rows else []


def _amount(use: Mapping[str, Any], name: str) -> str | None:
    value = use.get(name)
    return f"{value:.9g}" if isinstance(value, int | float) else None
