"""The fallback chain as a decision core: which target next, how long it may take, when to wait, when to give up.

Pure: it is told the time and the outcomes, and owns no socket and no timer. The edge drives it with real time, tests
with virtual time. A healthy target that was not asked yet always comes before a second try of a failed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, Protocol, TypeVar

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.breaker import Breaker, Ticket
from roadworthy.gateway.settings import Retry

# What a failure means for the rest of the request and for the target.
GIVE_UP_ON_TARGET = frozenset(
    {
        Reason.UNAUTHORIZED,
        Reason.MODEL_NOT_FOUND,
        Reason.UNSUPPORTED_PARAMETER,
        Reason.CONTENT_FILTERED,
        Reason.LENGTH_LIMIT,
        Reason.INVALID_JSON,  # it was told what was wrong already
        Reason.REFUSAL,
        Reason.QUALITY_FAILED,
    }
)
CALLERS_FAULT = frozenset({Reason.BAD_REQUEST})
NO_VERDICT = frozenset(
    {
        Reason.BAD_REQUEST,
        Reason.RATE_LIMITED,
        Reason.CONTENT_FILTERED,
        Reason.UNSUPPORTED_PARAMETER,
        Reason.CLIENT_GONE,
        Reason.HEDGE_LOST,
        Reason.LENGTH_LIMIT,
    }
)
HEALTHY = frozenset({Reason.REFUSAL, Reason.QUALITY_FAILED})
"""The target works: it gave a whole answer, which is not the one that this route wants."""
DEFAULT_BENCH_S = 1.0
"""A rate limit without Retry-After: stay away this long."""
READY_POLL_S = 0.1
"""How often a request looks again whether a starting target is there."""
LEAST_TRY_S = 0.02
"""With less time than this left, asking anyone is pointless."""


class Link(Protocol):
    """One target of a chain as the decision core sees it."""

    provider_name: str
    model: str
    breaker: Breaker

    @property
    def ready(self) -> bool:
        """False while the target is known to be starting (the embedded model loads)."""
        ...


L = TypeVar("L", bound=Link)


@dataclass(slots=True)
class Try(Generic[L]):
    """Ask this target now and allow it `timeout_s` seconds."""

    link: L
    ticket: Ticket
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody can be asked now; decide again in `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Spent:
    """Nobody is left to ask.

    Attributes:
        deadline_passed: True when time ran out, False when the targets did.
        retry_in_s: Seconds until a target may be asked again, None when none was merely resting.
    """

    deadline_passed: bool
    retry_in_s: float | None


class _Course:
    """How one link fares in one request."""

    __slots__ = ("given_up", "not_before", "noted", "tries")

    def __init__(self) -> None:
        self.tries = 0
        self.not_before = 0.0
        self.given_up = False
        self.noted = False


class Chain(Generic[L]):
    """One request's way through its chain.

    Args:
        links: Targets in order of preference, at least one.
        deadline: Monotonic second after which no try may still run.
        try_timeout_s: Bound of one try; None gives each target not yet asked a fair share of what is left.
        retry: Back-off rules.
        jitter: Function returning a uniform float in [0, 1).
    """

    __slots__ = ("_courses", "_jitter", "_links", "_retry", "_try_timeout_s", "attempts", "callers_fault", "deadline")

    def __init__(
        self,
        links: Sequence[L],
        deadline: float,
        try_timeout_s: float | None,
        retry: Retry,
        jitter: Callable[[], float],
    ) -> None:
        self._links = links
        self._courses: list[_Course] | None = None  # most requests are served at once and never need it
        self._try_timeout_s = try_timeout_s
        self._retry = retry
        self._jitter = jitter
        self.deadline = deadline
        self.attempts: list[Attempt] = []
        self.callers_fault = False

    def next(self, now: float) -> Try[L] | Wait | Spent:
        """What to do now. A `Try` is binding: report its end with `served`, `failed` or `abandoned`."""
        links = self._links
        if self._courses is None:
            first = links[0]
            if first.ready and (ticket := first.breaker.admit(now)) is not None:
                share = self._try_timeout_s
                left = self.deadline - now
                return Try(first, ticket, left / len(links) if share is None else min(share, left))
            self._courses = [_Course() for _ in links]
        if self.deadline - now < LEAST_TRY_S:
            return Spent(True, self._rest(now))
        return self._choose(now)

    def _choose(self, now: float) -> Try[L] | Wait | Spent:
        waiting = inf
        courses = self._all_courses()
        order = sorted(range(len(courses)), key=lambda i: courses[i].tries)  # stable: keeps the chain's order
        for i in order:
            link, course = self._links[i], courses[i]
            if course.given_up or course.tries >= self._retry.max_tries:
                continue
            if not link.ready:  # it starts in seconds, and its supervisor tells when it is back
                self._note(link, course, Reason.BENCHED)
                waiting = min(waiting, now + READY_POLL_S)
                continue
            breaker = link.breaker
            if course.not_before > now:
                if breaker.state == "closed":
                    waiting = min(waiting, max(course.not_before, breaker.benched_until))
                continue
            ticket = breaker.admit(now)
            if ticket is not None:
                return Try(
                    link, ticket, self._share(now, sum(1 for c in courses if not c.tries and not c.given_up) or 1)
                )
            if breaker.state == "closed":  # benched: the provider named the second from which it may be asked
                waiting = min(waiting, breaker.benched_until)
                self._note(link, course, Reason.BENCHED)
            else:
                self._note(link, course, Reason.BREAKER_OPEN)
        if waiting < self.deadline - LEAST_TRY_S:
            return Wait(max(0.0, waiting - now))
        return Spent(False, self._rest(now))

    def rivals(self, running: Try[L], now: float) -> Iterator[Try[L]]:
        """Who could be asked beside a try that runs, in the chain's order: healthy targets that were not asked yet.

        Nobody while the running try is the probe of a half-open breaker: its verdict is needed. Each `Try` given is
        as good as not given until it is used; then it is as binding as one of `next`.
        """
        if running.link.breaker.probing(running.ticket):
            return
        courses, unasked = self._all_courses(), 0
        for course, link in zip(courses, self._links, strict=True):
            unasked += not course.tries and not course.given_up and link is not running.link
        for course, link in zip(courses, self._links, strict=True):
            if link is running.link or course.tries or course.given_up or not link.ready:
                continue
            if link.breaker.state == "closed" and (ticket := link.breaker.admit(now)) is not None:
                yield Try(link, ticket, self._share(now, unasked))

    def served(self, step: Try[L], now: float) -> None:
        """The target's answer was used."""
        step.link.breaker.succeeded(step.ticket, now)

    def failed(self, step: Try[L], reason: Reason, now: float, retry_after_s: float | None = None) -> None:
        """The target gave no usable answer."""
        breaker = step.link.breaker
        if reason in NO_VERDICT or not step.link.ready:  # a target that is being started again is no failing one
            breaker.abandoned(step.ticket, now)
        elif reason in HEALTHY:
            breaker.succeeded(step.ticket, now)
        else:
            breaker.failed(step.ticket, now)
        if reason is Reason.RATE_LIMITED or retry_after_s is not None:
            breaker.bench(now + (DEFAULT_BENCH_S if retry_after_s is None else retry_after_s))
        elif reason is Reason.UNAUTHORIZED:
            breaker.bench(now + breaker.pause_s)  # a refused key heals only by a person's hand
        course = self._all_courses()[self._index(step.link)]
        course.tries += 1
        course.noted = True
        course.given_up = course.given_up or reason in GIVE_UP_ON_TARGET
        self.callers_fault = self.callers_fault or reason in CALLERS_FAULT
        pause = min(self._retry.cap_s, self._retry.base_s * 2.0 ** (course.tries - 1))
        course.not_before = now + pause * self._jitter()

    def abandoned(self, step: Try[L], now: float) -> None:
        """The try was ended by us (the caller hung up, another was faster): no verdict on the target."""
        step.link.breaker.abandoned(step.ticket, now)

    def unsupported(self, step: Try[L], param: str, now: float) -> None:
        """The target cannot honour a parameter of this request; it was not asked."""
        step.link.breaker.abandoned(step.ticket, now)
        course = self._all_courses()[self._index(step.link)]
        course.given_up = True
        self.attempts.append(
            Attempt(step.link.provider_name, step.link.model, Reason.UNSUPPORTED_PARAMETER, 0.0, None, param)
        )

    def _all_courses(self) -> list[_Course]:
        if self._courses is None:
            self._courses = [_Course() for _ in self._links]
        return self._courses

    def _index(self, link: L) -> int:
        return next(i for i, other in enumerate(self._links) if other is link)

    def _share(self, now: float, unasked: int) -> float:
        left = self.deadline - now
        share = left / unasked if self._try_timeout_s is None else self._try_timeout_s
        return min(left, share)

    def _note(self, link: L, course: _Course, reason: Reason) -> None:
        if not course.noted:
            course.noted = True
            self.attempts.append(Attempt(link.provider_name, link.model, reason, 0.0))

    def _rest(self, now: float) -> float | None:
        rests = [rest for link in self._links if (rest := link.breaker.retry_in_s(now)) > 0]
        return min(rests) if rests and len(rests) == len(self._links) else None
