"""Smoke runs: every pack with a standard brief as one durable job, and what it will take, told before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from roadworthy.client.asked import forecast, total
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun
from roadworthy.runtime.jobs.order import OVER, Orders, Record
from roadworthy_packs.brief import Brief, Request, Wanted, wanted_of
from roadworthy_packs.generation import Generation
from roadworthy_packs.pack import Pack
from roadworthy_packs.report import content, sections_of, view
from roadworthy_packs.rule import messages
from roadworthy_packs.shelf import pick

BRIEFS = msgspec.yaml.decode(Path(__file__).with_name("standard.yaml").read_bytes(), type=dict[str, Brief])
"""A brief for each language."""
MEASURED = 200
"""So many of the newest sections say how long one takes and what it costs."""
_TOLD = ("state", "stub_used", "quality_passed", "quality_issues", "error_type", "debug_hint", "cost", "providers")


class SmokeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/aicmo/smoke_runs`; all packs and the standard briefs when left out."""

    packs: Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=200)] = ()
    brief: Brief | None = None


class Smoke:
    """Places smoke runs and does their jobs, `packs.smoke`.

    Args:
        packs: By key.
        generation: Writes the reports.
        orders: Of smoke runs.
    """

    def __init__(self, packs: Mapping[str, Pack], generation: Generation, orders: Orders) -> None:
        self._packs, self._generation, self.orders = packs, generation, orders

    def plan(self, asked: SmokeRequest) -> list[Wanted]:
        """The reports that a request asks for.

        Raises:
            UsageError: `not_found`, `invalid_request`.
        """
        packs = [pick(self._packs, key) for key in dict.fromkeys(asked.packs or self._packs)]
        briefs = {pack.key: [asked.brief] if asked.brief else [BRIEFS[one] for one in pack.languages] for pack in packs}
        return [wanted_of(pack, Request(pack.key, brief)) for pack in packs for brief in briefs[pack.key]]

    def estimate(self, tenant: str, plan: list[Wanted]) -> Record:
        """What a run will take: requests and tokens by count, seconds and dollars by what was measured here before."""
        asked = [(one, section) for one in plan for section in one.pack.sections]
        rows = [row for _, row in self.orders.records.all_of(tenant, "section", "", MEASURED)]
        return {
            "reports": len(plan), "requests": len(asked),
            "prompt_tokens": sum(len(str(messages(*one))) for one in asked) // 4,
            "most_completion_tokens": sum(one.pack.max_tokens for one, _ in asked),
            **forecast(rows, len(asked), self._generation.parallel),
        }  # fmt: skip

    def place(self, tenant: str, plan: list[Wanted], key: str | None) -> str:
        """Start a run; gives its id. One that is equal and not over is joined."""
        digest = hashlib.sha256("".join(one.digest for one in plan).encode()).hexdigest()
        kept = {"plan": msgspec.to_builtins(plan), "estimate": self.estimate(tenant, plan)}
        return self.orders.place(tenant, digest, key, kept)

    def __call__(self, run: JobRun, payload: Payload) -> Json:
        """Do one job; see `core.ports.JobHandler`."""
        tenant, name, states = str(payload["tenant"]), str(payload["id"]), set()
        record = self.orders.truth(tenant, name)
        if record["state"] in OVER:
            return None
        record = self.orders.change(tenant, name, record, state="running")
        for wanted in _plan(record):
            run.check()
            report_id = _report_id(name, wanted)
            self._generation.orders.add(tenant, report_id, wanted.digest, record["job"], content(wanted))
            states.add(self._generation.write(run, tenant, report_id))
        state = "passed" if states == {"passed"} else "failed"
        return str(self.orders.change(tenant, name, record, state=state)["state"])

    def view(self, tenant: str, name: str) -> Record:
        """A run as its caller sees it: a row for every report, with why it did not pass.

        Raises:
            UsageError: `not_found`.
        """
        record = self.orders.truth(tenant, name)
        rows = [self._row(tenant, _report_id(name, one), one, record) for one in _plan(record)]
        done = [row for row in rows if row["state"] in OVER]
        told = ("state", "created_at", "updated_at", "estimate", "error_type", "debug_hint")
        return {
            "smoke_id": name, **{field: record[field] for field in told}, "reports": rows,
            "progress": {"done": len(done), "total": len(rows)}, "cost": total([row["cost"] for row in done]),
            **{field: sum(row[field] for row in rows) for field in ("sections_passed", "sections")},
        }  # fmt: skip

    def _row(self, tenant: str, report_id: str, wanted: Wanted, run: Record) -> Record:
        records = self.orders.records
        report = records.get(tenant, "report", report_id)
        row: Record = {"pack_key": wanted.pack.key, "language": wanted.language, "report_id": report_id,
                       "sections_passed": 0, "sections": len(wanted.pack.sections)}  # fmt: skip
        if report is None:
            return {**row, "report_id": None, **dict.fromkeys(_TOLD), "state": "waiting"}
        if report["state"] not in OVER and run["state"] in OVER:
            report["state"] = "cancelled"
        seen = view(report_id, report, sections_of(records, tenant, report_id))
        row["sections_passed"] = sum(one["state"] == "passed" for one in seen["sections"])
        return {**row, **{name: seen[name] for name in _TOLD}}


def _plan(record: Record) -> list[Wanted]:
    return msgspec.convert(record["plan"], list[Wanted])


def _report_id(name: str, wanted: Wanted) -> str:
    return f"{name}.{wanted.pack.key}.{wanted.language}"
