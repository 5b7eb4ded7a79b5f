"""REL-04: with every provider down each request ends within its deadline, with a fitting status and an error object."""

from __future__ import annotations

from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, Status, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import Line
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.stat import percentile

DOWN = ("refuse", "hang", "error", "unavailable")
STATUSES = (429, 502, 503, 504)
LEAST = 100


def probe(context: Context) -> Outcome:
    """Take every provider down in four ways, and time what callers get."""
    wanted = int(context.settings["requests"])
    if wanted < LEAST:
        raise NotMeasured(f"The policy asks for {wanted} requests; at least {LEAST} are needed.")
    found: list[tuple[str, Line, Reply]] = []
    with drill(context, longest_s=2.5) as played:
        played.calm()
        if not any(played.one(line.name, "Are you well?").status == 200 for line in played.lines):
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        for number, way in enumerate(DOWN):
            context.progress(f"every provider down: {way}", number + 1, len(DOWN))
            played.calm()
            played.doubles.all(way)
            found += _asked(played, way, -(-wanted // len(DOWN)))
        reached = {each.kind for each in played.doubles.received}
    outcome = _judged(context, found, wanted)
    missing = [way for way in DOWN if way not in reached]
    if missing and outcome.status is Status.PASS:
        raise NotMeasured(f"No request reached a provider that is down by {', '.join(missing)}.")
    return outcome


def _asked(played: Drill, way: str, count: int) -> list[tuple[str, Line, Reply]]:
    lines = [played.lines[at % len(played.lines)] for at in range(count)]
    more = {"headers": {"cache-control": "no-store"}}
    questions = [
        Question(line.name, f"{way} {at}", {"stream": True} if at % 2 else {}, **more) for at, line in enumerate(lines)
    ]
    replies = played.ask(questions, parallel=16, timeout_s=20.0)
    return [(way, line, reply) for line, reply in zip(lines, replies, strict=True)]


def _judged(context: Context, found: list[tuple[str, Line, Reply]], wanted: int) -> Outcome:
    grace = float(context.settings["grace_s"])
    answered = [each for each in found if each[2].status is not None]
    if not answered:
        raise NotMeasured("The second edge answered nothing while its providers were down.")
    seconds = percentile("p99_s", [reply.seconds for _, _, reply in answered], 0.99)
    share_of_deadline = max(reply.seconds / line.deadline_s for _, line, reply in answered)
    rows = [
        {"way": way, "route": line.name, "deadline_s": line.deadline_s, **reply.brief()} for way, line, reply in found
    ]
    context.evidence.write_json(rows, "requests while everything is down")
    findings = _late(context, answered, grace) + _wrong(context, answered)
    lost = len(found) - len(answered)
    if lost:
        findings.append(wrong(context, "no_answer", f"{lost} requests got no answer."))
    coverage = Coverage(
        examined=len(answered), existing=len(found),
        how_counted="Existing: requests sent to the second edge. Examined: answers that were judged.",
    )  # fmt: skip
    return judged(
        f"{len(answered)} requests with everything down in {len(DOWN)} ways: the slowest took "
        f"{share_of_deadline:.0%} of its deadline, with {grace:g} s of grace for a busy machine.",
        coverage=coverage, findings=findings,
        measured=[seconds, Measure(name="longest_share_of_deadline", value=round(share_of_deadline, 4), unit="1")],
        passed=len(answered) >= min(wanted, LEAST),
    )  # fmt: skip


def _late(context: Context, answered: list[tuple[str, Line, Reply]], grace: float) -> list[Finding]:
    late = [(line, reply) for _, line, reply in answered if reply.seconds > line.deadline_s + grace]
    if len(late) <= len(answered) // 100:
        return []
    worst = max(reply.seconds for _, reply in late)
    return [
        wrong(
            context,
            "late",
            f"{len(late)} of {len(answered)} took longer than their deadline; the longest {worst:.1f} s.",
        )
    ]


def _wrong(context: Context, answered: list[tuple[str, Line, Reply]]) -> list[Finding]:
    odd: dict[str, int] = {}
    for way, _, reply in answered:
        told_in_stream = reply.status == 200 and reply.streamed and reply.error is not None
        if not told_in_stream and (reply.status not in STATUSES or not reply.code):
            odd[f"{way}: {reply.status}"] = odd.get(f"{way}: {reply.status}", 0) + 1
    return [
        wrong(context, "status", f"{count} requests with every provider down ({what}) got no fitting error.", what)
        for what, count in sorted(odd.items())
    ]
