"""QUA-04: the gate of a second edge stops seeded bad answers and lets good ones pass, those close to bad among them."""

from __future__ import annotations

from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.gate_sample import BAD, GOOD, Sample
from roadworthy.verify.service.stat import share

CHANGES = {
    "gateway.breaker.consecutive_failures": 1000,
    "gateway.breaker.error_rate": 1.0,
    "gateway.retry.max_tries": 1,
    "gateway.cache.enabled": False,
}


def probe(context: Context) -> Outcome:
    """Let every provider say each sample, and see whether a caller gets it."""
    rows: list[dict[str, Any]] = []
    with drill(context, longest_s=5.0, changes=CHANGES, alone=True) as played:
        played.calm()
        samples = [*((each, True) for each in BAD), *((each, False) for each in GOOD)]
        for number, (sample, bad) in enumerate(samples):
            if number % 20 == 0:
                context.progress("seeded answers", number, len(samples))
            rows.append(_played(played, sample, bad, number))
    context.evidence.write_json(rows, "seeded answers and what became of them")
    judged_rows = [each for each in rows if each["reached"] and each["status"] is not None]
    if not any(each["served"] for each in rows):
        raise NotMeasured("The second edge served no answer at all, so what it stops shows nothing.")
    return _judged(context, rows, judged_rows)


def _played(played: Drill, sample: Sample, bad: bool, number: int) -> dict[str, Any]:
    played.doubles.behaviour = {name: Behaviour(text=sample.text) for name in played.doubles.providers}
    mark = len(played.doubles.received)
    more: dict[str, Any] = {"response_format": {"type": "json_object"}} if sample.json else {}
    question = Question(
        played.lines[0].name, f"Sample {number}, as JSON." if sample.json else f"Sample {number}.", more
    )
    reply = played.ask([question], parallel=1)[0]
    return {
        "family": sample.family,
        "bad": bad,
        "text": sample.text[:80],
        "reached": len(played.doubles.received) > mark,
        "served": reply.status == 200 and reply.text == sample.text,
        "changed": reply.status == 200 and reply.text != sample.text,
        "status": reply.status,
        "code": reply.code,
    }


def _judged(context: Context, rows: list[dict[str, Any]], seen: list[dict[str, Any]]) -> Outcome:
    bad, good = [each for each in seen if each["bad"]], [each for each in seen if not each["bad"]]
    caught = share("bad_caught", sum(each["status"] != 200 for each in bad), len(bad))
    passed = share("good_passed", sum(each["served"] for each in good), len(good))
    findings: list[Finding] = []
    for measure, least, name, missed in (
        (caught, context.settings["caught"], "bad", [each for each in bad if each["status"] == 200]),
        (passed, context.settings["passed"], "good", [each for each in good if not each["served"]]),
    ):
        if measure.value is not None and measure.value < float(least):
            families = ", ".join(sorted({each["family"] for each in missed}))
            verb = "stopped" if name == "bad" else "let through"
            findings.append(
                wrong(
                    context,
                    name,
                    f"{measure.value:.0%} of {measure.n} {name} answers were {verb}; {float(least):.0%} is "
                    f"needed. Wrong were: {families}.",
                    name,
                )
            )
    coverage = Coverage(
        examined=len(seen),
        existing=len(rows),
        how_counted="Existing: seeded answers. Examined: those that a provider gave and that came to an end.",
    )
    return judged(
        f"{caught.value or 0:.0%} of {len(bad)} bad answers were stopped, {passed.value or 0:.0%} of "
        f"{len(good)} good ones passed.",
        coverage=coverage,
        findings=findings,
        measured=[caught, passed],
    )
