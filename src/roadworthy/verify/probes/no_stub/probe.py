"""LLM-01: with all providers failing in eleven ways, callers get marked cache entries and structured errors alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from roadworthy.verify.outcome import Coverage, Measure, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.double import FAILURES, is_ours
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.stat import share

LEAST = 500
MARKED = ("hit", "semantic", "stale")
WARM = "What makes a bridge grow?"


@dataclass
class _Seen:
    healthy: list[dict[str, object]] = field(default_factory=list)
    asked: int = 0
    answered: int = 0
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, dict[str, object]] = field(default_factory=dict)


def probe(context: Context) -> Outcome:
    """Ask through every way of failing; judge each answer."""
    wanted = int(context.settings["answers"])
    if wanted < LEAST:
        raise NotMeasured(f"The policy asks for {wanted} answers; at least {LEAST} are needed.")
    seen = _Seen()
    with drill(context, longest_s=1.0) as played:
        _healthy(played, seen)
        each = -(-wanted // len(FAILURES))
        for number, way in enumerate(FAILURES):
            context.progress(f"every provider: {way}", number + 1, len(FAILURES))
            played.calm()
            played.doubles.all(way)
            _round(played, way, each, seen)
        reached = Counter(each.kind for each in played.doubles.received)
    return _judged(context, seen, reached)


def _healthy(played: Drill, seen: _Seen) -> None:
    """Real answers first: who never answers has shown nothing. They also fill the cache where there is one."""
    played.calm()
    replies = played.ask([Question(line.name, WARM, {"temperature": 0}) for line in played.lines], parallel=4)
    seen.healthy = [each.brief() for each in replies]
    if not any(each.status is not None for each in replies):
        raise NotMeasured("The second edge answered nothing.")
    if not any(each.status == 200 for each in replies):
        raise NotMeasured(
            f"The second edge serves nothing even with healthy providers: {replies[0].code or 'no code'}."
        )


def _round(played: Drill, way: str, count: int, seen: _Seen) -> None:
    lines = played.lines
    questions = [
        Question(
            lines[at % len(lines)].name,
            WARM if at % 7 == 0 else f"Question {way} {at}: why?",
            {"temperature": 0, **({"stream": True} if at % 2 else {})},
        )
        for at in range(count)
    ]
    replies = played.ask(questions, parallel=24, timeout_s=15.0)
    seen.asked += len(questions)
    for reply in replies:
        seen.answered += reply.status is not None
        verdict = judge(reply)
        seen.verdicts[way, verdict] += 1
        seen.examples.setdefault(f"{way}: {verdict}", reply.brief())


def judge(reply: Reply) -> str:
    """What an answer is that came while no provider can answer: `error`, `cached`, or what is wrong with it."""
    if reply.status is None:
        return "no_answer"
    if reply.status != 200:
        return "error" if reply.code and (reply.error or {}).get("message") else "unstructured"
    if reply.error is not None:
        return "error" if reply.code and b"data: [DONE]" not in reply.body else "unstructured"
    if not reply.ended:
        return "broken_untold"
    if reply.cache in MARKED and is_ours(reply.text):
        return "cached"
    return "unmarked" if is_ours(reply.text) else "stub"


_WRONG = {
    "stub": "text that no provider gave was served as an answer",
    "unmarked": "an answer was served that is not marked as cached, though no provider could answer",
    "unstructured": "an error came without an error object that has a code and a message",
    "broken_untold": "an answer broke off without an error event",
    "no_answer": "the connection ended without an answer",
}


def _judged(context: Context, seen: _Seen, reached: Counter[str]) -> Outcome:
    told = {f"{way}: {verdict}": count for (way, verdict), count in sorted(seen.verdicts.items())}
    context.evidence.write_json(
        {"healthy": seen.healthy, "answers": told, "examples": seen.examples, "reached_the_doubles": dict(reached)},
        "answers while every provider fails",
    )
    if seen.answered == 0:
        raise NotMeasured("The second edge answered nothing while its providers failed.")
    findings = [
        wrong(
            context,
            rule,
            f"{count} times with every provider failing by {way}: {_WRONG[rule]}.",
            way,
            severity=Severity.CRITICAL if rule in ("stub", "unmarked") else Severity.HIGH,
        )
        for (way, rule), count in sorted(seen.verdicts.items())
        if rule in _WRONG
    ]
    stubs = sum(count for (_, rule), count in seen.verdicts.items() if rule in ("stub", "unmarked"))
    cached = sum(count for (_, rule), count in seen.verdicts.items() if rule == "cached")
    unreached = [way for way in FAILURES if not reached[way]]
    if unreached and not findings:
        raise NotMeasured(f"No request reached a provider that fails by {', '.join(unreached)}.")
    measures = [
        share("stub_share", stubs, seen.answered),
        Measure(name="answers", value=seen.answered, unit="answers"),
        Measure(name="cached_and_marked", value=cached, unit="answers"),
    ]
    coverage = Coverage(
        examined=seen.answered,
        existing=seen.asked,
        how_counted="Existing: questions sent to the second edge. Examined: answers with a status that were judged.",
    )
    return judged(
        f"{seen.answered} answers while every provider failed in {len(FAILURES)} ways: {stubs} stubs, {cached} out of "
        "the cache and marked, the others errors.",
        coverage=coverage,
        findings=findings,
        measured=measures,
        passed=seen.answered >= LEAST,
    )
