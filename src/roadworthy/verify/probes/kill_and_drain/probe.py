"""REL-06: SIGTERM finishes what was begun and refuses the rest; after SIGKILL it starts with its records whole."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, request_ids, wrong

OPEN = 6
BEFORE = 20
SLOW_S = 1.2
TOKENS_PER_DAY = 600
_SETTLE_S = 1.5


@dataclass
class _Seen:
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    examined: int = 0


def probe(context: Context) -> Outcome:
    """Drain one start of the second edge, kill the next, look at what the third one knows."""
    seen = _Seen()
    changes = {"gateway.cache.enabled": False, "gateway.limits.drain_timeout_s": 10.0}
    keys = {"spent": ("--scope", "use", "--tokens-per-day", str(TOKENS_PER_DAY))}
    with drill(context, longest_s=8.0, changes=changes, keys=keys) as played:
        played.calm()
        if played.one(played.lines[0].name).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        context.progress("drain", 1, 3)
        _drained(played, seen)
        context.progress("kill", 2, 3)
        answered, spent = _killed(played, seen)
        context.progress("start again", 3, 3)
        _afterwards(played, seen, answered, spent)
    context.evidence.write_json(seen.rows, "drain, kill, restart")
    coverage = Coverage(
        examined=seen.examined,
        existing=6,
        how_counted="Existing: open requests, exit, records, chain, key, budget. Examined: what could be seen.",
    )
    return judged(
        f"Drained with {OPEN} requests open, then killed with {OPEN} open: {len(seen.findings)} things did not hold.",
        coverage=coverage,
        findings=seen.findings,
        measured=[Measure(name="answered_before_the_kill", value=len(answered), unit="requests")],
    )


def _behind(played: Drill) -> tuple[threading.Thread, list[Reply]]:
    """Requests that are under way when this returns."""
    played.doubles.behaviour = {name: Behaviour(delay_s=SLOW_S) for name in played.doubles.providers}
    mark, replies = len(played.doubles.received), []
    questions = [Question(played.lines[0].name, f"Open {mark} {at}") for at in range(OPEN)]
    thread = threading.Thread(target=lambda: replies.extend(played.ask(questions, parallel=OPEN)), daemon=True)
    thread.start()
    if not played.until(lambda: len(played.doubles.since(mark)) >= OPEN, 5.0):
        raise NotMeasured("The requests that should be open did not reach the providers.")
    return thread, replies


def _drained(played: Drill, seen: _Seen) -> None:
    thread, replies = _behind(played)
    played.edge.signal(signal.SIGTERM)
    time.sleep(0.3)
    late = played.one(played.lines[0].name, "Too late?")
    thread.join(15)
    code = played.edge.wait(12.0)
    whole = sum(each.status == 200 and each.ended for each in replies)
    seen.rows.append(
        {"drain": {"open": OPEN, "finished": whole, "new_request": late.status or late.failure, "exit_code": code}}
    )
    seen.examined += 2
    if whole != OPEN:
        seen.findings.append(
            wrong(played.context, "drain", f"{OPEN - whole} of {OPEN} open requests were not finished on SIGTERM.")
        )
    if late.status == 200:
        seen.findings.append(wrong(played.context, "drain_new", "A request that came after SIGTERM was still taken."))
    if code != 0:
        how = "did not end" if code is None else f"ended with exit code {code}"
        seen.findings.append(wrong(played.context, "drain_exit", f"It {how} after SIGTERM."))
        played.edge.kill()


def _killed(played: Drill, seen: _Seen) -> tuple[set[str], bool]:
    """Ids of the requests that were answered well before the kill, and whether the budget was spent then."""
    played.edge.start()
    played.doubles.all()
    replies = played.ask([Question(played.lines[0].name, f"Before {at}") for at in range(BEFORE)], parallel=4)
    answered = {each.headers.get("x-request-id", "") for each in replies if each.status == 200}
    key = played.copy.provider_keys["key:spent"]
    questions = [Question(played.lines[0].name, f"Spend {at}", {"max_tokens": 100}) for at in range(12)]
    spent = any(each.code == "budget_exceeded" for each in played.ask(questions, key=key, parallel=1))
    time.sleep(_SETTLE_S)
    thread, _ = _behind(played)
    played.edge.signal(signal.SIGKILL)
    played.edge.wait(5.0)
    thread.join(10)
    seen.rows.append({"kill": {"answered_before": len(answered), "budget_spent": spent, "open": OPEN}})
    return answered, spent


def _afterwards(played: Drill, seen: _Seen, answered: set[str], spent: bool) -> None:
    played.doubles.all()
    played.edge.start()
    if played.one(played.lines[0].name, "Are you back?").status != 200:
        seen.findings.append(
            wrong(played.context, "restart", "It does not serve after it was killed and started again.")
        )
    known = _recorded(played)
    lost, doubled = answered - set(known), len(known) - len(set(known))
    whole = played.edge.chain_whole()
    key = played.copy.provider_keys["key:spent"]
    again = played.ask([Question(played.lines[0].name, "Spend more", {"max_tokens": 100})], key=key, parallel=1)[0]
    seen.rows.append(
        {
            "afterwards": {
                "recorded": len(known),
                "lost": len(lost),
                "doubled": doubled,
                "chain_whole": whole,
                "spent_key": again.code or again.status,
            }
        }
    )
    seen.examined += 3 + spent
    for count, rule, what in (
        (len(lost), "lost", f"{len(lost)} requests that were answered before the kill are in no record."),
        (doubled, "doubled", f"{doubled} requests are recorded twice."),
        (not whole, "chain", "The chain of records is broken after the kill."),
        (again.status in (401, 403), "key", "A key is not known any more after the kill."),
        (spent and again.status == 200, "budget", "A budget that was spent is there again after the kill."),
    ):
        if count:
            seen.findings.append(wrong(played.context, rule, what))


def _recorded(played: Drill) -> list[str]:
    return request_ids(played.edge.command("gateway", "journal", "tail", "-n", "10000").get("entries", []))
