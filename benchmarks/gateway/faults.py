"""What a client sees when the first of two providers fails: fifteen faults, each judged by a stated rule.

python benchmarks/gateway/faults.py [--targets own litellm]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import report
import target as targets
from machine import Pinned, compile_tools, default_home, description, isolate, missing, stop
from target import Target
from upstream import Upstream

# Time our side may add on top of what the provider's fault itself takes, in milliseconds.
FAILOVER_MS = 20.0
TRY_MS = 2000.0
OPEN_S = 10.0
GIVE_UP_S = 15.0


@dataclass
class Seen:
    """What came back for one request. `ms` is the time to the end, `first_ms` to the first token of a stream."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    end: str = "clean"
    ms: float = 0.0
    first_ms: float | None = None

    def tokens(self, name: str) -> int:
        """Streamed tokens that carry the name of a provider."""
        return len(re.findall(rf'"{name}-\d+ "', self.text))

    def said_by(self, name: str) -> bool:
        """Whether a plain answer is the whole answer of this provider."""
        try:
            content = json.loads(self.text)["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError):
            return False
        whole = (f"{name}: ", f'{{"answer": "{name}"}}')
        return self.status == 200 and isinstance(content, str) and content.startswith(whole)

    @property
    def finished(self) -> bool:
        """Whether a stream says that it is complete."""
        return "[DONE]" in self.text or bool(re.search(r'"finish_reason": ?"(stop|length)"', self.text))

    @property
    def error_event(self) -> bool:
        """Whether a stream carries an error event."""
        return any(line.startswith("data:") and '"error"' in line for line in self.text.splitlines())

    def short(self, stream: bool) -> str:
        """One line for the table."""
        if not stream:
            who = next((n for n in ("primary", "fallback") if self.said_by(n)), None)
            body = f"answer of {who}" if who else "error" if self.status >= 400 else f"bad body {self.text[:40]!r}"
            return f"{self.status} {body}" + ("" if self.end == "clean" else f", {self.end}")
        said = [f"{n} {who}" for who in ("primary", "fallback") if (n := self.tokens(who))]
        marks = [m for m, on in (("[DONE]", "[DONE]" in self.text), ("error event", self.error_event)) if on]
        return ", ".join([f"{self.status} tokens: {' + '.join(said) or 'none'}", *marks, f"{self.end} end"])


def ask(target: Target, stream: bool = False, wants_json: bool = False) -> Seen:
    """One request as a client makes it; every way it can end is recorded, none raises."""
    request: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say who you are."}]}
    if stream:
        request["stream"] = True
    if wants_json:
        shape = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        request["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": shape}}
    headers = {"content-type": "application/json"} | dict(h.split(": ", 1) for h in target.headers)
    seen, data = Seen(), b""
    link = http.client.HTTPConnection("127.0.0.1", target.port, timeout=GIVE_UP_S)
    start = time.perf_counter()
    try:
        link.request("POST", "/v1/chat/completions", json.dumps(request), headers)
        answer = link.getresponse()
        seen.status, seen.headers = answer.status, {k.lower(): v for k, v in answer.getheaders()}
        while part := answer.read1(65536):
            data += part
            if seen.first_ms is None and re.search(rb'"content": ?"[^"]', data):
                seen.first_ms = (time.perf_counter() - start) * 1e3
    except http.client.IncompleteRead as error:
        data, seen.end = data + error.partial, "cut"
    except TimeoutError:
        seen.end = f"silent for {GIVE_UP_S:g} s, no"
    except (OSError, http.client.HTTPException):
        seen.end = "cut"
    finally:
        link.close()
    seen.ms, seen.text = (time.perf_counter() - start) * 1e3, data.decode(errors="replace")
    return seen


class Stage:
    """Two providers and one gateway, freshly started, that has just served four healthy requests, one a stream."""

    def __init__(self, target: Target, program: Pinned, primary: Upstream, fallback: Upstream) -> None:
        self.target, self.program, self.primary, self.fallback = target, program, primary, fallback
        self.strict = target.name == "own"
        self._calls = primary.chats(), fallback.chats()

    def calls(self) -> tuple[int, int]:
        """Requests that reached primary and fallback since the fault began."""
        return self.primary.chats() - self._calls[0], self.fallback.chats() - self._calls[1]


@contextmanager
def stage(target: Target, home: Path, plan: str, primary: Upstream, fallback: Upstream) -> Iterator[Stage]:
    """A fresh gateway per row, so that no breaker, bench or pool of the row before is left."""
    primary.follow("none")
    program, _ = targets.start(target, home, "m")
    with program:
        for stream in (False, False, False, True):
            ask(target, stream=stream)
        primary.follow(plan)
        yield Stage(target, program, primary, fallback)
    primary.follow("none")


