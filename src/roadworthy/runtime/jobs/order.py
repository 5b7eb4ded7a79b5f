"""Orders: a record and the durable job that brings it to its end. Whoever asks for the same gets the same one."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

from roadworthy.core.application import Call, Later, RecordStore, Reply
from roadworthy.core.errors import RoadworthyError, UsageError
from roadworthy.core.ports import Jobs

OVER = frozenset({"passed", "failed", "cancelled"})
"""States in which nothing more happens to an order by itself; `queued` and `running` come before."""

MAX_WAIT_S = 840.0
"""Longest wait of a caller; after that he gets how far the order is."""

Record = dict[str, Any]
_KEY = re.compile(r"[!-~]{1,200}")


class Orders:
    """The orders of one kind, of one application. Calls block; safe for threads and processes.

    The record of an order has at least `state`, `digest`, `run`, `job`, `created_at`, `updated_at`, `error_type` and
    `debug_hint`. Its job is of the kind `APPLICATION.KIND` and gets `tenant` and `id`.

    Args:
        records: Of the application.
        jobs: Of the application.
        application: Its name.
        kind: Of the orders: of the record, and behind the dot of the job's kind.
        called: What errors call one; its kind when None.
    """

    def __init__(
        self, records: RecordStore, jobs: Jobs, application: str, kind: str, called: str | None = None
    ) -> None:
        self.records = records
        self._jobs = jobs
        self._job_kind = f"{application}.{kind}"
        self.kind = kind
        self._called = called or kind

    def place(self, tenant: str, digest: str, key: str | None, content: Record) -> str:
        """The id of the order of an idempotency key; without one, of an equal order that is not over, or a new one.

        However many ask at the same moment, one record is added and one job queued.

        Args:
            tenant: Whose.
            digest: Equal for equal orders.
            key: The caller's idempotency key, if there is one.
            content: Further fields of the record.

        Raises:
            UsageError: `invalid_request`: the key is not usable, or was used for another order.
            GatewayError: `queue_full`.
        """
        if key is not None and not _KEY.fullmatch(key):
            why = "It must have 1 to 200 printable ASCII characters."
            raise UsageError("The idempotency key is not usable.", why, param="idempotency-key")
        meant = f"{self._job_kind}\n{tenant}\n{'digest' if key is None else 'key'}\n{digest if key is None else key}"
        stem = f"{self.kind}_{hashlib.sha256(meant.encode()).hexdigest()[:32]}"
        found = self.records.all_of(tenant, self.kind, f"{stem}_", 1)
        number = int(found[0][0].rpartition("_")[2]) if found else 1
        if found and key is None and self.truth(tenant, found[0][0])["state"] in OVER:
            number += 1
        name = f"{stem}_{number}"
        new = self.add(tenant, name, digest, f"{name}.1", content)
        if not new and (self.records.get(tenant, self.kind, name) or {}).get("digest") != digest:
            raise UsageError("The idempotency key was used before.", "For another order.", param="idempotency-key")
        try:
            self.truth(tenant, name)
        except RoadworthyError:
            if new:
                self.records.delete(tenant, self.kind, name)
            raise
        return name

    def add(self, tenant: str, name: str, digest: str, job: str, content: Record) -> bool:
        """Write the record of an order that a job does, unless it is there; returns whether it was written.

        Args:
            tenant: Whose.
            name: Of the order.
            digest: Equal for equal orders.
            job: Id of the job; one of another order when that one does this, too.
            content: Further fields of the record.
        """
        now = time.time()
        record = {**content, "state": "queued", "digest": digest, "created_at": now, "updated_at": now, "run": 1,
                  "job": job, "error_type": None, "debug_hint": None}  # fmt: skip
        return self.records.add(tenant, self.kind, name, record)

    def truth(self, tenant: str, name: str) -> Record:
        """The record of an order, put right where its job knows better: not queued yet, dead, or cancelled.

        Raises:
            UsageError: `not_found`.
            GatewayError: `queue_full`.
        """
        record: Record | None = self.records.get(tenant, self.kind, name)
        if record is None:
            raise UsageError(f"There is no {self._called} with this id.", "None of yours has it.", code="not_found")
        if record["state"] in OVER:
            return record
        job = self._jobs.get(record["job"])
        if job is None and record["job"].startswith(name):  # whoever placed it ended between record and job
            job = self._jobs.enqueue(self._job_kind, record["job"], {"tenant": tenant, "id": name})
        if job is None or job.state in {"queued", "running"}:
            return record
        record = self.records.get(tenant, self.kind, name) or record  # it may have ended meanwhile
        if record["state"] in OVER or job.state == "done":
            return record
        if job.state == "cancelled":
            return self.change(tenant, name, record, state="cancelled")
        hint = f"Its job is a dead letter: {job.error}."
        return self.change(tenant, name, record, state="failed", error_type="unexpected_error", debug_hint=hint)

    def cancel(self, tenant: str, name: str) -> None:
        """Stop an order.

        Raises:
            UsageError: `not_found`; `wrong_state` when it is over.
        """
        record = self.truth(tenant, name)
        if record["state"] in OVER - {"cancelled"}:
            why = "Only what is not over can be cancelled."
            raise UsageError(f"The {self._called} is {record['state']}.", why, code="wrong_state")
        if record["state"] != "cancelled":
            self._jobs.cancel(record["job"])
            self.truth(tenant, name)

    def again(self, tenant: str, name: str, **changes: Any) -> None:
        """Queue an order that failed or was cancelled once more, with changes of its record.

        Raises:
            UsageError: `not_found`; `wrong_state` unless it failed or was cancelled.
            GatewayError: `queue_full`.
        """
        record = self.truth(tenant, name)
        if record["state"] not in {"failed", "cancelled"}:
            why = "Only what failed or was cancelled is taken up again."
            raise UsageError(f"The {self._called} is {record['state']}.", why, code="wrong_state")
        run = record["run"] + 1
        self.change(tenant, name, record, **changes, state="queued", run=run, job=f"{name}.{run}",
                    error_type=None, debug_hint=None)  # fmt: skip
        self.truth(tenant, name)

    def answer(self, call: Call, name: str, place: str, reply: Callable[[], Reply]) -> Reply | Later:
        """What the caller gets who placed an order: its end, or at once how far it is when `prefer` says so.

        Args:
            call: The request (RFC 7240: `prefer: respond-async`).
            name: Of the order.
            place: Path at which it can be looked at.
            reply: Gives the answer in the state it is in; its status counts only when the order is over.
        """

        def late() -> Reply:
            applied = {"preference-applied": "respond-async"} if at_once else {}
            return reply()._replace(status=202, headers={"location": place, **applied})

        at_once = "respond-async" in call.headers.get("prefer", "")
        if at_once:
            return late()
        return Later(lambda: reply() if self.truth(call.tenant, name)["state"] in OVER else None, MAX_WAIT_S, late)

    def change(self, tenant: str, name: str, record: Record, **changes: Any) -> Record:
        """Write a record over with changes; gives the new one."""
        record = {**record, **changes, "updated_at": time.time()}
        self.records.put(tenant, self.kind, name, record)
        return record
