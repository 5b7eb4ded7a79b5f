"""LLM-02: targets are asked in the order of the chain, none more often than allowed, and the deadline holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question
from roadworthy.verify.service.configuration import Line
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong

FRESH = {"cache-control": "no-store"}
_PASSED_OVER = ("breaker_open", "benched", "unsupported_parameter")


@dataclass
class _Seen:
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)
    served: int = 0


def probe(context: Context) -> Outcome:
    """Let the first targets of every chain fail, then all of them, then hang."""
    seen, grace = _Seen(), float(context.settings["grace_s"])
    with drill(context) as played:
        for number, line in enumerate(played.lines):
            context.progress(f"chain of {line.name}", number + 1, len(played.lines))
            for failing in range(len(line.targets)):
                _order(played, line, failing, seen)
            if not line.mode:
                _budget(played, line, seen)
        if not seen.served and not seen.findings:
            raise NotMeasured("The second edge served nothing even with healthy providers.")
        context.progress("every provider hangs")
        longest = _deadline(played, grace, seen)
        existing = len(played.lines)
    context.evidence.write_json(seen.rows, "who was asked, in which order")
    coverage = Coverage(
        examined=len(seen.lines),
        existing=existing,
        how_counted="Existing: routes and modes of the configuration. Examined: those whose chain was played.",
    )
    return judged(
        f"{seen.served} requests were served in the order of {len(seen.lines)} chains; with all hanging "
        "the slowest took "
        f"{longest:.0%} of its deadline, with {grace:g} s of grace.",
        coverage=coverage,
        findings=seen.findings,
        measured=[Measure(name="longest_share_of_deadline", value=round(longest, 4), unit="1")],
    )


def _order(played: Drill, line: Line, failing: int, seen: _Seen) -> None:
    """The first `failing` targets fail: the next one serves, and all before it were asked once, in order."""
    played.calm()
    for target in line.targets[:failing]:
        played.doubles.behaviour[str(target)] = Behaviour("error")
    mark = len(played.doubles.received)
    reply = played.ask([Question(line.name, f"Chain {line.name} {failing}", headers=FRESH)], parallel=1)[0]
    asked = [f"{each.provider}/{each.model}" for each in played.doubles.since(mark)]
    told = [f"{each.get('provider')}/{each.get('model')}" for each in reply.attempts]
    wanted = [str(each) for each in line.targets[: failing + 1]]
    seen.rows.append(
        {"route": line.name, "failing": failing, "asked": asked, "told": told, "wanted": wanted, **reply.brief()}
    )
    if reply.status is None:
        return
    seen.lines.add(line.name)
    seen.served += reply.status == 200
    if reply.status != 200 or asked != wanted:
        seen.findings.append(
            wrong(
                played.context,
                "order",
                f"{line.name} with its first {failing} targets failing: asked {', '.join(asked) or 'nobody'}, "
                f"configured {', '.join(wanted)}; status {reply.status}.",
                line.name,
                str(failing),
            )
        )
    elif told != asked:
        seen.findings.append(
            wrong(played.context, "told", f"{line.name}: the answer tells other attempts than were made.", line.name)
        )


def _budget(played: Drill, line: Line, seen: _Seen) -> None:
    """All fail: nobody is asked more often than `max_tries`, and the caller is told not to run it again."""
    played.calm()
    played.doubles.all("error")
    mark = len(played.doubles.received)
    reply = played.ask([Question(line.name, f"Spent {line.name}", headers=FRESH)], parallel=1)[0]
    counts = {str(each): len(played.doubles.since(mark, str(each))) for each in line.targets}
    told = [each for each in reply.attempts if each.get("reason") not in _PASSED_OVER]
    seen.rows.append({"route": line.name, "failing": "all", "asked": counts, **reply.brief()})
    if reply.status is None:
        return
    most = max(counts.values(), default=0)
    if most > played.copy.max_tries:
        seen.findings.append(
            wrong(
                played.context,
                "retries",
                f"{line.name}: a target was asked {most} times in one request; {played.copy.max_tries} are configured.",
                line.name,
            )
        )
    if reply.status == 200 or not reply.code:
        seen.findings.append(
            wrong(
                played.context,
                "spent",
                f"{line.name}: with every target failing the status is {reply.status} and the code "
                f"{reply.code or 'missing'}.",
                line.name,
            )
        )
    elif len(told) != sum(counts.values()):
        seen.findings.append(
            wrong(
                played.context,
                "told",
                f"{line.name}: {sum(counts.values())} attempts were made, {len(told)} are told.",
                line.name,
            )
        )
    if reply.status == 502 and reply.headers.get("x-should-retry") != "false":
        seen.findings.append(
            wrong(
                played.context, "should_retry", f"{line.name}: a spent chain does not tell SDKs to leave it.", line.name
            )
        )


def _deadline(played: Drill, grace: float, seen: _Seen) -> float:
    """All hang at once; returns the largest share of a deadline that was taken."""
    played.calm()
    played.doubles.all("hang")
    lines = played.lines
    replies = played.ask(
        [Question(line.name, f"Hang {line.name}", headers=FRESH) for line in lines], parallel=len(lines), timeout_s=20.0
    )
    longest = 0.0
    for line, reply in zip(lines, replies, strict=True):
        seen.rows.append({"route": line.name, "failing": "hang", "deadline_s": line.deadline_s, **reply.brief()})
        longest = max(longest, reply.seconds / line.deadline_s)
        if reply.status is None or reply.seconds > line.deadline_s + grace:
            how = "got no answer" if reply.status is None else "was answered"
            seen.findings.append(
                wrong(
                    played.context,
                    "deadline",
                    f"{line.name} {how} after {reply.seconds:.2f} s; its deadline is {line.deadline_s:g} s.",
                    line.name,
                )
            )
    return longest
