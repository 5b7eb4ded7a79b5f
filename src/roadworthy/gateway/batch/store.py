"""What is remembered of files, batches and lines, in the store of the durable jobs. Calls block; safe for threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from roadworthy.core.errors import UsageError
from roadworthy.gateway.batch.record import FINAL, STAMPS, Answered, Batch, LineFault, Status, StoredFile
from roadworthy.runtime.jobs.store import guarded

_metadata = sa.MetaData()
_text = sa.Text
FILE = sa.Table(
    "roadworthy_file", _metadata,
    sa.Column("id", sa.String(80), primary_key=True), sa.Column("tenant", sa.String(80), nullable=False, index=True),
    sa.Column("bytes", sa.BigInteger, nullable=False), sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("filename", _text, nullable=False), sa.Column("purpose", sa.String(40), nullable=False),
)  # fmt: skip
BATCH = sa.Table(
    "roadworthy_batch", _metadata,
    sa.Column("id", sa.String(80), primary_key=True), sa.Column("tenant", sa.String(80), nullable=False, index=True),
    sa.Column("endpoint", sa.String(80), nullable=False), sa.Column("input_file_id", sa.String(80), nullable=False),
    sa.Column("status", sa.String(20), nullable=False), sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False), sa.Column("metadata", _text),
    sa.Column("run", sa.Integer, nullable=False), sa.Column("total", sa.Integer, nullable=False),
    sa.Column("errors", _text, nullable=False), sa.Column("output_file_id", sa.String(80)),
    sa.Column("error_file_id", sa.String(80)), sa.Column("stamps", _text, nullable=False),
)  # fmt: skip
LINE = sa.Table(
    "roadworthy_line", _metadata,
    sa.Column("batch", sa.String(80), primary_key=True), sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("good", sa.Boolean, nullable=False), sa.Column("told", _text, nullable=False),
)  # fmt: skip

MAX_TOLD = 100
_read = msgspec.json.Decoder(Answered).decode
_json = msgspec.json.encode


class BatchStore:
    """The rows. Every call raises `StorageError` with `store_unavailable` when the store does not answer.

    Args:
        engine: Of the store; the tables are made when they are missing.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        with guarded():
            _metadata.create_all(engine)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with guarded(), self._engine.begin() as db:
            yield db

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with guarded(), self._engine.connect() as db:
            yield db

    # -- files

    def add_file(self, file: StoredFile) -> None:
        """Remember a file that is on disk; once, however often it is told."""
        with self._writing() as db:
            db.execute(FILE.delete().where(FILE.c.id == file.id))
            db.execute(FILE.insert().values(**msgspec.to_builtins(file)))

    def file(self, tenant: str, file_id: str) -> StoredFile:
        """A file of this tenant.

        Raises:
            UsageError: `not_found`, also for a file of another tenant.
        """
        with self._reading() as db:
            row = db.execute(sa.select(FILE).where(FILE.c.id == file_id, FILE.c.tenant == tenant)).mappings().first()
        if row is None:
            raise UsageError("There is no such file.", "No file of yours has this id.", code="not_found", param="id")
        return StoredFile(**row)

    def files(self, tenant: str, purpose: str | None, after: str | None, limit: int) -> list[StoredFile]:
        """Files of a tenant, newest first."""
        wanted = sa.select(FILE).where(FILE.c.tenant == tenant)
        if purpose is not None:
            wanted = wanted.where(FILE.c.purpose == purpose)
        return [StoredFile(**row) for row in self._page(wanted, FILE, after, limit)]

    def remove_file(self, tenant: str, file_id: str) -> None:
        """Forget a file.

        Raises:
            UsageError: `not_found`; `invalid_request` while a batch still reads it.
        """
        self.file(tenant, file_id)
        with self._writing() as db:
            used = sa.select(BATCH.c.id).where(BATCH.c.input_file_id == file_id, BATCH.c.status.not_in(FINAL))
            if db.execute(used.limit(1)).first() is not None:
                raise UsageError("The file is in use.", "A batch that is not over reads it.", "Cancel the batch first.")
            db.execute(FILE.delete().where(FILE.c.id == file_id))

    def stored_bytes(self) -> int:
        """Size of all files of all tenants."""
        with self._reading() as db:
            return int(db.scalar(sa.select(sa.func.coalesce(sa.func.sum(FILE.c.bytes), 0))) or 0)

    # -- batches

    def add_batch(self, batch: Batch) -> bool:
        """Remember a new batch; False when there is one of its id."""
        row = BATCH.insert().values(
            id=batch.id, tenant=batch.tenant, endpoint=batch.endpoint, input_file_id=batch.input_file_id,
            status=batch.status, created_at=batch.created_at, expires_at=batch.expires_at, run=batch.run, total=0,
            metadata=_json(batch.metadata).decode(), errors="[]", stamps="{}",
        )  # fmt: skip
        with guarded():
            try:
                with self._engine.begin() as db:
                    db.execute(row)
            except sa.exc.IntegrityError:
                return False
        return True

    def remove_batch(self, batch_id: str) -> None:
        """Forget a batch for which there was no room in the queue."""
        with self._writing() as db:
            db.execute(BATCH.delete().where(BATCH.c.id == batch_id))

    def batch(self, batch_id: str, tenant: str | None = None) -> Batch:
        """One batch, with the counts of this moment.

        Args:
            batch_id: Its id.
            tenant: Only when it belongs to this one; None for whoever.

        Raises:
            UsageError: `not_found`, also for a batch of another tenant.
        """
        wanted = sa.select(BATCH).where(BATCH.c.id == batch_id)
        if tenant is not None:
            wanted = wanted.where(BATCH.c.tenant == tenant)
        with self._reading() as db:
            row = db.execute(wanted).mappings().first()
            counts = self._counts(db, batch_id)
        if row is None:
            raise UsageError("There is no such batch.", "No batch of yours has this id.", code="not_found", param="id")
        return _batch(row, counts)

    def batches(self, tenant: str, after: str | None, limit: int) -> list[Batch]:
        """Batches of a tenant, newest first."""
        rows = self._page(sa.select(BATCH).where(BATCH.c.tenant == tenant), BATCH, after, limit)
        with self._reading() as db:
            return [_batch(row, self._counts(db, row["id"])) for row in rows]

    def advance(self, batch_id: str, to: Status, *, only_from: Sequence[Status] = (), **more: object) -> bool:
        """Give a batch its next status, with the time.

        Args:
            batch_id: Its id.
            to: The status.
            only_from: Only when it has one of these; empty for whatever it has.
            more: Further columns to set.

        Returns:
            Whether it was so.
        """
        with self._writing() as db:
            mine = BATCH.c.id == batch_id
            # A write first: SQLite takes its turn here, and PostgreSQL locks the row.
            if not db.execute(BATCH.update().where(mine).values(id=batch_id)).rowcount:
                return False
            row = db.execute(sa.select(BATCH.c.status, BATCH.c.stamps).where(mine)).one()
            if only_from and row.status not in only_from:
                return False
            stamps = msgspec.json.decode(row.stamps)
            if to in STAMPS:
                stamps.setdefault(STAMPS[to], int(time.time()))
            values = {"status": to, "stamps": _json(stamps).decode(), **more}
            db.execute(BATCH.update().where(mine).values(**values))
            return True

    def fail(self, batch_id: str, fault: LineFault) -> None:
        """End a batch without result."""
        self.advance(batch_id, "failed", errors=_json([fault]).decode())

    def note_faults(self, batch_id: str, faults: Sequence[LineFault]) -> None:
        """Keep the first bad lines where OpenAI's batch object shows them."""
        with self._writing() as db:
            told = _json(list(faults[:MAX_TOLD])).decode()
            db.execute(BATCH.update().where(BATCH.c.id == batch_id).values(errors=told))

    def reopen(self, batch_id: str) -> int:
        """Take a cancelled batch up again; returns the number of its new run.

        Raises:
            UsageError: `invalid_request` when it is not cancelled.
        """
        with self._writing() as db:
            again = BATCH.update().where(BATCH.c.id == batch_id, BATCH.c.status == "cancelled").values(
                status="validating", run=BATCH.c.run + 1, stamps="{}", output_file_id=None, error_file_id=None,
            )  # fmt: skip
            if not db.execute(again).rowcount:
                raise UsageError("The batch cannot be resumed.", "Only a cancelled batch can.")
            return int(db.execute(sa.select(BATCH.c.run).where(BATCH.c.id == batch_id)).scalar_one())

    # -- lines

    def add_lines(self, batch_id: str, lines: Sequence[Answered]) -> None:
        """Remember what became of lines; from then on they are never sent again."""
        rows = [
            {"batch": batch_id, "number": one.number, "good": one.good, "told": _json(one).decode()} for one in lines
        ]
        if rows:
            with self._writing() as db:
                db.execute(LINE.insert(), rows)

    def finished(self, batch_id: str) -> set[int]:
        """Numbers of the lines that are over."""
        with self._reading() as db:
            return set(db.scalars(sa.select(LINE.c.number).where(LINE.c.batch == batch_id)))

    def answers(self, batch_id: str, good: bool) -> Iterator[Answered]:
        """Lines with or without an answer, in the order of the file, read in portions."""
        last = 0
        while True:
            wanted = sa.select(LINE.c.number, LINE.c.told).where(
                LINE.c.batch == batch_id, LINE.c.good == good, LINE.c.number > last
            )
            with self._reading() as db:
                rows = db.execute(wanted.order_by(LINE.c.number).limit(200)).all()
            if not rows:
                return
            for row in rows:
                last = row.number
                yield _read(row.told)

    def forget_unsent(self, batch_id: str) -> None:
        """Before a batch is taken up again: lines that were only left out by then are not over."""
        with self._writing() as db:
            for number, told in db.execute(
                sa.select(LINE.c.number, LINE.c.told).where(LINE.c.batch == batch_id, LINE.c.good.is_(False))
            ).all():
                fault = _read(told).fault
                if fault is not None and fault.code in {"batch_cancelled", "batch_expired"}:
                    db.execute(LINE.delete().where(LINE.c.batch == batch_id, LINE.c.number == number))

    def _counts(self, db: sa.Connection, batch_id: str) -> dict[bool, int]:
        rows = db.execute(sa.select(LINE.c.good, sa.func.count()).where(LINE.c.batch == batch_id).group_by(LINE.c.good))
        return {bool(good): int(count) for good, count in rows}

    def _page(self, wanted: sa.Select[Any], table: sa.Table, after: str | None, limit: int) -> Sequence[Any]:
        order = (table.c.created_at.desc(), table.c.id.desc())
        with self._reading() as db:
            if after is not None:
                last = db.execute(sa.select(table.c.created_at).where(table.c.id == after)).scalar()
                key = sa.tuple_(table.c.created_at, table.c.id)
                wanted = wanted.where(key < sa.tuple_(sa.literal(last if last is not None else 0), sa.literal(after)))
            return db.execute(wanted.order_by(*order).limit(limit)).mappings().all()


def _batch(row: Any, counts: dict[bool, int]) -> Batch:
    told = dict(row)
    told["metadata"] = msgspec.json.decode(told["metadata"] or "null")
    told["errors"] = msgspec.json.decode(told["errors"], type=tuple[LineFault, ...])
    told["stamps"] = msgspec.json.decode(told["stamps"])
    return Batch(**told, completed=counts.get(True, 0), failed=counts.get(False, 0))
