"""Records of applications in the store of the durable jobs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from roadworthy.core.errors import UsageError
from roadworthy.core.job import Json, Payload
from roadworthy.runtime.jobs.store import guarded

MAX_LISTED = 1_000
MAX_RECORD_BYTES = 8 * 1024 * 1024
"""Largest record, as JSON."""

_ID = re.compile(r"[!-~]{1,200}")
_KIND = re.compile(r"[!-~]{1,80}")
_metadata = sa.MetaData()
RECORD = sa.Table(
    "roadworthy_application_record", _metadata,
    sa.Column("application", sa.String(40), primary_key=True), sa.Column("tenant", sa.String(80), primary_key=True),
    sa.Column("kind", sa.String(80), primary_key=True), sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False), sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Index("roadworthy_application_record_newest", "application", "tenant", "kind", "created"),
)  # fmt: skip


def create_record_table(engine: sa.Engine) -> None:
    """Make the table when it is missing.

    Raises:
        StorageError: `store_unavailable`.
    """
    with guarded():
        _metadata.create_all(engine)


class ApplicationRecords:
    """Implements `core.application.RecordStore` for one application.

    Args:
        engine: Of the store; the table must be there.
        application: Whose records.
    """

    def __init__(self, engine: sa.Engine, application: str) -> None:
        self._engine = engine
        self._application = application

    def add(self, tenant: str, kind: str, record_id: str, value: Payload) -> bool:
        """See `core.application.RecordStore`."""
        now = time.time_ns()
        row = {**self._key(tenant, kind, record_id), "value": _written(value), "created": now, "updated": now}
        with guarded():
            try:
                with self._engine.begin() as db:
                    db.execute(RECORD.insert().values(row))
            except sa.exc.IntegrityError:
                return False
        return True

    def put(self, tenant: str, kind: str, record_id: str, value: Payload) -> None:
        """See `core.application.RecordStore`."""
        written = _written(value)
        while True:
            with self._writing() as db:
                changed = RECORD.update().where(*self._is(tenant, kind, record_id))
                if db.execute(changed.values(value=written, updated=time.time_ns())).rowcount:
                    return
            if self.add(tenant, kind, record_id, value):  # else somebody was faster: write over theirs
                return

    def get(self, tenant: str, kind: str, record_id: str) -> dict[str, Json] | None:
        """See `core.application.RecordStore`."""
        wanted = sa.select(RECORD.c.value).where(*self._is(tenant, kind, record_id))
        with self._reading() as db:
            found = db.execute(wanted).scalar()
        return None if found is None else json.loads(found)

    def all_of(
        self, tenant: str, kind: str, prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Json]]]:
        """See `core.application.RecordStore`."""
        if not 1 <= limit <= MAX_LISTED:
            raise UsageError(f"limit must be 1 to {MAX_LISTED}.", param="limit")
        wanted = sa.select(RECORD.c.id, RECORD.c.value).where(*self._of(tenant, kind))
        if prefix:
            wanted = wanted.where(sa.func.substr(RECORD.c.id, 1, len(prefix)) == prefix)
        wanted = wanted.order_by(RECORD.c.created.desc(), RECORD.c.id.desc()).limit(limit)
        with self._reading() as db:
            return [(row.id, json.loads(row.value)) for row in db.execute(wanted)]

    def delete(self, tenant: str, kind: str, record_id: str) -> bool:
        """See `core.application.RecordStore`."""
        with self._writing() as db:
            return db.execute(RECORD.delete().where(*self._is(tenant, kind, record_id))).rowcount > 0

    def _key(self, tenant: str, kind: str, record_id: str) -> dict[str, str]:
        if not _ID.fullmatch(record_id):
            raise UsageError("The id of the record is not usable.", "It must be 1 to 200 printable ASCII characters.")
        return {"application": self._application, "tenant": tenant, "kind": _kind(kind), "id": record_id}

    def _is(self, tenant: str, kind: str, record_id: str) -> list[sa.ColumnElement[bool]]:
        return [RECORD.c[name] == value for name, value in self._key(tenant, kind, record_id).items()]

    def _of(self, tenant: str, kind: str) -> list[sa.ColumnElement[bool]]:
        return [RECORD.c.application == self._application, RECORD.c.tenant == tenant, RECORD.c.kind == _kind(kind)]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with guarded(), self._engine.begin() as db:
            yield db

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with guarded(), self._engine.connect() as db:
            yield db


def _kind(kind: str) -> str:
    if not _KIND.fullmatch(kind):
        raise UsageError("The kind of the record is not usable.", "It must be 1 to 80 printable ASCII characters.")
    return kind


def _written(value: Payload) -> str:
    try:
        told = json.dumps(dict(value), allow_nan=False, separators=(",", ":"))  # ASCII: PostgreSQL takes no U+0000
    except (TypeError, ValueError, RecursionError):
        raise UsageError("The record is no JSON object.") from None
    if len(told) > MAX_RECORD_BYTES:
        raise UsageError("The record is too large.", f"{MAX_RECORD_BYTES} bytes of JSON at most.")
    return told
