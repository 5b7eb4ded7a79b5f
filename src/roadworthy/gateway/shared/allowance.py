"""What is left of every key's limits, in the Valkey or Redis server that replicas share."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Lease, Return, Share
from roadworthy.gateway.allowance_store import Used, day_of, until_midnight_s
from roadworthy.gateway.settings import State
from roadworthy.gateway.shared import script
from roadworthy.runtime.valkey_url import away

if TYPE_CHECKING:
    from valkey import Valkey

ANSWER_S = 0.5
SILENT_S = 30.0
"""A holder that was not seen for so long is dead: its places are free, its money counts as spent."""
_CAME_BACK = ("requests_per_minute", "tokens_per_minute")
_FORGOT = -2

Words = list[str | int | float]


class ValkeyAllowances:
    """Implements `core.ports.AllowanceStore`. Blocks, `ANSWER_S` at most; safe for threads.

    Every step is one script, so that two replicas never lease the same amount. After a step without an answer nobody
    knows whether it was carried out: the next one first asks, and sets what this worker holds. A server that lost its
    data is noticed by its birth; this worker then tells again what it holds and what it spent since it started.

    Args:
        url: Where the server is.
        prefix: First part of every key.
        replica: Name of this gateway; holders are `<replica>:<worker>`.
        silent_s: See `SILENT_S`.
        own_clock: Whether `at` is the time, instead of the server's clock; for tests.
    """

    def __init__(
        self, url: str, prefix: str, replica: str, *, silent_s: float = SILENT_S, own_clock: bool = False
    ) -> None:
        self._url = url
        self._prefix = f"{prefix}:"
        self._replica = replica
        self._silent_s = silent_s
        self._own_clock = own_clock
        self._lock = threading.Lock()
        self._client: Valkey | None = None
        self._scripts: dict[str, Any] = {}
        self._born = ""
        self._held: dict[tuple[str, str, str], int] = {}
        self._told: dict[tuple[str, str, str], int] = {}
        self._unsure = False
        self._known: list[Return] = []
        """Carried out, though its sender believes that it was not."""
        self._pending: tuple[str, list[Return]] | None = None
        """A settlement without an answer."""

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        """See `AllowanceStore.lease`; an amount that dead holders kept is freed before anything is refused."""
        words: Words = [key_id, day]
        for share in shares:
            words += [share.resource, share.limit, share.least, share.wish]
        with self._lock:
            answer = self._step(script.LEASE, holder, at, words)
            if answer[0] >= 0 and self._adopt_dead(holder, at):
                answer = self._step(script.LEASE, holder, at, words)
            short, _, wait, *amounts = answer
            granted, left = tuple(amounts[: len(shares)]), tuple(amounts[len(shares) :])
            if short >= 0:
                return Lease(granted, left, short, until_midnight_s(at) if wait < 0 else wait / 1e6)
            for share, amount in zip(shares, granted, strict=True):
                if share.resource not in _CAME_BACK:
                    self._count(self._held, _account(key_id, day, share.resource), amount)
        return Lease(granted, left)

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        """See `AllowanceStore.settle`."""
        with self._lock:
            returns = self._without_known(holder, at, returns)
            name = secrets.token_hex(8)
            words: Words = [name]
            for each in returns:
                words += [each.key_id, each.day, each.resource, each.limit, each.spent, each.unused]
            self._pending = name, list(returns)
            self._step(script.SETTLE, holder, at, words)
            self._pending = None
            self._settled(returns)
            self._forget_before(day_of(at - 86_400))

    def adopt(self, holder: int, holders: int) -> None:
        """See `AllowanceStore.adopt`; leases of replicas that died are closed too."""
        with self._lock:
            self._step(script.ADOPT, holder, 0.0, ["1", self._replica, holders, self._silent_s * 1000])

    def used(self, day: str) -> list[Used]:
        """What every key used on a day, in all replicas, in the order of the keys' ids.

        Raises:
            StorageError: `store_unavailable`.
        """
        with self._lock:
            rows = self._run(script.USED, [self._prefix, day])
        found = [Used(row[0].decode(), day, row[1].decode(), *(int(amount) for amount in row[2:])) for row in rows]
        return sorted(found, key=lambda used: (used.key_id, used.resource))

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed again."""
        with self._lock:
            if self._client is not None:
                client: Any = self._client
                client.close()
                self._client, self._scripts = None, {}

    # -- steps

    def _step(self, text: str, holder: int, at: float, words: Words) -> list[Any]:
        if self._unsure:
            self._make_sure(holder, at)
        try:
            answer: list[Any] = self._ask(text, holder, at, words)
            if answer[0] == _FORGOT:
                self._declare(holder, at, anew=True, born=answer[1].decode())
                answer = self._ask(text, holder, at, words)
        except StorageError:
            self._unsure = True
            raise
        self._born = answer[1].decode()
        return answer

    def _make_sure(self, holder: int, at: float) -> None:
        """Find out what became of the steps without an answer, and set what is held."""
        if self._pending is not None:
            name, returns = self._pending
            last = self._run(script.LAST, [self._prefix, f"{self._replica}:{holder}"])
            if last is not None and last.decode() == name:
                self._settled(returns)
                self._known += returns
            self._pending = None
        self._declare(holder, at, anew=False, born=self._born)
        self._unsure = False

    def _without_known(self, holder: int, at: float, returns: Sequence[Return]) -> Sequence[Return]:
        """The returns without those that were carried out before, whose sender could not know it."""
        if self._unsure:
            self._make_sure(holder, at)
        if not self._known:
            return returns
        known = {(each.key_id, each.day, each.resource): each for each in self._known}
        rest = []
        for each in returns:
            done = known.pop((each.key_id, each.day, each.resource), None)
            if done is not None:
                each = each._replace(spent=each.spent - done.spent, unused=each.unused - done.unused)  # noqa: PLW2901
            rest.append(each)
        self._known = list(known.values())
        return rest

    def _settled(self, returns: Sequence[Return]) -> None:
        for each in returns:
            if each.resource not in _CAME_BACK:
                account = _account(each.key_id, each.day, each.resource)
                self._count(self._held, account, -(each.spent + each.unused))
                self._count(self._told, account, each.spent)

    def _declare(self, holder: int, at: float, *, anew: bool, born: str) -> None:
        words: Words = [int(anew)]
        for account in {**self._held, **self._told}:
            words += [*account, self._held.get(account, 0), self._told.get(account, 0)]
        before, self._born = self._born, born
        try:
            answer = self._ask(script.REDECLARE, holder, at, words)
        except StorageError:
            self._born = before
            raise
        if answer[0] == _FORGOT:
            self._declare(holder, at, anew=True, born=answer[1].decode())

    def _adopt_dead(self, holder: int, at: float) -> bool:
        """Close the leases of holders that died elsewhere; whether there were any."""
        words: Words = ["0", self._replica, 1_000_000, self._silent_s * 1000]
        return bool(self._step(script.ADOPT, holder, at, words)[2])

    def _ask(self, text: str, holder: int, at: float, words: Words) -> Any:
        time = round(at * 1e6) if self._own_clock and at else ""
        return self._run(text, [self._prefix, f"{self._replica}:{holder}", self._born, time, *words])

    def _run(self, text: str, words: Words) -> Any:
        from valkey import Valkey, ValkeyError

        try:
            if self._client is None:
                self._client = Valkey.from_url(self._url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
            run = self._scripts.get(text)
            if run is None:
                run = self._scripts[text] = self._client.register_script(text)
            return run(args=words)
        except (ValkeyError, OSError) as error:
            raise _unavailable(self._url, error) from None

    # -- what this worker would have to tell again

    def _count(self, where: dict[tuple[str, str, str], int], account: tuple[str, str, str], amount: int) -> None:
        total = max(0, where.get(account, 0) + amount)
        if total:
            where[account] = total
        else:
            where.pop(account, None)

    def _forget_before(self, day: str) -> None:
        for where in (self._held, self._told):
            for account in [account for account in where if account[1] and account[1] < day]:
                del where[account]


def allowances_of(state: State) -> ValkeyAllowances:
    """The store of a configuration."""
    return ValkeyAllowances(state.url, state.prefix, state.replica)


def _account(key_id: str, day: str, resource: str) -> tuple[str, str, str]:
    return key_id, "" if resource == "concurrent" else day, resource


def _unavailable(url: str, error: Exception) -> StorageError:
    told = away(url, error)
    return StorageError("The budgets that replicas share cannot be reached.", f"{told.what} {told.why}", told.mend)
