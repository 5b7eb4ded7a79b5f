"""PER-03: open-loop steps on a second edge until the 95th percentile or errors break their limits, or time is over.

A request counts from the moment it was due, whatever became of those before (no coordinated omission; G. Tene). A step
that breaks is repeated once. Then the same rate goes to the doubles without the edge: what the probe itself cannot
send is nobody's knee.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from roadworthy.verify.machine import machine
from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, judged, not_measured
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply, ask_all
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.load_sample import good
from roadworthy.verify.service.stat import percentile
from roadworthy.verify.shared import alone

TIMES = 2
LADDER = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
"""Rates as multiples of the expected peak, or of `LEAST_PER_S` where that is more."""
LEAST = 100
"""Requests of a step, so that the 95th percentile has an upper bound."""
LEAST_PER_S = 25.0
CONNECTIONS = 512


class Step(NamedTuple):
    """One rate.

    Attributes:
        rate_per_s: At which requests were due.
        sent: How many.
        answered: With any answer.
        errors: Share without a whole answer.
        answered_per_s: Whole answers a second.
        p50_s: Median.
        p95_s: 95th percentile.
        p95_high_s: Upper end of its 95 % interval; None with too few answers.
        p99_s: 99th percentile.
    """

    rate_per_s: float
    sent: int
    answered: int
    errors: float
    answered_per_s: float
    p50_s: float | None
    p95_s: float | None
    p95_high_s: float | None
    p99_s: float | None

    def holds(self, context: Context) -> bool:
        """Whether it keeps both limits, with the whole interval."""
        high, most = self.p95_high_s, float(context.settings["p95_s"])
        return high is not None and high <= most and self.errors <= float(context.settings["errors"])


class Curve(NamedTuple):
    """What the steps came to.

    Attributes:
        steps: In order.
        held: The highest rate that held; 0 for none.
        broke: The lowest rate that broke twice; None when none did.
        own: The doubles alone at that rate, when they broke the limits too.
    """

    steps: list[Step]
    held: float
    broke: float | None
    own: Step | None


def probe(context: Context) -> Outcome:
    """Climb."""
    peak, limit = context.settings["peak_per_s"], context.settings["p95_s"]
    context.needs_service()
    if peak is None or limit is None or peak <= 0:
        raise NotMeasured("The policy states no expected peak (PER-03.peak_per_s) with a limit of latency (p95_s).")
    with (
        alone(context),
        drill(
            context, longest_s=None, changes={"gateway.cache.enabled": False, "gateway.budget.default": {}}
        ) as played,
    ):
        delay_s = float(context.settings["provider_s"])
        played.doubles.behaviour = {name: Behaviour(delay_s=delay_s) for name in played.doubles.providers}
        if played.one(played.lines[0].name).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        curve = climbed(
            context, lambda rate, count: _step(played, rate, count), lambda rate, count: _own(played, rate, count)
        )
    _keep(context, curve)
    return _judged(context, curve, float(peak))


Run = Callable[[float, int], Step]


def climbed(context: Context, edge: Run, own: Run) -> Curve:
    """Step up until a rate breaks twice, or time is over.

    Args:
        context: Of the probe.
        edge: Loads the second edge at a rate with a number of requests.
        own: Loads the doubles alone.
    """
    peak, step_s, most_s = (float(context.settings[name]) for name in ("peak_per_s", "step_s", "most_s"))
    end = time.monotonic() + min(most_s, context.remaining_s() - 30.0)
    steps: list[Step] = []

    def holds(rate: float) -> bool:
        for _ in range(2):
            context.progress(f"load of {rate:g} a second")
            steps.append(edge(rate, _count(rate, step_s)))
            if steps[-1].holds(context):
                return True
        return False

    held, broke, needed = 0.0, None, TIMES * peak
    for each in LADDER:
        rate = round(max(peak, LEAST_PER_S) * each, 3)
        if time.monotonic() > end:
            break
        if not holds(rate):
            broke = rate
            break
        held = rate
    if broke is not None and held < needed < broke:  # a rung of the ladder may lie far above what is needed
        if LEAST / needed > most_s:
            return Curve(steps, held, None, None)
        held, broke = (needed, broke) if holds(needed) else (held, needed)
    if broke is None:
        return Curve(steps, held, None, None)
    context.progress(f"the doubles alone at {broke:g} a second")
    alone_step = own(broke, _count(broke, step_s))
    return Curve(steps, held, broke, None if alone_step.holds(context) else alone_step)


def _count(rate: float, step_s: float) -> int:
    return max(LEAST, int(rate * step_s))


def _step(played: Drill, rate: float, count: int) -> Step:
    names = [line.name for line in played.lines]
    begun = len(played.doubles.received)  # no question twice, whatever keeps answers
    questions = [Question(names[at % len(names)], f"Knee {rate:g} {begun + at}") for at in range(count)]
    return step(rate, played.ask(questions, **_way(played.context, rate)))


def _own(played: Drill, rate: float, count: int) -> Step:
    """The same to the first provider's double, without an edge between."""
    questions = [Question("m", f"Knee {rate:g} {at}") for at in range(count)]
    return step(rate, ask_all(f"{played.doubles.url}/0", questions, **_way(played.context, rate)))


