"""The application on a real store of records, with jobs that run when a test says so and a model that it scripts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rig.order_jobs import MemoryJobs
from roadworthy.client.record import Attempt, Rejected
from roadworthy.client.transport import RemoteError
from roadworthy.core.application import Call, Later, Platform, Reply, Service
from roadworthy.gateway.quality import judge
from roadworthy.runtime.jobs.application_record import ApplicationRecords, create_record_table
from roadworthy.runtime.jobs.store import open_engine
from roadworthy_packs.application import packs

BRIEF = {
    "brand_name": "Northwind", "industry": "specialty coffee", "primary_goal": "500 subscribers",
    "product_service": "beans by subscription", "target_audience": "people who brew at home",
}  # fmt: skip
SMALL = """
key: small
version: 1
title: Small report
language: en
description: For tests.
sections:
  - key: first
    title: First
    instruction: Write the first.
    words: {min: 5, max: 40}
    brand_mentions: {min: 1, max: 4}
  - key: second
    title: Second
    instruction: Write the second.
    words: {min: 5, max: 40}
    required_terms: [measure*]
    forbidden_terms: [cheap]
whole:
  words: {min: 14, max: 60}
  brand_mentions: {min: 1, max: 6}
"""
GOOD = "Northwind sends fresh beans, and we measure how many people stay with the brand every month."


class Model:
    """Implements `core.application.Chat`: judges what `say` answers as the gateway does."""

    def __init__(self) -> None:
        self.say: Callable[[dict[str, Any]], str | Exception] = lambda body: GOOD
        self.asked: list[dict[str, Any]] = []
        self.finish = "stop"
        self._lock = threading.Lock()

    def __call__(self, tenant: str, body: Mapping[str, Any], check: Callable[[], None]) -> dict[str, Any]:
        check()
        with self._lock:
            self.asked.append({"tenant": tenant, **body})
            said = self.say(dict(body))
        if isinstance(said, Exception):
            raise said
        issues = judge(said, {name: rule for name, rule in body["quality"].items() if name != "keep_rejected"})
        tried = {"provider": "double", "model": "m", "reason": "served", "cost_usd": 0.001, "repair": ""}
        if issues:
            raise RemoteError(
                "runtime_quality_failed", "None passed.", "", "", status=422, quality_issues=issues,
                attempts=(Attempt("double", "m", "quality_failed", cost_usd=0.001),),
                rejected=Rejected(said, "double/m", issues), debug_hint="double/m: quality_failed",
            )  # fmt: skip
        return {
            "model": "m-2026", "choices": [{"message": {"content": said}, "finish_reason": self.finish}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 20},
            "roadworthy": {"attempts": [tried], "quality": "passed", "cost": 0.001, "cost_estimated": False,
                           "stub_used": False},
        }  # fmt: skip


class App:
    """The started application."""

    def __init__(self, folder: Path) -> None:
        (folder / "mine").mkdir()
        (folder / "mine" / "small.yaml").write_text(SMALL)
        self.model, self.jobs = Model(), MemoryJobs()
        self.engine = open_engine(folder / "jobs.db")
        create_record_table(self.engine)
        self.records = ApplicationRecords(self.engine, "packs")
        self.settings: dict[str, Any] = {"folder": str(folder / "mine"), "parallel": 2, "tries": 1}
        self.service = self.start()

    def start(self) -> Service:
        """As a new worker would."""
        return packs.start(Platform(self.model, self.jobs, self.records, self.settings, "development"))

    def call(
        self, method: str, path: str, body: Any = None, *, tenant: str = "anna", run: bool = True, **headers: str
    ) -> Reply:
        """A request; jobs run before a reply that comes later is asked for."""
        path, _, query = path.partition("?")
        values = dict(part.split("=", 1) for part in query.split("&") if part)
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        for route in self.service.routes:
            found = _match(route.path, path)
            if route.method == method and found is not None:
                lines = {name.replace("_", "-"): value for name, value in headers.items()}
                reply = route.answer(Call(tenant, "req_1", found, values, lines, raw))
                if run:
                    self.jobs.work(self.service.handlers)
                if isinstance(reply, Later):
                    return reply.ready() or reply.late()
                return reply
        raise AssertionError(path)

    def generate(self, pack: str = "small", **more: Any) -> dict[str, Any]:
        """A whole report."""
        reply = self.call("POST", "/api/aicmo/generate_report", {"pack_key": pack, "client_brief": BRIEF, **more})
        assert isinstance(reply.body, dict)
        return reply.body


def _match(pattern: str, path: str) -> dict[str, str] | None:
    ours, theirs = pattern.split("/"), path.split("/")
    if len(ours) != len(theirs):
        return None
    pairs = list(zip(ours, theirs, strict=True))
    if any(one != other and one[:1] != "{" for one, other in pairs):
        return None
    return {one[1:-1]: other for one, other in pairs if one[:1] == "{"}
