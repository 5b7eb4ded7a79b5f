"""PII-02: canaries go through a second edge wherever a caller can write; then all that it wrote is searched."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, Severity, Status, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import CHAT, Caller, Reply, chat_body
from roadworthy.verify.service.canary import Canary, canaries, hits, places
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong

_SETTLE_S = 1.0


def probe(context: Context) -> Outcome:
    """Send, stop the edge so that everything is written, and search log, state, metrics and our own evidence."""
    wanted = canaries()
    with drill(context, longest_s=2.0) as played:
        played.calm()
        context.progress("canaries through the second edge", 0, len(wanted))
        replies = list(_sent(played, wanted))
        reached = sum(any(_mark(each).encode() in one.body for one in played.doubles.received) for each in wanted)
        time.sleep(_SETTLE_S)
        metrics = played.get("/metrics")
        played.edge.signal(signal.SIGTERM)
        played.edge.wait(15.0)
        searched = {"metrics": metrics.body if metrics.status == 200 else b"", **_files(played.edge.folder)}
    context.evidence.write_json([each.brief() for each in replies], "answers to requests with canaries")
    searched |= {f"evidence {number}": content for number, content in enumerate(_evidence(context))}
    outcome = _judged(context, wanted, replies, searched)
    if reached < len(wanted) and outcome.status is Status.PASS:
        raise NotMeasured(
            f"Only {reached} of {len(wanted)} canaries reached a provider, so nothing is known about the others."
        )
    return outcome


def _sent(played: Drill, wanted: tuple[Canary, ...]) -> Iterator[Reply]:
    """Each canary as question, streamed, as system message, in an answer, in an error, and where it is misplaced."""
    route = played.lines[0].name
    caller = Caller(played.edge.url, played.key, 20.0)
    for each in wanted:
        played.calm()
        yield caller.chat(route, f"{each.sentence} {_mark(each)}", temperature=0)
        yield caller.chat(route, each.sentence, stream=True, user=each.value)
        messages = [{"role": "system", "content": each.sentence}, {"role": "user", "content": "Hello."}]
        yield caller.chat(route, "", messages=messages)
        played.doubles.all("answer", text=f"I remember: {each.sentence}")
        yield caller.chat(route, "What do you know?", headers={"cache-control": "no-store"})
        played.doubles.behaviour = {name: Behaviour("leak") for name in played.doubles.providers}
        yield caller.chat(route, each.sentence, headers={"cache-control": "no-store"})
        yield caller.chat(each.value, "The canary is the model's name.")
        yield caller.send("POST", CHAT, b'{"model": "' + each.value.encode() + b'", broken')
        yield caller.send("POST", CHAT, chat_body(route, "Hello.", temperature=each.value))
        name = each.value.encode("ascii", "ignore").decode().replace(" ", "%20")
        yield caller.send("GET", f"/v1/models/{name}?q={name}")
        yield caller.send(
            "GET", "/v1/models", headers={"user-agent": name, "x-request-id": name, "authorization": f"Bearer {name}"}
        )
    caller.close()


def _mark(canary: Canary) -> str:
    """Goes with a canary and is nothing that would be masked: shows that the request came through."""
    return f"(question about {canary.kind.lower().replace('_', ' ')})"


def _files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in places(folder) if name != "roadworthy.yaml"}


def _evidence(context: Context) -> Iterator[bytes]:
    for each in context.evidence.items:
        yield context.evidence.content(each.sha256)


def _judged(context: Context, wanted: tuple[Canary, ...], replies: list[Reply], searched: dict[str, bytes]) -> Outcome:
    answered = [each for each in replies if each.status is not None]
    written = b"".join(content for name, content in searched.items() if not name.startswith(("evidence", "metrics")))
    ids = [each.headers.get("x-request-id", "") for each in answered if each.headers.get("content-type")]
    traced = sum(bool(each) and each.encode() in written for each in ids)
    found = {name: count for name, content in searched.items() if (count := hits(content, wanted))}
    context.evidence.write_json(
        {
            "kinds": [each.kind for each in wanted],
            "requests": len(replies),
            "answered": len(answered),
            "requests_traced_in_what_was_written": traced,
            "searched_bytes": {name: len(each) for name, each in searched.items()},
            "found": found,
        },
        "search for canaries",
    )
    if not found and (traced == 0 or not searched["metrics"]):
        raise NotMeasured("What the second edge wrote does not hold its own requests, so its silence proves nothing.")
    findings: list[Finding] = [
        wrong(
            context, "raw", f"{kind} stands unmasked in {name}, {count} times.", kind, name, severity=Severity.CRITICAL
        )
        for name, kinds in sorted(found.items())
        for kind, count in kinds.items()
    ]
    coverage = Coverage(
        examined=len(answered),
        existing=len(replies),
        how_counted="Existing: requests with canaries. Examined: those that were answered before the search.",
    )
    size = sum(map(len, searched.values()))
    return judged(
        f"{len(wanted)} canaries in {len(replies)} requests; {len(findings)} raw hits in {len(searched)} "
        f"places of {size} bytes "
        f"that hold {traced} of these requests.",
        coverage=coverage,
        findings=findings,
        measured=[
            Measure(
                name="raw_hits", value=sum(sum(each.values()) for each in found.values()), unit="hits", n=len(replies)
            )
        ],
    )
