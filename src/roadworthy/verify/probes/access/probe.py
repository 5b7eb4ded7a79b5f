"""SEC-05: no route answers without a key, with a wrong one, or with one of lower rights, but those the policy opens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Caller
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import Drill, drill, service_key, wrong

PUBLIC = (
    "GET /livez",
    "GET /readyz",
    "GET /health",
    "GET /health/llm",
    "GET /metrics",
    "GET /v1/models",
    "GET /v1/models/none",
    "POST /v1/chat/completions",
    "POST /v1/embeddings",
    "POST /v1/files",
    "GET /v1/files",
    "GET /v1/files/none",
    "DELETE /v1/files/none",
    "GET /v1/files/none/content",
    "POST /v1/batches",
    "GET /v1/batches",
    "GET /v1/batches/none",
    "POST /v1/batches/none/cancel",
    "POST /v1/batches/none/resume",
)
"""As docs/reference/http.md lists them; nothing exists under these ids, and an empty body is refused after the door."""
ADMIN = (
    "GET /admin/status",
    "GET /admin/breakers",
    "GET /admin/modes",
    "GET /admin/cache",
    "GET /admin/jobs",
    "GET /admin/jobs/none",
    "GET /admin/keys",
    "POST /admin/keys",
    "GET /admin/journal",
    "GET /admin/journal/verify",
    "GET /admin/none",
)
ADMIN_CHANGING = (
    "POST /admin/breakers/reset",
    "POST /admin/cache/clear",
    "POST /admin/jobs/none/cancel",
    "POST /admin/jobs/none/replay",
    "POST /admin/keys/reload",
    "POST /admin/keys/none/rotate",
    "POST /admin/keys/none/limits",
    "POST /admin/keys/none/revoke",
    "DELETE /admin/keys/none",
)
COSTLY = ("GET /health/llm",)
SHUT = (401, 403)


@dataclass
class _Seen:
    rows: list[dict[str, Any]] = field(default_factory=list)
    let_in: dict[str, list[str]] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    judged: int = 0
    asked: int = 0


def probe(context: Context) -> Outcome:
    """The running service without and with a wrong key; a second edge with keys of low rights besides."""
    seen, url = _Seen(), context.needs_service()
    config = of_service(context)
    keys = {"low_use": ("--scope", "use"), "low_operate": ("--scope", "operate")}
    with drill(context, longest_s=1.0, keys=keys) as played:
        context.progress("routes without and with wrong keys")
        for key in (None, _wrong_key()):
            _round(context, url, [each for each in PUBLIC if each not in COSTLY], key, "the service", seen)
            _round(context, played.edge.url, COSTLY, key, "the second edge", seen)
        _low(played, seen)
    if config.control.enabled:
        _admin(_control_url(context, url, config.control.port), seen)
    else:
        seen.missing.append(Missing(name="admin API", reason="control.enabled is false.", count=1))
        seen.asked += 1
    context.evidence.write_json(seen.rows, "who was let in", covers=[url])
    if not any(row["status"] is not None for row in seen.rows):
        raise NotMeasured("Nothing answered.")
    coverage = Coverage(
        examined=seen.judged,
        existing=seen.asked,
        missing=tuple(seen.missing),
        how_counted="Existing: routes of the HTTP reference times credentials. Examined: those that answered.",
    )
    count = sum(map(len, seen.let_in.values()))
    return judged(
        f"{seen.judged} requests without, with wrong and with low-rights keys: {count} were let in, to "
        f"{len(seen.let_in)} routes.",
        coverage=coverage,
        findings=[_finding(context, *each) for each in sorted(seen.let_in.items())],
        measured=[Measure(name="let_in", value=count, unit="requests", n=seen.judged)],
    )


def _wrong_key() -> str:
    return f"rw_{secrets.token_urlsafe(32)}"


def _control_url(context: Context, url: str, port: int) -> str:
    parts = urlsplit(url)
    return str(context.settings["control_url"] or f"{parts.scheme}://{parts.hostname}:{port}")


def _round(context: Context, url: str, routes: Any, key: str | None, who: str, seen: _Seen) -> None:
    allowed = {str(each) for each in context.settings["open"]}
    word = "without a key" if key is None else "with a wrong key"
    _ask(
        url, [each for each in routes if each not in allowed], key, f"{who} {word}", seen, lambda status: status in SHUT
    )


def _low(played: Drill, seen: _Seen) -> None:
    """A key of scope `use` may not read metrics, one of scope `operate` may not ask models."""
    secret = played.copy.provider_keys
    _ask(
        played.edge.url,
        ["GET /metrics"],
        secret["key:low_use"],
        "the second edge with a key of scope use",
        seen,
        lambda status: status == 403,
    )
    inner = [each for each in PUBLIC if "/v1/" in each or each == "GET /health"]
    _ask(
        played.edge.url,
        inner,
        secret["key:low_operate"],
        "the second edge with a key of scope operate",
        seen,
        lambda status: status == 403,
    )


def _admin(url: str, seen: _Seen) -> None:
    for key, word in (
        (None, "without a key"),
        (_wrong_key(), "with a wrong key"),
        (service_key(), "with a caller's key"),
    ):
        if word == "with a caller's key" and key is None:
            continue
        _ask(url, ADMIN, key, f"the admin API {word}", seen, lambda status: status in SHUT)
    reason = "It would change the running service; all paths of the admin API stand behind one door, known or not."
    seen.missing.append(Missing(name="changing routes of the admin API", reason=reason, count=len(ADMIN_CHANGING)))
    seen.asked += len(ADMIN_CHANGING)


def _ask(url: str, routes: Any, key: str | None, who: str, seen: _Seen, shut: Callable[[int], bool]) -> None:
    caller = Caller(url, key, 10.0)
    for route in routes:
        method, path = route.split(" ")
        reply = caller.send(method, path, b"{}" if method == "POST" else None)
        seen.asked += 1
        seen.rows.append({"route": route, "who": who, "status": reply.status, "code": reply.code})
        if reply.status is None:
            seen.missing.append(Missing(name=f"{route} of {who}"))
            continue
        seen.judged += 1
        if not shut(reply.status):
            seen.let_in.setdefault(route, []).append(f"{who} ({reply.status})")
    caller.close()


def _finding(context: Context, route: str, who: list[str]) -> Finding:
    severity = Severity.CRITICAL if "/admin" in route else Severity.HIGH
    return wrong(context, "let_in", f"{route} is answered by {'; '.join(who)}.", route, severity=severity)
