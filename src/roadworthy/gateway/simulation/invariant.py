"""What must hold in every schedule, checked from outside: nothing here asks the code under test for its opinion."""

from __future__ import annotations

from collections import deque
from typing import Any

from roadworthy.gateway.settings import Breaker as Rules
from roadworthy.gateway.simulation.provider import UNAUTHORIZED_PAUSE, Verdict

PASSED_OVER = frozenset(("breaker_open", "benched", "unsupported_parameter"))
GRACE_S = 0.02
"""Timers may fire so much late."""
SECOND_TRY = "one second try, of a healthy target, after its delay"


class Broken(BaseException):
    """An invariant does not hold. No `Exception`, so that the doors of the code under test do not catch it.

    Args:
        invariant: Which one, in a few words.
        detail: What was seen.
        at_s: Second of the schedule.
    """

    def __init__(self, invariant: str, detail: str, at_s: float) -> None:
        super().__init__(f"{invariant}: {detail} (at {at_s:.3f} s)")
        self.invariant = invariant
        self.detail = detail
        self.at_s = at_s

    def __reduce__(self) -> tuple[type[Broken], tuple[str, str, float]]:
        """Travels between processes."""
        return Broken, (self.invariant, self.detail, self.at_s)


class BreakerModel:
    """Spec row G5 written a second time, as plainly as it reads: when may this target be asked?

    Args:
        name: For messages.
        rules: Thresholds.
    """

    def __init__(self, name: str, rules: Rules) -> None:
        self.name = name
        self._rules = rules
        self.state = "closed"
        self.benched_until = 0.0
        self._opened_at = 0.0
        self._outcomes: deque[bool] = deque(maxlen=rules.window)  # since it closed; True = failed
        self._row = 0
        self.epoch = 0

    def asked(self, now: float) -> int:
        """The gateway asks the target. Returns the epoch that the outcome will belong to."""
        if now < self.benched_until - 1e-9:
            raise Broken("Retry-After is kept", f"{self.name} is asked {self.benched_until - now:.3f} s too early", now)
        if self.state == "half_open":
            raise Broken("one half-open probe at most", f"{self.name} is asked a second time", now)
        if self.state == "open":
            early = self._opened_at + self._rules.open_s - now
            if early > 1e-9:
                raise Broken(
                    "an open breaker keeps everybody out", f"{self.name} is asked {early:.3f} s too early", now
                )
            self._move("half_open")
        return self.epoch

    def outcome(self, epoch: int, verdict: Verdict, now: float, benched_s: float) -> None:
        """A call that began in `epoch` ended."""
        if epoch == self.epoch:
            if self.state == "half_open":
                self._opened_at = now - self._rules.open_s if verdict is None else now
                self._move("closed" if verdict else "open")
            elif verdict is not None:
                self._count(not verdict, now)
        pause = self._rules.open_s if benched_s == UNAUTHORIZED_PAUSE else benched_s
        self.benched_until = max(self.benched_until, now + pause)

    def heard(self, state: str | None, rest_s: float, now: float) -> None:
        """Another worker told what it found."""
        if state is None:
            self.benched_until = max(self.benched_until, now + rest_s)
        elif state == "closed":
            if self.state == "open":
                self._move("closed")
        elif self.state == "open" or (self.state == "closed" and state == "open"):
            self._opened_at = now + min(rest_s, self._rules.open_s) - self._rules.open_s
            if self.state == "closed":
                self._move("open")

    def agrees(self, state: str, now: float) -> None:
        """The gateway's own breaker must be in the same state."""
        if state != self.state:
            seen = f"{self._row} failures in a row, {sum(self._outcomes)} of {len(self._outcomes)}"
            raise Broken("the breaker follows its rules", f"{self.name} is {state}, not {self.state}: {seen}", now)

    def admits(self, now: float) -> bool:
        """Whether the target may be asked now, as a probe or without being one."""
        if now < self.benched_until:
            return False
        return self.state == "closed" or (self.state == "open" and now - self._opened_at >= self._rules.open_s)

    def healthy(self, now: float) -> bool:
        """Whether the target may be asked beside another one: healthy, and not at rest."""
        return self.state == "closed" and now >= self.benched_until

    def _count(self, failed: bool, now: float) -> None:
        rules = self._rules
        self._outcomes.append(failed)
        self._row = self._row + 1 if failed else 0
        if failed and (
            self._row >= rules.consecutive_failures or sum(self._outcomes) > rules.error_rate * rules.window
        ):
            self._opened_at = now
            self._move("open")

    def _move(self, state: str) -> None:
        self.state = state
        self.epoch += 1
        if state == "closed":
            self._outcomes.clear()
            self._row = 0


def check_hedge(
    model: BreakerModel, after_s: float | None, beside: int, waited_s: float, probed: bool, at_s: float
) -> None:
    """A request asks a second target beside the first only when it may.

    Args:
        model: Of the second target.
        after_s: The least delay, None when there are no second tries.
        beside: How many others are being asked for the same request, or were beside the first.
        waited_s: How long the first of them has been.
        probed: Whether the first decides about a half-open breaker.
        at_s: Second of the schedule.
    """
    if beside > 1:
        raise Broken(SECOND_TRY, f"{model.name} is the third to be asked at once", at_s)
    if after_s is None or waited_s < after_s - GRACE_S:
        raise Broken(SECOND_TRY, f"{model.name} is asked beside another after {waited_s:.3f} s", at_s)
    if model.state != "closed":
        raise Broken(SECOND_TRY, f"{model.name} is asked beside another while it is {model.state}", at_s)
    if probed:
        raise Broken(SECOND_TRY, f"{model.name} is asked beside a probe", at_s)


def check_attempts(attempts: list[dict[str, Any]], most: int, repairs: int, at_s: float) -> None:
    """No target may be asked more often than the retry rules allow, nor told too often what was wrong."""
    asked: dict[tuple[str, str], int] = {}
    again: dict[tuple[str, str], int] = {}
    for attempt in attempts:
        name = attempt["provider"], attempt["model"]
        if attempt.get("repair") == "asked_again":
            again[name] = again.get(name, 0) + 1
        elif attempt["reason"] not in PASSED_OVER:
            asked[name] = asked.get(name, 0) + 1
    hedged = {(attempt["provider"], attempt["model"]) for attempt in attempts if attempt.get("hedge")}
    if len(hedged) > 1:
        raise Broken(SECOND_TRY, f"{len(hedged)} were second tries", at_s)
    for name, times in asked.items():
        if times > most:
            raise Broken("retries are bounded", f"{'/'.join(name)} was asked {times} times", at_s)
    for name, times in again.items():
        if times > repairs:
            raise Broken("repairs are bounded", f"{'/'.join(name)} was asked again {times} times", at_s)
