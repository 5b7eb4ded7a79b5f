"""REL-09: a second edge under steady load; the slopes of its memory, file descriptors and tasks."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from roadworthy.runtime.memory import resident_bytes
from roadworthy.verify.outcome import Coverage, Measure, Missing, NotMeasured, Outcome, judged, not_measured
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.double import is_ours
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.growth import FEWEST, Growth, Trend, growth

CACHE_BYTES = 262_144
"""Full long before the measurement begins; what a cache may keep is no leak."""
CONNECTIONS = 16
BLOCKS = 5
"""Blocks of the bootstrap in a run: steps of an allocator last."""
LEAST_SERVED = 0.99
_MB = 1_000_000
QUANTITIES = (("memory", "MB", 1.05), ("files", "files", 1.0), ("tasks", "tasks", 1.0))
"""Name, unit, and one step: an arena of Python's allocator (1 MiB), a connection that is open at the moment."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the edge holds at a moment; tasks are None where it does not tell them."""

    at_s: float
    memory: float
    files: float
    tasks: float | None


def probe(context: Context) -> Outcome:
    """Load it, look at it, and see which line the looks lie on."""
    if context.settings["measure_s"] is None:
        raise NotMeasured(
            "Nobody said how long to look, and a minute tells nothing of a service that settles: set measure_s, "
            "to 3600 for an answer, and timeout_s above it."
        )
    set_to = {name: float(context.settings[name]) for name in ("warm_up_s", "measure_s", "every_s", "rate_per_s")}
    if set_to["measure_s"] < FEWEST * set_to["every_s"]:
        raise NotMeasured(f"The policy lets it look fewer than {FEWEST} times; that says nothing about a slope.")
    changes: dict[str, Any] = {"gateway.budget.default": {}}
    if of_service(context).gateway.cache.enabled:
        changes["gateway.cache.max_bytes"] = CACHE_BYTES
    looks: list[Look] = []
    with drill(context, longest_s=None, changes=changes) as played:
        if played.one(played.lines[0].name).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        seconds = set_to["warm_up_s"] + set_to["measure_s"]
        questions = _questions(played, int(seconds * set_to["rate_per_s"]))
        begin = time.monotonic() + set_to["warm_up_s"]
        rate = set_to["rate_per_s"]
        with played.meanwhile(lambda: played.ask(questions, parallel=CONNECTIONS, rate_per_s=rate)) as replies:
            while (now := time.monotonic() - begin) < set_to["measure_s"]:
                looks.append(_look(played, begin))
                context.progress("steady load", round(now + set_to["warm_up_s"]), round(seconds))
                time.sleep(max(0.0, begin + now + set_to["every_s"] - time.monotonic()))
    return _judged(context, [each for each in looks if each.at_s >= 0], looks, replies)


def _questions(played: Drill, count: int) -> list[Question]:
    """Every name in turn; a third are asked again and again, so that the cache works, and a fifth are streams."""
    names = [line.name for line in played.lines]
    return [
        Question(
            names[at % len(names)],
            f"Soak {at % 50 if at % 3 == 0 else at}: which notes open a citrus perfume?",
            {"stream": True} if at % 5 == 1 else {},
        )
        for at in range(count)
    ]


def _look(played: Drill, begin: float) -> Look:
    """Memory and files as the system counts them; tasks as the edge does.

    Raises:
        NotMeasured: The process is gone, or the system does not show it.
    """
    assert played.edge.process is not None
    pid = played.edge.process.pid
    at_s = time.monotonic() - begin
    resident = resident_bytes([pid])
    try:
        files = len(os.listdir(Path("/proc", str(pid), "fd")))
    except OSError:
        files = None
    if resident is None or files is None or played.edge.process.poll() is not None:
        raise NotMeasured("The second edge ended under load, or the system does not show its memory.")
    scrape = played.scrape()
    tasks = scrape.total("roadworthy_tasks") if scrape.has("roadworthy_tasks") else None
    return Look(at_s, resident / _MB, files, tasks)


def _judged(context: Context, measured: Sequence[Look], looks: Sequence[Look], replies: Sequence[Reply]) -> Outcome:
    served = sum(each.status == 200 and is_ours(each.text) for each in replies)
    statuses = Counter(f"{each.status or each.failure} {each.code}".strip() for each in replies)
    found = _growths(measured, context.settings)
    context.evidence.write_json(
        {"requests": dict(statuses), "growth": {name: asdict(each) for name, each in found.items()},
         "looks": [asdict(each) for each in looks]},
        "what the second edge held under load",
    )  # fmt: skip
    if not replies or served < LEAST_SERVED * len(replies):
        raise NotMeasured(f"It served {served} of {len(replies)} requests; what it holds under load is not known.")
    coverage = Coverage(
        examined=len(found), existing=len(QUANTITIES),
        missing=tuple(Missing(name=name) for name, *_ in QUANTITIES if name not in found),
        how_counted=f"Existing: memory, files, tasks. Examined: those looked at at least {FEWEST} times under load.",
    )  # fmt: skip
    measures = [
        Measure(
            name=f"{each.name}_per_hour", value=round(each.per_hour, 3), unit=each.unit, n=each.n,
            ci_low=round(each.low, 3), ci_high=round(each.high, 3),
        )
        for each in found.values()
    ]  # fmt: skip
    said = f"{served} requests in {context.settings['measure_s']:g} s and a warm-up: {_all_said(found)}."
    grown = [each for each in found.values() if each.trend is Trend.GROWS]
    findings = [wrong(context, "grows", f"{each.said}: it grows.", each.name) for each in grown]
    unsure = [each for each in found.values() if each.trend is Trend.UNKNOWN]
    if unsure and not grown:
        why = f"{said} {_why(unsure)}"
        return not_measured(why, coverage=coverage, measured=measures)
    return judged(said, coverage=coverage, findings=findings, measured=measures)


def _growths(looks: Sequence[Look], settings: Mapping[str, Any]) -> dict[str, Growth]:
    found: dict[str, Growth] = {}
    if len(looks) < FEWEST:
        return found
    at_s = [each.at_s for each in looks]
    length_s = at_s[-1] - at_s[0]
    for name, unit, step in QUANTITIES:
        values = [value for each in looks if (value := getattr(each, name)) is not None]
        if len(values) == len(looks):
            limit = float(settings[f"most_{unit.lower()}"]) * 3_600 / length_s
            settled = length_s >= float(settings["settled_after_s"])
            seen = growth(name, unit, at_s, values, block_s=length_s / BLOCKS, step=step, limit=limit, settled=settled)
            if seen is not None:
                found[name] = seen
    return found


def _all_said(found: Mapping[str, Growth]) -> str:
    return "; ".join(each.said for each in found.values()) or "nothing could be looked at"


def _why(unsure: Sequence[Growth]) -> str:
    """Why a run says nothing, in one sentence."""
    wide = [each.name for each in unsure if each.low <= 0 <= each.high]
    if wide:
        return f"The run is too short to say that there is no growth of {' and '.join(wide)}: so wide is the interval."
    names = " and ".join(each.name for each in unsure)
    return f"The run is too short to say whether this growth of {names} settles or goes on: the interval leaves 0 out."