def _way(context: Context, rate: float) -> dict[str, Any]:
    longest_s = 1.5 * (float(context.settings["p95_s"]) + float(context.settings["provider_s"]))
    return {"parallel": int(min(CONNECTIONS, max(16, rate * longest_s))), "rate_per_s": rate, "timeout_s": 20.0}


def step(rate: float, replies: Sequence[Reply]) -> Step:
    """What one rate came to."""
    whole = [each.seconds for each in replies if good(each)]
    p50, p95, p99 = (percentile("", whole, at) for at in (0.50, 0.95, 0.99))
    ends = [each.at + each.seconds for each in replies if good(each)]
    lasted = max(ends) - min(each.at for each in replies) if ends else 0.0
    return Step(
        rate, len(replies), sum(each.status is not None for each in replies),
        round(1 - len(whole) / max(1, len(replies)), 4), round(len(whole) / lasted, 1) if lasted else 0.0,
        _seconds(p50), _seconds(p95), p95.ci_high, _seconds(p99),
    )  # fmt: skip


def _seconds(measure: Measure) -> float | None:
    return None if measure.value is None else float(measure.value)


def table(curve: Curve, context: Context) -> str:
    """The curve for people."""
    heads = ("rate/s", "sent", "answers/s", "errors", "p50 s", "p95 s", "at most", "p99 s", "")
    rows = [
        (f"{each.rate_per_s:g}", str(each.sent), f"{each.answered_per_s:.1f}", f"{each.errors:.2%}",
         *("-" if value is None else f"{value:.3f}" for value in each[5:]),
         "holds" if each.holds(context) else "breaks")
        for each in curve.steps
    ]  # fmt: skip
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    lines = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _keep(context: Context, curve: Curve) -> None:
    context.evidence.write(table(curve, context).encode(), "the load curve, as a table")
    limits = {name: context.settings[name] for name in ("peak_per_s", "p95_s", "errors", "provider_s", "step_s")}
    context.evidence.write_json(
        {
            "limits": limits,
            "machine": machine(),
            "steps": [each._asdict() for each in curve.steps],
            "doubles_alone": None if curve.own is None else curve.own._asdict(),
        },
        "the load curve",
    )


def _judged(context: Context, curve: Curve, peak: float) -> Outcome:
    sent, answered = sum(each.sent for each in curve.steps), sum(each.answered for each in curve.steps)
    if not answered:
        raise NotMeasured("The second edge answered nothing under load.")
    coverage = Coverage(
        examined=answered, existing=sent,
        how_counted="Existing: requests that were due. Examined: those that were answered.",
    )  # fmt: skip
    measured = [Measure(name="knee", value=curve.held or None, unit="requests/s", n=sent)]
    measured += [
        Measure(name=f"p95@{each.rate_per_s:g}", value=each.p95_s, unit="s", n=each.sent, ci_high=each.p95_high_s)
        for each in curve.steps
    ]
    ended = f"it broke at {curve.broke:g}" if curve.broke is not None else "nothing broke before the time was over"
    said = (
        f"One worker held {curve.held:g} requests a second with a 95th percentile of at most "
        f"{float(context.settings['p95_s']):g} s, and {ended}; the expected peak is {peak:g}."
    )
    findings: list[Finding] = []
    if curve.held < TIMES * peak:
        if curve.broke is None:
            why = f"{said} {TIMES} times as much was not reached in the time there was."
            return not_measured(why, coverage=coverage, measured=measured)
        if curve.own is not None:
            why = f"{said} The doubles alone do not hold that rate here either, so it is the probe that is too slow."
            return not_measured(why, coverage=coverage, measured=measured)
        findings.append(
            wrong(context, "knee", f"The knee is below {curve.broke:g} requests a second; {TIMES * peak:g} are needed.")
        )
    return judged(said, coverage=coverage, findings=findings, measured=measured)