@dataclass
class Found:
    """Outcome of a row: what is wrong with it, what it took and might have taken at most (milliseconds)."""

    seen: str
    faulty: list[str]
    ms: float
    limit_ms: float
    calls: str

    def row(self, fault: str) -> dict[str, Any]:
        """The row as it is stored; right in substance but over the limit is `slow`."""
        verdict = "WRONG" if self.faulty else "right" if self.ms <= self.limit_ms else "slow"
        return {
            "fault": fault,
            "verdict": verdict,
            "seen": self.seen,
            "faulty": self.faulty,
            "ms": round(self.ms, 2),
            "limit_ms": self.limit_ms,
            "calls": self.calls,
        }


def _told(seen: Seen, on: Stage) -> list[str]:
    """Whether the caller was told who answered; only ours promises these headers."""
    if not on.strict:
        return []
    served = seen.headers.get("x-roadworthy-served-by", "")
    fell = seen.headers.get("x-roadworthy-fallback", "")
    return [] if served.startswith("fallback") and fell else ["the headers do not say that the fallback answered"]


def fails_over(on: Stage, provider_ms: float = 0.0, wants_json: bool = False) -> Found:
    """The fallback answers; `provider_ms` is what the fault itself takes to show."""
    seen = ask(on.target, wants_json=wants_json)
    faulty = [] if seen.said_by("fallback") else ["the fallback's answer did not come"]
    faulty += _told(seen, on)
    return Found(seen.short(False), faulty, seen.ms, provider_ms + FAILOVER_MS, "{}+{}".format(*on.calls()))


def stream_fails_over(on: Stage, provider_ms: float = 0.0) -> Found:
    """The fallback's whole stream comes, nothing of the primary before it."""
    seen = ask(on.target, stream=True)
    faulty = [] if seen.tokens("fallback") == 20 and seen.finished else ["the fallback's stream did not come whole"]
    if seen.tokens("primary"):
        faulty.append("tokens of both providers are mixed")
    if seen.error_event:
        faulty.append("an error event came although the fallback was healthy")
    faulty += _told(seen, on)
    ms = seen.ms if seen.first_ms is None else seen.first_ms
    return Found(seen.short(True), faulty, ms, provider_ms + FAILOVER_MS, "{}+{}".format(*on.calls()))


def stream_breaks_openly(on: Stage, provider_ms: float) -> Found:
    """After the first token nobody may take over: the tokens so far, then an event that says it is incomplete.

    A gateway that has shown nothing yet when the stream breaks may still fail over; that is right too.
    """
    seen = ask(on.target, stream=True)
    calls = "{}+{}".format(*on.calls())
    if seen.tokens("fallback") == 20 and seen.finished and not seen.tokens("primary") and not seen.error_event:
        return Found(seen.short(True), [], seen.ms, provider_ms + FAILOVER_MS, calls)
    faulty = [] if seen.tokens("primary") == 5 else ["the five tokens did not come"]
    if seen.tokens("fallback"):
        faulty.append("another provider went on in the middle of the text")
    if not seen.error_event:
        faulty.append("no event says that the answer is incomplete")
    if seen.finished:
        faulty.append("the stream looks complete")
    return Found(seen.short(True), faulty, seen.ms, provider_ms + FAILOVER_MS, calls)


def rate_limited(on: Stage) -> Found:
    """The fallback answers at once, and the primary is left alone for its Retry-After of one second."""
    found = fails_over(on)
    for _ in range(5):
        ask(on.target)
    if on.strict and on.calls()[0] > 1:
        found.faulty.append(f"the primary was asked {on.calls()[0]} times within its Retry-After")
    return found


def unauthorised(on: Stage) -> Found:
    """The fallback answers, and the log raises an error about the refused key (one line of its own)."""
    found = fails_over(on)
    time.sleep(0.3)
    alarm = re.compile(r'"level":"(error|critical)".*unauthorized')
    if on.strict and not alarm.search(on.program.log.read_text(errors="replace")):
        found.faulty.append("no error in the log says that the provider refused the key")
    return found


def dead_primary(on: Stage) -> Found:
    """Thirty requests while the primary is dead: all answered, at most three reach it, 5 ms each."""
    answers = [ask(on.target) for _ in range(30)]
    served, ms = sum(a.said_by("fallback") for a in answers), sum(a.ms for a in answers) / 30
    reached = on.calls()[0]
    faulty = [] if served == 30 else [f"{30 - served} of 30 requests were not answered"]
    if reached > 3:
        faulty.append(f"{reached} calls reached the dead primary")
    return Found(f"{served} of 30 answered by fallback", faulty, ms, 5.0, "{}+{}".format(*on.calls()))


