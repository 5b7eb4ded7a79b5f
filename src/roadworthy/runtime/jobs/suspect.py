"""How often a job was begun after it had ended a worker, since it last got on. Only suspects have a row."""

from __future__ import annotations

import sqlalchemy as sa

_metadata = sa.MetaData()
SUSPECT = sa.Table(
    "roadworthy_suspect", _metadata,
    sa.Column("job", sa.String(200), primary_key=True),
    sa.Column("begun", sa.Integer, nullable=False),
)  # fmt: skip


class Suspects:
    """The rows; safe for threads and processes.

    Args:
        engine: Of the store.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self) -> None:
        """Make the table when it is missing."""
        _metadata.create_all(self._engine)

    def begin(self, job: str) -> int:
        """A suspect begins; returns how often it did, this time included."""
        mine = SUSPECT.c.job == job
        with self._engine.begin() as db:
            if not db.execute(SUSPECT.update().where(mine).values(begun=SUSPECT.c.begun + 1)).rowcount:
                db.execute(SUSPECT.insert().values(job=job, begun=1))
            return int(db.execute(sa.select(SUSPECT.c.begun).where(mine)).scalar_one())

    def clear(self, job: str) -> int:
        """It got on, ended in order, or is replayed by a person; returns the number of rows removed."""
        with self._engine.begin() as db:
            return db.execute(SUSPECT.delete().where(SUSPECT.c.job == job)).rowcount
