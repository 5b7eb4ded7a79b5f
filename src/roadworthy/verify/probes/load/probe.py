"""PER-01: an open-loop load on a second edge whose doubles take as long as the real chain."""

from __future__ import annotations

import re
import statistics
from collections import Counter

from roadworthy.verify.machine import machine, pace
from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, judged, not_measured
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Caller, Question, Reply
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import alive, drill, offered, service_key, wrong
from roadworthy.verify.service.load_sample import FORM, LABEL, Samples, answered_per_s, encoded, good
from roadworthy.verify.service.stat import percentile
from roadworthy.verify.shared import alone, handing_over

HANDED = "load-samples"
"""Name under which the samples are handed to PER-06."""
LEAST = 1000
LIVE = 3
AT = {"p50_s": 0.50, "p95_s": 0.95, "p99_s": 0.99}
_UPSTREAM = re.compile(r"upstream;dur=([\d.]+)")


def probe(context: Context) -> Outcome:
    """Find out how long the real chain takes, then load the second edge at the expected peak."""
    with handing_over(context, HANDED) as give:
        wanted, rate = int(context.settings["requests"]), float(context.settings["rate_per_s"])
        if wanted < LEAST:
            raise NotMeasured(f"The policy asks for {wanted} requests; at least {LEAST} are needed.")
        url = alive(context)
        delay_s = context.settings["provider_s"]
        if delay_s is None:
            delay_s = _upstream(context, url)
        with alone(context):
            names, replies, control = _loaded(context, float(delay_s), wanted, rate)
        samples = Samples(
            form=FORM,
            machine=machine(),
            control_s=tuple(control),
            rate_per_s=rate,
            provider_s=float(delay_s),
            seconds={
                name: tuple(round(each.seconds, 5) for each in replies[at :: len(names)] if good(each))
                for at, name in enumerate(names)
            },
            asked=wanted,
            answered_per_s=answered_per_s(replies),
        )
        kept = context.evidence.write(encoded(samples), LABEL, media_type="application/json")
        give(context.evidence.content(kept))
        return _judged(context, names, replies, float(delay_s), rate)


def _loaded(
    context: Context, delay_s: float, wanted: int, rate: float
) -> tuple[list[str], list[Reply], list[float]]:  # fmt: skip
    """Names, what came back (one name after the other, again and again), and how fast the machine was meanwhile."""
    with drill(
        context, longest_s=None, changes={"gateway.cache.enabled": False, "gateway.budget.default": {}}
    ) as played:
        played.doubles.behaviour = {name: Behaviour(delay_s=delay_s) for name in played.doubles.providers}
        names = [line.name for line in played.lines]
        if played.one(names[0]).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        questions = [Question(names[at % len(names)], f"Load {at}") for at in range(wanted * len(names))]
        total = rate * len(names)
        connections = min(256, max(32, int(total * delay_s * 2) + 16))

        def told(done: int, of: int) -> None:
            context.progress("open-loop load", done, of)

        control = pace()
        replies = played.ask(questions, parallel=connections, rate_per_s=total, timeout_s=60.0, told=told)
        return names, replies, control + pace()


def _upstream(context: Context, url: str) -> float:
    """Median seconds that the providers of the running service take, over a few short answers."""
    names = offered(url, service_key())
    route = next((name for name in names if "/" not in name and not name.endswith("*")), next(iter(names), None))
    if route is None:
        raise NotMeasured(f"The service at {url} offers no model.")
    caller, seconds = Caller(url, service_key(), 60.0), []
    for number in range(LIVE):
        reply = caller.chat(route, f"Name a colour. ({number})", max_tokens=8, headers={"cache-control": "no-store"})
        match = _UPSTREAM.search(reply.headers.get("server-timing", ""))
        if reply.status == 200 and match:
            seconds.append(float(match[1]) / 1000)
    caller.close()
    if not seconds:
        raise NotMeasured(f"The service at {url} gave no answer, so how long its providers take is not known.")
    context.evidence.write_json({"route": route, "upstream_s": seconds}, "how long the real chain takes", covers=[url])
    return statistics.median(seconds)


def _judged(context: Context, names: list[str], replies: list[Reply], delay_s: float, rate: float) -> Outcome:
    answered = [each for each in replies if each.status is not None]
    if not answered:
        raise NotMeasured("The second edge answered nothing under load.")
    findings: list[Finding] = []
    measures: list[Measure] = []
    for number, name in enumerate(names):
        own = replies[number :: len(names)]
        whole = [each.seconds for each in own if good(each)]
        bad = Counter(each.failure or f"{each.status} {each.code}".strip() for each in own if not good(each))
        for what, count in sorted(bad.items()):
            findings.append(
                wrong(context, "failed", f"{name}: {count} of {len(own)} requests ended with {what}.", name, what)
            )
        found = [percentile(f"{word}:{name}", whole, at) for word, at in AT.items()]
        measures += found
        findings += _over(context, name, found)
    objectives = {word: context.settings[word] for word in AT if context.settings[word] is not None}
    context.evidence.write_json(
        {
            "rate_per_s_each": rate,
            "provider_s": delay_s,
            "objectives": objectives,
            "statuses": dict(Counter(str(each.status or each.failure) for each in replies)),
        },
        "open-loop load",
    )
    coverage = Coverage(
        examined=len(answered),
        existing=len(replies),
        how_counted="Existing: requests that were due. Examined: those that were answered.",
    )
    worst = max((each.value or 0.0 for each in measures if each.name.startswith("p99")), default=0.0)
    said = (
        f"{len(answered)} requests at {rate:g} a second for each of {len(names)} names, providers taking "
        f"{delay_s:.3f} s: "
        f"p99 at most {worst:.3f} s"
    )
    if not objectives and not findings:
        why = f"{said}. The policy names no objective (PER-01.p95_s, p99_s) to hold it to."
        return not_measured(why, coverage=coverage, measured=measures)
    return judged(f"{said}.", coverage=coverage, findings=findings, measured=measures)


def _over(context: Context, name: str, found: list[Measure]) -> list[Finding]:
    findings = []
    for measure, word in zip(found, AT, strict=True):
        limit = context.settings[word]
        if limit is None:
            continue
        high = measure.ci_high if measure.ci_high is not None else measure.value
        if high is None or high > float(limit):
            findings.append(
                wrong(
                    context,
                    word,
                    f"{name}: {word[:-2]} is {measure.value or 0:.3f} s with an upper bound of {high or 0:.3f} s; the "
                    f"objective is {float(limit):g} s.",
                    name,
                )
            )
    return findings
