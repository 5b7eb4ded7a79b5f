"""Reserves for a request before it is sent and settles when it ended: budgets, rates and places of keys.

Most requests are served from slices in memory. When a slice is spent the request waits until a thread has leased the
next one from the store that all workers share; that happens a few times a second for a busy key, whatever its rate.
Every reservation is settled exactly once, when its exchange closes, however it ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import time
from typing import TypeVar

from roadworthy.core.attempts import Attempt
from roadworthy.core.errors import GatewayError, RoadworthyError, UnexpectedError, UsageError
from roadworthy.core.ports import AllowanceStore, Lease, Return, Share
from roadworthy.gateway.allowance import (
    CONCURRENT,
    RESOURCES,
    SPENT,
    TOKEN_RATE,
    Account,
    Need,
    merged,
    whole_limits,
)
from roadworthy.gateway.allowance_store import DAY_S, day_of, until_midnight_s
from roadworthy.gateway.cost import BYTES_PER_RESERVED_TOKEN, Dearest, dearest, nano
from roadworthy.gateway.edge.ask import Ask
from roadworthy.gateway.edge.limited import refusal
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.settings import Budget, Key, KeyLimits

SWEEP_S = 1.0
"""How often spending is told to the store; also the most that a killed worker forgets to tell."""
CROWDED_S = 0.005
REFUSED_S = 1.0
"""How long a refusal of a day's budget is remembered without asking the store again."""

MAX_CHAINS = 1_000
"""Chains whose dearest prices are remembered; patterns make new ones, so their number is bounded."""

UNBOUNDED: tuple[int | None, ...] = (None,)
"""No mode bounds the answer's tokens."""

R = TypeVar("R")
Resume = Callable[[RoadworthyError | None], None]


class Hold:
    """The reservation of one request, or of the second try beside the first; that one is no request of its own."""

    __slots__ = ("account", "need", "requests", "reserved", "resume", "settled", "unpriced")

    def __init__(self, account: Account, wanted: Need, unpriced: str, requests: int = 1) -> None:
        self.account = account
        self.requests = requests
        self.need = wanted
        self.unpriced = unpriced
        self.reserved: Need | None = None
        self.resume: Resume | None = None
        self.settled = False


class _Desk:
    """One key's account of today, and who waits for its next slice."""

    __slots__ = ("account", "leasing", "refused_until", "waiting")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.waiting: deque[Hold] = deque()
        self.leasing = False
        self.refused_until: dict[int, tuple[float, int]] = {}

    @property
    def busy(self) -> bool:
        """Whether a lease may still come that somebody must return."""
        return bool(self.account.running or self.waiting or self.leasing)


