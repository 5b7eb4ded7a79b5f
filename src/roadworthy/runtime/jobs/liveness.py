"""Which workers live, and whose jobs must be taken over.

Every worker (executor) has a row whose counter it moves with each beat. Every worker also sweeps: it deletes the rows
of the dead and gives back the jobs of every executor that has no row. Both are idempotent and repeated, so a sweep
that is cut off in the middle is finished by the next one, whoever makes it.

No clock is compared with another machine's: a row is dead when its counter stood still over `DEAD_AFTER_BEATS` sweeps
in a row, counted by the one who looks, or at once when its process on this very machine is gone. A worker that finds
its own row gone was given up by the others and must end; until it does, the store refuses its records (DBOS gives
every dispatch a token of its own).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

BEAT_S = 1.0
DEAD_AFTER_BEATS = 10

_metadata = sa.MetaData()
EXECUTOR = sa.Table(
    "roadworthy_executor", _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("machine", sa.String(128), nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
)  # fmt: skip


class Liveness:
    """One executor's row, and its view of the others. Not safe for threads; one thread beats and sweeps.

    Args:
        engine: Of the store.
        executor: Id of this process, never used before.
        give_back: Queues the running jobs of an executor again; must be idempotent.
        running: Ids of all executors that running jobs name.
    """

    def __init__(
        self,
        engine: sa.Engine,
        executor: str,
        give_back: Callable[[str], None],
        running: Callable[[], set[str]],
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._give_back = give_back
        self._running = running
        self._seen: dict[str, tuple[int, int]] = {}

    def register(self) -> None:
        """Appear, before any job is taken."""
        _metadata.create_all(self._engine)
        row = {"id": self._executor, "machine": machine(), "pid": os.getpid(), "started": started(os.getpid()) or 0}
        with self._engine.begin() as db:
            db.execute(EXECUTOR.insert().values(beat=0, **row))

    def leave(self) -> None:
        """Go away in order: what is still running is taken over at once."""
        with self._engine.begin() as db:
            db.execute(EXECUTOR.delete().where(EXECUTOR.c.id == self._executor))

    def beat(self) -> bool:
        """Show that this executor lives.

        Returns:
            False when the others gave it up: it must end.
        """
        with self._engine.begin() as db:
            mine = EXECUTOR.update().where(EXECUTOR.c.id == self._executor).values(beat=EXECUTOR.c.beat + 1)
            return db.execute(mine).rowcount == 1

    def sweep(self) -> list[str]:
        """Bury the dead and give their jobs back; returns the executors whose jobs were given back."""
        with self._engine.connect() as db:
            rows = db.execute(sa.select(EXECUTOR)).all()
        for row in rows:
            if row.id != self._executor and self._is_dead(row.id, row.machine, row.pid, row.started, row.beat):
                self._bury(row.id, row.beat)
        self._seen = {row.id: seen for row in rows if (seen := self._seen.get(row.id)) is not None}
        orphaned = self._running()
        if orphaned:
            with self._engine.connect() as db:
                orphaned -= set(db.scalars(sa.select(EXECUTOR.c.id)))
        for executor in orphaned:
            self._give_back(executor)
        return sorted(orphaned)

    def forget(self) -> None:
        """The store was away: nobody could beat, so nothing that was seen before it counts."""
        self._seen.clear()

    def _is_dead(self, executor: str, where: str, pid: int, since: int, beat: int) -> bool:
        if where == machine():
            return started(pid) != since
        last, still = self._seen.get(executor, (beat, -1))
        still = still + 1 if last == beat else 0
        self._seen[executor] = (beat, still)
        return still >= DEAD_AFTER_BEATS

    def _bury(self, executor: str, beat: int) -> None:
        """Only when it did not beat meanwhile; of two who try, the delete lets one win."""
        with self._engine.begin() as db:
            db.execute(EXECUTOR.delete().where(EXECUTOR.c.id == executor, EXECUTOR.c.beat == beat))


@functools.cache
def machine() -> str:
    """This boot of this machine and its space of process ids (containers have their own)."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    try:
        return f"{boot.read_text().strip()} {os.readlink(space)}"
    except OSError:  # no Linux: processes of this machine are judged by their beats, as others are
        return f"{os.getpid()} {os.urandom(8).hex()}"


def started(pid: int) -> int | None:
    """When a process of this machine began, in clock ticks since boot; None when there is none.

    Source: proc(5), /proc/[pid]/stat, fields 3 (state) and 22 (starttime). A zombie is no process any more.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
