"""REL-05: above the bound on requests in flight the rest is shed at once, and what fits is served as before."""

from __future__ import annotations

import time
from dataclasses import dataclass

from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import Drill, drill, wrong

DELAY_S = 0.2
REQUESTS = 160
TIMES = 4
SECONDS = 4.0


@dataclass(frozen=True)
class _Run:
    parallel: int
    served: int
    shed: int
    other: int
    seconds: float
    replies: list[Reply]

    @property
    def goodput(self) -> float:
        """Answers a second."""
        return self.served / self.seconds if self.seconds else 0.0


def probe(context: Context) -> Outcome:
    """Load up to the bound, then four times as much, then one request."""
    fits = min(int(context.settings["fits"]), of_service(context).gateway.limits.max_requests_in_flight)
    changes = {
        "gateway.limits.max_requests_in_flight": fits,
        "gateway.cache.enabled": False,
        "gateway.budget.default": {},
    }
    with drill(context, changes=changes) as played:
        played.calm()
        played.doubles.all("answer", delay_s=DELAY_S)
        if played.one(played.lines[0].name).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        context.progress("load at the bound")
        knee = _run(played, fits, REQUESTS)
        context.progress("four times the bound")
        rate = TIMES * max(1.0, knee.goodput)
        over = _run(played, TIMES * fits + 16, int(rate * SECONDS), rate)
        time.sleep(0.3)
        after = played.one(played.lines[0].name)
    return _judged(context, knee, over, after, fits)


def _run(played: Drill, parallel: int, count: int, rate_per_s: float | None = None) -> _Run:
    """As fast as the answers come, or at a rate that does not wait for them."""
    begin = time.monotonic()
    questions = [Question(played.lines[0].name, f"Overload {parallel} {at}") for at in range(count)]
    replies = played.ask(questions, parallel=parallel, rate_per_s=rate_per_s)
    served = sum(each.status == 200 for each in replies)
    shed = sum(each.status in (429, 503) and bool(each.code) for each in replies)
    return _Run(parallel, served, shed, len(replies) - served - shed, time.monotonic() - begin, replies)


def _judged(context: Context, knee: _Run, over: _Run, after: Reply, fits: int) -> Outcome:
    least = float(context.settings["goodput"])
    context.evidence.write_json(
        [
            {
                "parallel": each.parallel,
                "served": each.served,
                "shed": each.shed,
                "other": each.other,
                "seconds": round(each.seconds, 3),
                "goodput_per_s": round(each.goodput, 2),
            }
            for each in (knee, over)
        ]
        + [{"after": after.brief()}],
        "load at the bound and above it",
    )
    if not knee.served:
        raise NotMeasured("The second edge served nothing under the load that fits.")
    share = over.goodput / knee.goodput
    findings: list[Finding] = []
    if over.other:
        findings.append(
            wrong(context, "other", f"{over.other} requests above the bound got neither an answer nor 429 or 503.")
        )
    if not over.shed:
        findings.append(
            wrong(context, "not_shed", f"With {over.parallel} at once and a bound of {fits} nothing was shed.")
        )
    unsaid = sum(each.status == 503 and not each.headers.get("retry-after") for each in over.replies)
    if unsaid:
        findings.append(wrong(context, "retry_after", f"{unsaid} requests were shed without Retry-After."))
    if share < least:
        findings.append(
            wrong(
                context,
                "goodput",
                f"Under {TIMES} times the load {share:.0%} of the goodput was left; {least:.0%} is needed.",
            )
        )
    if after.status != 200:
        findings.append(wrong(context, "recovery", f"After the load one request got status {after.status}."))
    answered = sum(each.status is not None for each in (*knee.replies, *over.replies))
    coverage = Coverage(
        examined=answered,
        existing=len(knee.replies) + len(over.replies),
        how_counted="Existing: requests that were sent. Examined: those that were answered.",
    )
    return judged(
        f"With {TIMES} times the load that fits, {over.shed} of {len(over.replies)} were shed and "
        f"{share:.0%} of the goodput was left.",
        coverage=coverage,
        findings=findings,
        measured=[Measure(name="goodput_share", value=round(share, 4), unit="1", n=len(over.replies))],
    )