class Allowances:
    """The limits of all keys in one worker. Create inside the running loop.

    Args:
        store: Shared by all workers; called in a thread.
        budget: Limits of keys without their own, and rules for reserving.
        worker: Number of this worker.
        workers: How many there are.
        crashed: Told of bugs in what runs in the thread.
        wall: Seconds since the Unix epoch.
    """

    def __init__(
        self,
        store: AllowanceStore,
        budget: Budget,
        worker: int,
        workers: int,
        crashed: Callable[[str, BaseException], None],
        wall: Callable[[], float] = time,
    ) -> None:
        self._store = store
        self._budget = budget
        self._worker = worker
        self._workers = workers
        self._crashed = crashed
        self._wall = wall
        self._loop = asyncio.get_running_loop()
        self._limits: dict[str, KeyLimits] = {}
        self._default = None if budget.default == KeyLimits() else budget.default
        self._desks: dict[str, _Desk] = {}
        self._past: list[_Desk] = []  # of days that are over; each stays until its last lease is back
        self._pool: ThreadPoolExecutor | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
        self._untold: list[Return] = []
        self._adopted = False
        self._dearest: dict[tuple[UpstreamLink, ...], tuple[Dearest, str]] = {}
        self._day, self._midnight = "", 0.0

    def load(self, keys: Iterable[Key]) -> None:
        """Take over the limits of all known keys; those of running accounts change at once."""
        self._limits = {key.id: merged(key.limits, self._budget.default) for key in keys if key.limits is not None}
        for key_id, desk in self._desks.items():
            desk.account.limit(whole_limits(self._limits.get(key_id, self._budget.default)))
            desk.refused_until.clear()
        if self._pool is None and (self._limits or self._default is not None):
            self._adopt()

    def _adopt(self) -> None:
        """Close what a killed predecessor held, for the others miss it: now, and again until the store answers."""

        def done(future: asyncio.Future[None]) -> None:
            if self._failure(future) is not None and self._pool is not None:
                self._again = self._loop.call_later(SWEEP_S, self._adopt)

        self._run(_nothing).add_done_callback(done)

    def hold(self, key_id: str, ask: Ask, links: tuple[UpstreamLink, ...], bounds: Sequence[int | None]) -> Hold | None:
        """What a request must reserve before it is sent; None for a key without limits.

        Args:
            key_id: Whose request.
            ask: The checked request.
            links: Everyone who may be asked.
            bounds: Tokens that the answer may have where the caller names none, for each mode that may serve; None
                where the mode sets no bound.
        """
        limits = self._limits.get(key_id, self._default)
        if limits is None:
            return None
        account = self._desk(key_id, limits).account
        prompt = -(-ask.prompt_bytes // BYTES_PER_RESERVED_TOKEN)
        usual = self._budget.max_output_tokens
        answer = ask.output_tokens(max(usual if bound is None else bound for bound in bounds))
        if limits.usd_per_day is None:
            return Hold(account, account.need(0, prompt + answer), "")
        known = self._dearest.get(links)
        if known is None:
            if len(self._dearest) >= MAX_CHAINS:
                self._dearest.clear()
            known = self._dearest[links] = _dearest_of(links)
        (for_prompt, for_answer, for_request), unpriced = known
        usd = prompt * for_prompt + answer * for_answer + for_request
        return Hold(account, account.need(usd, prompt + answer), unpriced if self._budget.unpriced == "refuse" else "")

    def second(self, hold: Hold) -> Hold:
        """What a second try of the same request must reserve: as much again, but no place and no request."""
        return Hold(hold.account, hold.need._replace(requests=0, concurrent=0), hold.unpriced, requests=0)

    def start(self, hold: Hold, resume: Resume) -> bool:
        """Reserve, at once or later.

        Args:
            hold: What `hold` gave.
            resume: Called once, with None or with why the request may not pass, unless the hold is settled before or
                the answer is True.

        Returns:
            Whether the request may pass at once.
        """
        account = hold.account
        error = self._impossible(hold)
        if error is not None:
            resume(error)
            return False
        desk = self._desk_of(account)
        if desk is None:  # midnight passed since
            resume(GatewayError("The day is over.", code="rate_limited", retry_after_s=1.0))
            return False
        if not desk.waiting and (reserved := account.take(hold.need)) is not None:
            hold.reserved = reserved
            return True
        error = self._remembered(desk, hold)
        if error is not None:
            resume(error)
            return False
        hold.resume = resume
        desk.waiting.append(hold)
        self._lease(desk)
        return False

    def settle(self, hold: Hold, attempts: Sequence[Attempt]) -> None:
        """The request is over. A hold that is settled already, or never got its reservation, changes nothing.

        Args:
            hold: Its reservation.
            attempts: Everyone who was asked, with cost and tokens.
        """
        if hold.settled:
            return
        hold.settled = True
        hold.resume = None
        if hold.reserved is None:
            return
        usd, tokens = 0.0, 0
        for attempt in attempts:
            usd += attempt.cost_usd or 0.0
            tokens += attempt.tokens or 0
        hold.account.settle(hold.reserved, nano(usd), tokens, hold.requests)
        if hold.account.crowded and self._soon is None:
            self._soon = self._loop.call_later(CROWDED_S, self._relieve)

    def close(self) -> None:
        """Tell everything, return everything, and end the thread."""
        for timer in (self._timer, self._soon, self._again):
            if timer is not None:
                timer.cancel()
        returns = self._untold + [each for account in self._accounts() for each in account.sweep(keep=False)]
        if self._pool is None:
            return
        last = self._pool.submit(self._store.settle, self._worker, self._wall(), _summed(returns))
        self._pool.shutdown(wait=True)
        self._pool = None
        error = last.exception()
        if error is not None and not isinstance(error, RoadworthyError):  # a store that is away is no bug of ours:
            self._crashed("allowance", error)  # the next worker of this number counts what was leased as spent

    # -- accounts

    def _accounts(self) -> list[Account]:
        return [desk.account for desk in (*self._desks.values(), *self._past)]

    def _desk(self, key_id: str, limits: KeyLimits) -> _Desk:
        desk, day = self._desks.get(key_id), self._today()
        if desk is None or desk.account.day != day:
            if desk is not None:
                self._past.append(desk)
            desk = self._desks[key_id] = _Desk(Account(key_id, day, whole_limits(limits), self._workers))
            if self._timer is None:
                self._timer = self._loop.call_later(SWEEP_S, self._sweep)
        return desk

    def _today(self) -> str:
        now = self._wall()
        if not self._midnight - DAY_S <= now < self._midnight:
            self._day, self._midnight = day_of(now), now + until_midnight_s(now)
        return self._day

    def _desk_of(self, account: Account) -> _Desk | None:
        desk = self._desks.get(account.key_id)
        return desk if desk is not None and desk.account is account else None

    # -- refusals

    def _impossible(self, hold: Hold) -> RoadworthyError | None:
        """Why it can never be reserved, however long it waits."""
        if hold.unpriced:
            return GatewayError(
                "This key has a budget in dollars, and a model of the route has no price.",
                f"What {hold.unpriced} costs is not known.",
                code="model_unpriced",
            )
        limits = hold.account.limits
        for resource in SPENT:
            if limits[resource] == 0:
                return refusal(hold.account, hold.need, resource, until_midnight_s(self._wall()))
        rate = limits[TOKEN_RATE]
        if rate is not None and hold.need.token_rate > rate:
            return UsageError(
                "The request is larger than the key's tokens per minute.",
                f"It may use {hold.need.token_rate} tokens; the key may use {rate} a minute.",
                "Shorten the messages, or bound the answer with max_tokens.",
                code="request_too_large",
            )
        return None

    def _remembered(self, desk: _Desk, hold: Hold) -> RoadworthyError | None:
        """A refusal that the store gave a moment ago and that still holds."""
        now = self._wall()
        for resource, (until, missing) in list(desk.refused_until.items()):
            if now >= until:
                del desk.refused_until[resource]
            elif hold.need[resource] - desk.account.pot(resource) >= missing:
                wait = until - now if resource not in SPENT else until_midnight_s(now)
                return refusal(desk.account, hold.need, resource, wait)
        return None

    # -- the store

    def _lease(self, desk: _Desk) -> None:
        if desk.leasing:
            return
        while desk.waiting and desk.waiting[0].settled:
            desk.waiting.popleft()
        if not desk.waiting:
            return
        account, first = desk.account, desk.waiting[0].need
        shares = account.shares(first, [hold.need for hold in desk.waiting])
        desk.leasing = True
        at = self._wall()

        def work() -> Lease:
            return self._store.lease(self._worker, account.key_id, account.day, at, shares)

        def done(future: asyncio.Future[Lease]) -> None:
            desk.leasing = False
            error = self._failure(future)
            if error is not None:
                self._refuse_all(desk, error)
            else:
                self._leased(desk, shares, future.result(), at)
            self._lease(desk)

        self._run(work).add_done_callback(done)

    def _leased(self, desk: _Desk, shares: list[Share], lease: Lease, at: float) -> None:
        account = desk.account
        account.granted(shares, lease, at)
        if lease.short is not None:
            share = shares[lease.short]
            resource = RESOURCES.index(share.resource)
            if resource != CONCURRENT:
                keep_s = REFUSED_S if resource in SPENT else lease.retry_in_s
                desk.refused_until[resource] = (at + keep_s, share.least)
            hold = desk.waiting.popleft()
            self._resume(hold, refusal(account, hold.need, resource, lease.retry_in_s))
        while desk.waiting:
            hold = desk.waiting[0]
            if not hold.settled:
                error = self._remembered(desk, hold)
                if error is None:
                    hold.reserved = account.take(hold.need)
                    if hold.reserved is None:
                        return
                desk.waiting.popleft()
                self._resume(hold, error)
            else:
                desk.waiting.popleft()

    def _refuse_all(self, desk: _Desk, error: RoadworthyError) -> None:
        while desk.waiting:
            self._resume(desk.waiting.popleft(), error)

    def _resume(self, hold: Hold, error: RoadworthyError | None) -> None:
        resume, hold.resume = hold.resume, None
        if resume is not None:
            resume(error)

    def _sweep(self) -> None:
        self._timer = None
        returns: list[Return] = []
        for key_id, desk in list(self._desks.items()):
            account = desk.account
            idle = not account.touched and not desk.busy
            returns += account.sweep(keep=not idle)
            if idle:
                del self._desks[key_id]
        for desk in list(self._past):
            returns += desk.account.sweep(keep=False)
            if not desk.busy:
                self._past.remove(desk)
        self._tell(returns)
        if self._desks or self._past or self._untold:
            self._timer = self._loop.call_later(SWEEP_S, self._sweep)

    def _relieve(self) -> None:
        """Return at once what others may miss."""
        self._soon = None
        self._tell([each for account in self._accounts() if account.crowded for each in account.sweep(keep=True)])

    def _tell(self, returns: list[Return]) -> None:
        returns, self._untold = _summed(self._untold + returns), []
        if not returns:
            return
        at = self._wall()

        def done(future: asyncio.Future[None]) -> None:
            if self._failure(future) is not None:
                self._untold += returns  # the next sweep tries again, also when nothing else is left to look after
                if self._timer is None and self._pool is not None:
                    self._timer = self._loop.call_later(SWEEP_S, self._sweep)

        self._run(lambda: self._store.settle(self._worker, at, returns)).add_done_callback(done)

    def _run(self, work: Callable[[], R]) -> asyncio.Future[R]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "allowance")
        return self._loop.run_in_executor(self._pool, partial(self._work, work))

    def _work(self, work: Callable[[], R]) -> R:
        """In the thread; the first time it closes what a killed predecessor held."""
        if not self._adopted:
            self._store.adopt(self._worker, self._workers)
            self._adopted = True
        return work()

    def _failure(self, future: asyncio.Future[Lease] | asyncio.Future[None]) -> RoadworthyError | None:
        error = None if future.cancelled() else future.exception()
        if error is None or isinstance(error, RoadworthyError):
            return error
        self._crashed("allowance", error)
        return UnexpectedError("The gateway failed to look after the key's limits.")


def _dearest_of(links: Sequence[UpstreamLink]) -> tuple[Dearest, str]:
    """The dearest prices of a chain, and its first target without a price; empty when all have one."""
    prices = [link.price for link in links if link.price is not None]
    return dearest(prices), next((link.label for link in links if link.price is None), "")


def _nothing() -> None:
    """Work that only makes the thread start."""


def _summed(returns: Sequence[Return]) -> list[Return]:
    """One return for each account and resource: while the store is away they would pile up."""
    found: dict[tuple[str, str, str], Return] = {}
    for each in returns:
        name = (each.key_id, each.day, each.resource)
        seen = found.get(name)
        found[name] = (
            each if seen is None else each._replace(spent=each.spent + seen.spent, unused=each.unused + seen.unused)
        )
    return list(found.values())
