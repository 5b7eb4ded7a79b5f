"""SEC-06: each hostile client hits a limit, and meanwhile everybody else is served."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from roadworthy.verify.outcome import Coverage, Finding, Missing, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import CHAT, Caller, Question, Reply, chat_body
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.stat import percentile
from roadworthy.verify.service.wire import Heard, dripping, head, talk

BODY = 1024 * 1024
HEAD_S = 1.0
REQUEST_S = 1.5
SLOW_CLIENTS = 64
PER_MINUTE = 6
_JSON = "content-type: application/json"
_MARGIN_S = 1.5


class _Case(NamedTuple):
    name: str
    play: Callable[[Drill], Heard]
    statuses: tuple[int, ...]
    within_s: float


def probe(context: Context) -> Outcome:
    """Play every hostile client while a normal one asks on and on."""
    limits = {
        "gateway.limits.max_body_bytes": BODY,
        "gateway.limits.header_timeout_s": HEAD_S,
        "gateway.limits.request_timeout_s": REQUEST_S,
    }
    with drill(
        context, changes=limits, keys={"rate": ("--scope", "use", "--requests-per-minute", str(PER_MINUTE))}
    ) as played:
        played.calm()
        if played.one(played.lines[0].name).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        cases = _cases(played)
        with _Normal(played) as normal:
            heard = []
            for number, each in enumerate(cases):
                context.progress(each.name, number + 1, len(cases))
                heard.append(each.play(played))
            rate = _rate(played)
    return _judged(context, cases, heard, normal.replies, rate)


def _cases(played: Drill) -> list[_Case]:
    limits = played.copy.data["gateway"]["limits"]
    large, many = int(limits["max_header_bytes"]), int(limits["max_headers"])
    length = f"content-length: {BODY + 1}"
    line = f"x-bomb: {'b' * (large + 1000)}"
    lines = [f"x-bomb-{at}: b" for at in range(many + 20)]
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    body = chat_body(played.lines[0].name, "slow")
    nested = b"[" * 200_000
    url = played.edge.url
    # With the key, where one is asked for: a client that is refused for its key meets no other limit.
    known = [_JSON, *([f"authorization: Bearer {played.key}"] if played.key else [])]
    slow = head("POST", CHAT, *known, f"content-length: {len(body)}")

    def say(*pieces: bytes, limit_s: float = 5.0) -> Callable[[Drill], Heard]:
        return lambda _: talk(url, pieces, limit_s)

    return [
        _Case("body over the limit", say(head("POST", CHAT, *known, length), b"x" * 1000), (413,), 5),
        _Case(
            "chunked body over the limit",
            lambda _: talk(url, [head("POST", CHAT, *known, "transfer-encoding: chunked"), *[chunk] * 20], 5.0),
            (413,),
            5,
        ),
        _Case("header line over the limit", say(head("GET", "/livez", line)), (431, 400), 5),
        _Case(
            "header line eight times the limit", say(head("GET", "/livez", f"x-bomb: {'b' * 8 * large}")), (431, 400), 5
        ),
        _Case("too many header lines", say(head("GET", "/livez", *lines)), (431, 400), 5),
        _Case(
            "two lengths",
            say(head("POST", CHAT, *known, "content-length: 5", "content-length: 6"), b"hello!"),
            (400,),
            5,
        ),
        _Case(
            "length and chunks",
            say(head("POST", CHAT, *known, "content-length: 5", "transfer-encoding: chunked"), b"0\r\n\r\n"),
            (400,),
            5,
        ),
        _Case(
            "deeply nested JSON",
            say(head("POST", CHAT, *known, f"content-length: {len(nested)}"), nested),
            (400, 413),
            5,
        ),
        _Case(
            "slow head", lambda _: talk(url, dripping(slow), HEAD_S + _MARGIN_S + 2, 0.1), (408,), HEAD_S + _MARGIN_S
        ),
        _Case(
            "slow body",
            lambda _: talk(url, [slow, *dripping(body)], REQUEST_S + _MARGIN_S + 2, 0.1),
            (408,),
            REQUEST_S + _MARGIN_S,
        ),
        _Case(f"{SLOW_CLIENTS} slow clients at once", lambda _: _crowd(url, slow), (408,), HEAD_S + _MARGIN_S),
    ]


def _crowd(url: str, slow: bytes) -> Heard:
    """The worst of many slow clients."""
    found: list[Heard] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(talk(url, dripping(slow), HEAD_S + _MARGIN_S + 2, 0.25)), daemon=True
        )
        for _ in range(SLOW_CLIENTS)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(HEAD_S + _MARGIN_S + 5)
    return max(found, key=lambda each: (not each.closed, each.seconds), default=Heard(False, None, False, 0.0, 0))


def _rate(played: Drill) -> list[Reply]:
    questions = [Question(played.lines[0].name, f"Rate {at}") for at in range(4 * PER_MINUTE)]
    return played.ask(questions, key=played.copy.provider_keys["key:rate"], parallel=4)


class _Normal:
    """Asks on and on until the block ends."""

    def __init__(self, played: Drill) -> None:
        self.replies: list[Reply] = []
        self._played = played
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Normal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        caller = Caller(self._played.edge.url, self._played.key, 10.0)
        while not self._over.is_set():
            self.replies.append(caller.chat(self._played.lines[0].name, f"Normal {len(self.replies)}"))
            time.sleep(0.02)
        caller.close()


def _judged(
    context: Context, cases: list[_Case], heard: list[Heard], normal: list[Reply], rate: list[Reply]
) -> Outcome:
    findings: list[Finding] = []
    missing: list[Missing] = []
    for each, found in zip(cases, heard, strict=True):
        if not found.connected:
            missing.append(Missing(name=each.name))
        elif not _held(each, found):
            how = "no answer" if found.status is None else f"status {found.status}"
            findings.append(
                wrong(
                    context,
                    "limit",
                    f"{each.name}: {how} after {found.seconds:.1f} s and {found.sent} bytes; a "
                    f"limit should end it within {each.within_s:g} s.",
                    each.name,
                )
            )
    passed, refused = sum(each.status == 200 for each in rate), sum(each.status == 429 for each in rate)
    if not refused:
        findings.append(
            wrong(context, "rate", f"A key with {PER_MINUTE} requests a minute had {passed} of {len(rate)} served.")
        )
    unserved = sum(each.status != 200 for each in normal)
    if unserved:
        findings.append(
            wrong(
                context, "others", f"{unserved} of {len(normal)} requests of a normal client were not served meanwhile."
            )
        )
    rows: list[Any] = [{"client": each.name, **found._asdict()} for each, found in zip(cases, heard, strict=True)]
    rows.append(
        {"client": f"key with {PER_MINUTE} requests a minute", "served": passed, "refused": refused, "asked": len(rate)}
    )
    rows.append({"client": "normal", "asked": len(normal), "unserved": unserved})
    context.evidence.write_json(rows, "hostile clients and a normal one beside them")
    coverage = Coverage(
        examined=len(cases) - len(missing) + (1 if normal else 0),
        existing=len(cases) + 1,
        missing=tuple(missing),
        how_counted="Existing: kinds of client. Examined: those that got a connection.",
    )
    return judged(
        f"{len(cases)} kinds of hostile client, {len(normal)} requests of a normal one meanwhile: "
        f"{len(findings)} limits failed.",
        coverage=coverage,
        findings=findings,
        measured=[percentile("normal_p99_s", [each.seconds for each in normal], 0.99)],
    )


def _held(case: _Case, found: Heard) -> bool:
    """A fitting status, or a closed connection without one, in time."""
    fits = found.status in case.statuses or (found.status is None and found.closed)
    return fits and found.seconds <= case.within_s
