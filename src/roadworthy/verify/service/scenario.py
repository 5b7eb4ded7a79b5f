"""Chaos scenarios that need no more than a second edge and doubles: steady state, fault, steady state again."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.service.asking import Reply
from roadworthy.verify.service.double import Behaviour, is_ours
from roadworthy.verify.service.drill import Drill
from roadworthy.verify.service.outage import OUTAGES
from roadworthy.verify.service.played import REQUESTS, Played, asked, counts


def play(name: str, drill: Drill) -> Played:
    """One scenario.

    Args:
        name: A key of `SCENARIOS`.
        drill: With a running second edge; it runs afterwards, too.

    Raises:
        NotMeasured: There was no steady state to begin with.
    """
    found = Played(name)
    begin = time.monotonic()

    def note(what: str, **more: Any) -> None:
        found.timeline.append({"s": round(time.monotonic() - begin, 2), "what": what, **more})

    drill.calm()
    before = asked(drill, 6, "before")
    if not all(each.status == 200 for each in before):
        raise NotMeasured(f"There is no steady state to disturb before {name}.")
    note("steady", **counts(drill))
    with _watched(drill, note):
        note("fault")
        replies = SCENARIOS[name](drill, found)
        if found.inapplicable:
            return found
        note("healed")
        drill.doubles.all()
    found.answers = sum(each.status is not None for each in replies)
    found.problems += _wrong(drill, replies)
    note("seen", statuses=_statuses(replies), **counts(drill))
    open_s = float(drill.copy.data["gateway"]["breaker"]["open_s"])
    if not drill.until(lambda: all(each.status == 200 for each in asked(drill, 3, "after")), 3 * open_s + 4.0):
        found.problems.append("it did not come back to its steady state")
    note("steady again", **counts(drill))
    return found


def _fail(
    kind: str, *, all_of_them: bool = False, stream: bool = False, **more: Any
) -> Callable[[Drill, Played], list[Reply]]:
    def fault(drill: Drill, found: Played) -> list[Reply]:
        first = drill.lines[0].targets[0].provider
        for name in drill.doubles.providers if all_of_them else (first,):
            drill.doubles.behaviour[name] = Behaviour(kind, **more)
        return asked(drill, REQUESTS, found.name, stream=stream)

    return fault


def _slow(drill: Drill, found: Played) -> list[Reply]:
    """Six seconds, in the time of the second edge: more than the share of one try."""
    drill.doubles.behaviour[drill.lines[0].targets[0].provider] = Behaviour(delay_s=drill.lines[0].deadline_s)
    return asked(drill, REQUESTS, found.name)


def _flapping(drill: Drill, found: Played) -> list[Reply]:
    first, over = drill.lines[0].targets[0].provider, threading.Event()

    def flap() -> None:
        bad = False
        while not over.wait(0.1):
            bad = not bad
            drill.doubles.behaviour[first] = Behaviour("error" if bad else "answer")

    thread = threading.Thread(target=flap, daemon=True)
    thread.start()
    try:
        replies: list[Reply] = []
        for _ in range(4):
            replies += asked(drill, REQUESTS // 4, found.name)
            time.sleep(0.15)
        return replies
    finally:
        over.set()
        thread.join(2)


def _killed(drill: Drill, found: Played) -> list[Reply]:
    """A second edge alone has no supervisor; what must hold is that it starts again with its state."""
    drill.edge.signal(signal.SIGKILL)
    drill.edge.wait(10)
    found.timeline.append({"what": "killed"})
    drill.edge.start()
    return asked(drill, REQUESTS, found.name)


SCENARIOS: dict[str, Callable[[Drill, Played], list[Reply]]] = {
    "provider_down": _fail("refuse"),
    "provider_slow": _slow,
    "provider_errors": _fail("error"),
    "malformed_json": _fail("garbage"),
    "truncated_stream": _fail("cut", stream=True),
    "rate_limits": _fail("rate_limited"),
    "flapping": _flapping,
    "all_down": _fail("refuse", all_of_them=True),
    "worker_killed": _killed,
    **OUTAGES,
}
"""By name, as operators name them."""


def _wrong(drill: Drill, replies: list[Reply]) -> list[str]:
    """Each answer is real and whole, or an error that says so, within the deadline."""
    line, problems = drill.lines[0], []
    lost = sum(each.status is None for each in replies)
    junk = sum(each.status == 200 and each.error is None and each.ended and not is_ours(each.text) for each in replies)
    untold = sum(each.status == 200 and each.error is None and not each.ended for each in replies)
    bare = sum(each.status not in (None, 200) and not each.code for each in replies)
    late = sum(each.seconds > line.deadline_s + 1.0 for each in replies)
    for count, what in (
        (lost, "requests got no answer"),
        (junk, "answers are text that no provider gave"),
        (bare, "errors have no code"),
        (untold, "answers broke off without saying so"),
        (late, "answers came after their deadline"),
    ):
        if count:
            problems.append(f"{count} {what}")
    return problems


def _statuses(replies: list[Reply]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in replies:
        name = f"{each.status} {each.code}".strip()
        found[name] = found.get(name, 0) + 1
    return found


@contextmanager
def _watched(drill: Drill, note: Callable[..., None]) -> Iterator[None]:
    """Read the metrics every quarter of a second meanwhile, for the timeline."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            try:
                note("metrics", **counts(drill))
            except NotMeasured:
                note("metrics do not come")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)