def healed_primary(on: Stage) -> Found:
    """The breaker is open, the primary heals: nobody gets an error, and it is used again after its pause."""
    for _ in range(5):
        ask(on.target)
    on.primary.follow("none")
    start, failed, back = time.monotonic(), 0, False
    while not back and time.monotonic() - start < 3 * OPEN_S:
        seen = ask(on.target)
        back = seen.said_by("primary")
        failed += not back and not seen.said_by("fallback")
        time.sleep(0 if back else 0.2)
    waited = time.monotonic() - start
    faulty = [] if back else ["the primary was not used again"]
    if failed:
        faulty.append(f"{failed} requests got no answer meanwhile")
    seen_text = f"primary used again after {waited:.1f} s" if back else "primary not used again"
    return Found(seen_text, faulty, waited * 1e3, (OPEN_S + 2) * 1e3, "{}+{}".format(*on.calls()))


# (fault, plan of upstream.c, how it is judged)
ROWS: tuple[tuple[str, str, Callable[[Stage], Found]], ...] = (
    ("HTTP 500", "http-500", fails_over),
    ("HTTP 429, Retry-After 1", "http-429", rate_limited),
    ("HTTP 401, key revoked", "http-401", unauthorised),
    ("connection closed", "cut", fails_over),
    ("no answer", "hang", lambda on: fails_over(on, TRY_MS)),
    ("200 with an HTML page", "html", fails_over),
    ("200 with empty content", "empty", fails_over),
    ("JSON asked, answer cut off", "half-json", lambda on: fails_over(on, wants_json=True)),
    ("stream: HTTP 500", "http-500", stream_fails_over),
    ("stream: no answer", "hang", lambda on: stream_fails_over(on, TRY_MS)),
    ("stream: dies before a token", "stream-cut-0", lambda on: stream_fails_over(on, 20)),
    ("stream: dies after 5 tokens", "stream-cut-5", lambda on: stream_breaks_openly(on, 6 * 20)),
    ("stream: silent after 5 tokens", "stream-stall-5", lambda on: stream_breaks_openly(on, 5 * 20 + TRY_MS)),
    ("30 requests, primary dead", "http-500", dead_primary),
    ("primary heals", "http-500", healed_primary),
)


def matrix(target: Target, home: Path, rows: list[int]) -> list[dict[str, Any]]:
    """All chosen rows of one gateway.

    Raises:
        RuntimeError: The gateway or a provider did not start.
    """
    found = []
    with Upstream(home, targets.PRIMARY_PORT) as primary, Upstream(home, targets.FALLBACK_PORT, "fallback") as fallback:
        for i in rows:
            fault, plan, judge = ROWS[i - 1]
            with stage(target, home, plan, primary, fallback) as on:
                found.append({"row": i} | judge(on).row(fault))
            print(f"{target.name} {i:2d} {found[-1]['verdict']:5s} {fault}", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Play the faults, write the JSON, print the table.

    Returns:
        0 every row of ours right and in time; 1 not; 4 ours was not measured (0 when it was not asked for).
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", choices=["own", "litellm"], default=["own"])
    parser.add_argument("--rows", nargs="+", type=int, choices=range(1, len(ROWS) + 1), help="only these rows")
    parser.add_argument("--home", type=Path, default=default_home(), help="tools, logs and results (%(default)s)")
    parser.add_argument("--out", type=Path, help="results file (default: HOME/faults.json)")
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    for tool in ("gcc", "taskset"):
        if absence := missing(tool):
            stop("The fault matrix cannot run.", absence.partition(";")[0], absence.partition("with: ")[2], 4)
    compile_tools(given.home)
    alone = isolate()
    results: dict[str, Any] = {
        "kind": "faults",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": description(),
        "settings": {"network_of_its_own": alone},
        "targets": {},
        "not_measured": {},
    }
    for name in given.targets:
        target = targets.own(given.home, "own_faults.sh") if name == "own" else targets.litellm(given.home, faults=True)
        try:
            if target.absent:
                raise RuntimeError(target.absent)
            results["targets"][name] = matrix(target, given.home, given.rows or list(range(1, len(ROWS) + 1)))
        except RuntimeError as error:
            results["not_measured"][name] = str(error)
    out = given.out or given.home / "faults.json"
    fresh = out.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(results, indent=1) + "\n")
    fresh.replace(out)
    print(report.faults_text(results))
    print(f"\nresults: {out}", file=sys.stderr)
    if "own" not in given.targets:
        return 0
    if "own" not in results["targets"]:
        return 4
    return 0 if all(row["verdict"] == "right" for row in results["targets"]["own"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
