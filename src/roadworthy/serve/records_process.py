"""Ships the records of this machine to PostgreSQL, in a process of its own: a slow database slows nothing down.

python -m roadworthy.serve.records_process --settings-fd N
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec

from roadworthy.core.clock import SystemClock
from roadworthy.core.errors import RoadworthyError
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.runtime.journal_postgres import PostgresJournal, parameters
from roadworthy.runtime.log import Level, Log
from roadworthy.runtime.shipping import Shipped, Shipper, last_report, write_report

REPORT_S = 1.0
LAST_S = 3.0
"""Seconds that what is left may take when the gateway stops; the rest waits for the next start."""


class RecordsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the process needs to know. `database` is the connection string and holds a password."""

    state_dir: str
    database: str
    log_level: Level = "info"

    def __repr__(self) -> str:
        return f"RecordsSettings(state_dir={self.state_dir!r}, database=***)"


class RecordsProcess:
    """Steps the shipper and tells how it goes.

    Args:
        settings: See there.
        stop: Set when the process is to end.
    """

    def __init__(self, settings: RecordsSettings, stop: threading.Event) -> None:
        state = Path(settings.state_dir)
        masker, self._clock = TextMasker(), SystemClock()
        parameters(settings.database)  # what cannot be read will never connect
        self._run_dir = state / "run"
        self._log = Log(None, masker, settings.log_level, fields={"process": "records"})
        self._stop = stop
        self._shipper = Shipper(
            SqliteJournal(state / "state.db", masker), lambda: PostgresJournal(settings.database), self._clock,
            last_report(self._run_dir),
        )  # fmt: skip
        self._told: Shipped | None = None
        self._away_since: float | None = None

    def run(self) -> None:
        """Ship until `stop` is set, then what is left, for `LAST_S` at most."""
        end = None
        while True:
            wait = self._shipper.step()
            self._report()
            if not self._stop.is_set():
                self._stop.wait(wait)
                continue
            end = end or time.monotonic() + LAST_S
            if wait or time.monotonic() > end:
                break
        self._shipper.close()

    def _report(self) -> None:
        report, before = self._shipper.report, self._told
        error = before.error if before else None
        if before is not None and report.error == error and report.at - before.at < REPORT_S:
            return
        self._told = report
        write_report(self._run_dir, report)
        if report.error and report.error != error:
            self._away_since = report.at
            self._log.event("error", "records.held_back", error=report.error, why=report.why, waiting=report.waiting)
        elif error and not report.error:
            away_s = round(report.at - (self._away_since or report.at), 1)
            self._log.event("warning", "records.flowing_again", away_s=away_s, waiting=report.waiting)


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="roadworthy records")
    parser.add_argument("--settings-fd", type=int, required=True)
    with os.fdopen(parser.parse_args().settings_fd, "rb") as pipe:
        settings = msgspec.json.decode(pipe.read(), type=RecordsSettings)
    os.nice(5)  # the edge shares the cores
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        RecordsProcess(settings, stop).run()
    except RoadworthyError as error:
        print(f"error[{error.code}]: {error.what}\nwhy: {error.why}\nmend: {error.mend}", file=sys.stderr)
        sys.exit(int(error.spec.exit_code))


if __name__ == "__main__":
    main()
