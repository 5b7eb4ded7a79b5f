"""SEC-08: the running service answers from real models, and shows no stub switch, debug switch or debug path."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from roadworthy.client.gateway import GatewayClient
from roadworthy.core.errors import GatewayError
from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Caller
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import alive, offered, service_key, wrong
from roadworthy.verify.service.exposition import parsed

PATHS = (
    "/debug",
    "/debug/pprof/",
    "/debug/vars",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/swagger",
    "/console",
    "/actuator",
    "/actuator/env",
    "/.env",
    "/.git/config",
    "/__debug__/",
    "/_profiler",
    "/server-status",
    "/trace",
    "/config",
    "/internal/status",
    "/internal/cache/clear",
    "/graphql",
    "/test",
    "/mock",
    "/stub",
)
CLOSED = (401, 403, 404, 405, 410)
QUESTIONS = ("What is two plus three? Answer in one short sentence.", "Name a river in Europe in one short sentence.")
_STUB = re.compile(
    r"(?i)\b(stub|mock|placeholder|dummy|canned|simulated) (response|answer|reply|text|output|content)\b"
    r"|^\W*(lorem ipsum|stub|todo|tbd|placeholder)\b"
)
_NAME = re.compile(r"(?i)(^|[^a-z])(stub|mock|fake|dummy|echo|placeholder|simulat\w*)([^a-z]|$)")


@dataclass
class _Seen:
    asked: int = 0
    judged: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def said(self, what: str, ok: bool | None, detail: object) -> bool:
        """Note one question; None means that it could not be answered."""
        self.asked += 1
        self.judged += ok is not None
        self.rows.append({"asked": what, "ok": ok, "seen": detail})
        if ok is None:
            self.missing.append(Missing(name=what))
        return ok is False


def probe(context: Context) -> Outcome:
    """Ask the running service itself; nothing is broken there, two short answers are what it costs."""
    url, seen = alive(context), _Seen()
    context.progress("debug paths of the running service")
    _paths(context, url, seen)
    context.progress("two questions to the running service")
    _answers(context, url, seen)
    _metrics(context, url, seen)
    _configuration(context, url, seen)
    context.evidence.write_json(seen.rows, "switches of the running service", covers=[url])
    coverage = Coverage(
        examined=seen.judged,
        existing=seen.asked,
        missing=tuple(seen.missing),
        how_counted="Existing: questions that this check asks. Examined: those that the service answered.",
    )
    return judged(
        f"{seen.judged} of {seen.asked} questions about stub and debug switches were answered; "
        f"{len(seen.findings)} are on.",
        coverage=coverage,
        findings=seen.findings,
        measured=[Measure(name="questions", value=seen.judged, unit="questions")],
    )


def _paths(context: Context, url: str, seen: _Seen) -> None:
    with Caller(url, timeout_s=10.0) as caller:
        nowhere = caller.send("GET", f"/{secrets.token_hex(8)}").status
        paths = (*PATHS, *map(str, context.settings["paths"]))
        statuses = {path: caller.send("GET", path).status for path in paths}
    if nowhere is None:
        raise NotMeasured(f"The service at {url} does not answer on unknown paths.")
    if seen.said("a path that cannot exist", nowhere in CLOSED, nowhere):
        seen.findings.append(
            wrong(context, "answers_anything", f"A path that cannot exist is answered with {nowhere}.")
        )
    for path, status in statuses.items():
        if seen.said(f"GET {path}", None if status is None else status in CLOSED, status):
            seen.findings.append(wrong(context, "debug_path", f"GET {path} is answered with {status}.", path))


def _answers(context: Context, url: str, seen: _Seen) -> None:
    names = offered(url, service_key())
    route = next((name for name in names if "/" not in name and not name.endswith("*")), next(iter(names), None))
    if route is None:
        raise NotMeasured(f"The service at {url} offers no model.")
    texts = []
    for question in QUESTIONS:
        try:
            with GatewayClient(url, service_key(), timeout_s=30.0, fresh=True) as client:
                answer = client.chat(question, model=route, max_tokens=24)
        except GatewayError as problem:
            seen.said(f"answer of {route}", None, problem.what)
            continue
        told = answer.served.stub_used if answer.served is not None else None
        texts.append(answer.text.strip())
        if seen.said(f"answer of {route} says stub_used", None if told is None else not told, told):
            seen.findings.append(
                wrong(
                    context,
                    "stub_used",
                    "The running service says itself that it served placeholder text.",
                    severity=Severity.CRITICAL,
                )
            )
        if seen.said("text is no placeholder", bool(texts[-1]) and not _STUB.search(texts[-1]), len(texts[-1])):
            seen.findings.append(
                wrong(
                    context,
                    "stub_text",
                    "The running service answers with placeholder text or nothing.",
                    severity=Severity.CRITICAL,
                )
            )
    if len(texts) == len(QUESTIONS) and seen.said(
        "two questions get two answers", len(set(texts)) > 1, len(set(texts))
    ):
        seen.findings.append(
            wrong(
                context,
                "same_answer",
                "The running service gives two questions the same answer.",
                severity=Severity.CRITICAL,
            )
        )
    for name in names:
        if _NAME.search(name):
            seen.said(f"name {name}", False, name)
            seen.findings.append(
                wrong(context, "stub_name", f"The running service offers {name}, which is named like a stub.", name)
            )


def _metrics(context: Context, url: str, seen: _Seen) -> None:
    with Caller(url, service_key(), 10.0) as caller:
        reply = caller.send("GET", "/metrics")
    scrape = parsed(reply.body.decode("utf-8", "replace"))
    known = reply.status == 200 and scrape.has("stub_served_total")
    count = scrape.total("stub_served_total") if known else None
    if seen.said("stub_served_total", None if count is None else count == 0, count):
        seen.findings.append(
            wrong(
                context,
                "stubs_served",
                f"The running service counts {count:.0f} stubs that it served.",
                severity=Severity.CRITICAL,
            )
        )


def _configuration(context: Context, url: str, seen: _Seen) -> None:
    config = of_service(context)
    if seen.said("log.level", config.log.level != "debug", config.log.level):
        seen.findings.append(wrong(context, "log_level", "log.level is debug.", severity=Severity.MEDIUM))
    for name, provider in config.gateway.providers.items():
        if seen.said(f"provider {name}", not _NAME.search(name) and not _NAME.search(provider.base_url or ""), name):
            seen.findings.append(wrong(context, "stub_provider", f"The provider {name} is named like a stub.", name))
    expected = {*config.gateway.routes, *config.gateway.modes}
    running = {name for name in offered(url, service_key()) if "/" not in name}
    if not running <= expected:
        others = ", ".join(sorted(running - expected)[:5])
        raise NotMeasured(
            f"The service at {url} runs another configuration than the one that was read: it offers {others}."
        )
