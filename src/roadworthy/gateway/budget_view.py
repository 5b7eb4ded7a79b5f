"""How far keys are with their budgets today, for status pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from roadworthy.gateway.allowance import RESOURCES, merged, whole_limits
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, Used, day_of
from roadworthy.gateway.cost import NANO
from roadworthy.gateway.settings import KeyLimits

NEAR = 0.8
"""From this share of a budget on it is near its end."""


class UsedStore(Protocol):
    """A store that tells what was used."""

    def used(self, day: str) -> list[Used]:
        """See `SqliteAllowances.used`."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class BudgetUse(NamedTuple):
    """One budget of one key on a day of UTC.

    Attributes:
        key_id: Whose; `anonymous` for callers without a key.
        budget: `usd` or `tokens`.
        limit: US dollars or tokens a day.
        spent: Told by the workers, up to a second ago.
        reserved: Held by workers now, for running requests or the next ones.
        lost: Held by workers that died; counts as spent.
        share: Part of the limit that is not free any more, 0 to 1, or more when answers cost more than was reserved.
    """

    key_id: str
    budget: str
    limit: float
    spent: float
    reserved: float
    lost: float
    share: float


def budgets_today(
    state_dir: Path,
    limits: Mapping[str, KeyLimits | None],
    default: KeyLimits,
    at: float,
    shared: UsedStore | None = None,
) -> list[BudgetUse]:
    """Every budget that was touched today, the nearest to its end first.

    Args:
        state_dir: The gateway's state directory; nothing is made in it.
        limits: Own limits of keys by id.
        default: Limits of keys that have none of their own.
        at: Seconds since the Unix epoch (UTC).
        shared: The store that replicas share, instead of this machine's.

    Raises:
        StorageError: `store_unavailable`.
    """
    path = state_dir / FILE
    if shared is None and not path.is_file():
        return []
    store = shared or SqliteAllowances(path)
    try:
        rows = store.used(day_of(at))
    finally:
        store.close()
    found = []
    for row in rows:
        limit = whole_limits(merged(limits.get(row.key_id), default))[RESOURCES.index(row.resource)]
        taken = row.spent + row.lost + row.leased
        if limit is not None and taken:
            unit = NANO if row.resource == "usd" else 1
            amounts = (limit / unit, row.spent / unit, row.leased / unit, row.lost / unit)
            found.append(BudgetUse(row.key_id, row.resource, *amounts, taken / limit if limit else 1.0))
    return sorted(found, key=lambda use: -use.share)
