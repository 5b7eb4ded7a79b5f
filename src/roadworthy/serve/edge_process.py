"""One edge worker: reads its settings from a pipe, listens, serves until SIGTERM, drains.

python -m roadworthy.serve.edge_process --settings-fd N --worker I
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop

from roadworthy.core.errors import ConfigError, Exit, RoadworthyError, StorageError
from roadworthy.gateway.allowance_store import FILE as ALLOWANCE_FILE
from roadworthy.gateway.allowance_store import SqliteAllowances
from roadworthy.gateway.edge.passage import Passages
from roadworthy.gateway.edge.route import InternalRoutes, PublicRoutes
from roadworthy.gateway.edge.scrape import Scraper
from roadworthy.gateway.edge.server import Server
from roadworthy.gateway.edge.service import Service
from roadworthy.gateway.edge.sibling import Siblings
from roadworthy.gateway.keys import KeyStore
from roadworthy.gateway.ledger import Ledger
from roadworthy.gateway.mode_state import Memory
from roadworthy.gateway.settings import EdgeSettings
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.runtime.log import Log
from roadworthy.runtime.memory import resident_bytes, used_fraction
from roadworthy.runtime.metrics import Metrics
from roadworthy.serve.edge_guard import disguises, masks
from roadworthy.serve.edge_store import watch_records
from roadworthy.serve.rundir import read_run_record
from roadworthy.serve.secret_report import watch_secrets

if TYPE_CHECKING:
    from roadworthy.serve.edge_state import SharedState

KEY_POLL_S = 1.0


class EdgeWorker:
    """The parts of one worker, wired.

    Args:
        settings: Compiled configuration.
        worker: Index among the workers.
    """

    def __init__(self, settings: EdgeSettings, worker: int) -> None:
        self.settings = settings
        self.worker = worker
        self._state = Path(settings.state_dir)
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        masker = TextMasker()
        self.log = Log(None, masker, settings.log_level, fields={"worker": worker})
        self.metrics = Metrics()
        store = self._state / "state.db"
        self.keys = KeyStore(store)
        self.ledger = Ledger(SqliteJournal(store, masker), self.log, self.metrics, log_requests=settings.log_requests)
        self.service = Service(settings, self.ledger, masker, worker)
        self.service.known_secrets.listen(masker.literals.add)
        self._wired = disguises(settings, masker) if masks(settings) else None
        if self._wired is not None:
            self.service.disguise = self._wired.open
        run_dir = self._state / "run"
        siblings = Siblings(worker, run_dir)
        if settings.workers > 1:
            self.service.tell = partial(siblings.tell, "/internal/breakers/news")
        own = SqliteAllowances(self._state / ALLOWANCE_FILE)
        self.shared = self._shared_state(own)
        self.allowances = own if self.shared is None else self.shared.allowances
        self.service.limit_keys(self.allowances)
        self.public = PublicRoutes(self.service, Scraper(worker, siblings, self.metrics.snapshot))
        largest = settings.max_file_bytes
        passages = None if largest is None else Passages(self.service, largest, self._count_application)
        self.server = Server(self.public, settings.limits, passages)
        self.public.draining = lambda: self.server.draining
        internal = InternalRoutes(
            self.service,
            self.metrics.snapshot,
            lambda: len(self.server.connections),
            self.reload_keys,
            self.public.on_behalf,
        )
        self.internal = Server(internal, settings.limits)
        self._socket = run_dir / f"edge-{worker}.sock"
        if settings.ships_records:
            watch_records(self.service.stores, self.metrics, run_dir, first=worker == 0)
        if worker == 0:
            watch_secrets(self.metrics, run_dir)
        self._observe()

    def _shared_state(self, own: SqliteAllowances) -> SharedState | None:
        if self.settings.state is None:
            return None
        from roadworthy.serve.edge_state import SharedState  # a single gateway is not to pay for it

        return SharedState(self.settings.state, self.service, self.metrics, own)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain.

        Raises:
            ConfigError: `port_in_use`, `config_invalid`.
        """
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.set_exception_handler(self._unhandled)
        self.reload_keys()
        self.service.watch_embedded()
        if self.service.modes is not None:
            self.service.modes.sample = self._memory
            self.service.modes.watch()
        if self._wired is not None:
            await asyncio.to_thread(self._wired.prepare)  # now, or the first answer would wait for it
        await self.internal.listen_unix(self._socket)
        port = await self.server.listen(self.settings.host, self.settings.port)
        self.service.event("edge.started", worker=self.worker, port=port)
        poll = loop.create_task(self._poll_keys())
        # What was loaded lives as long as the process: keep the collector from walking over it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        sys.setswitchinterval(0.0005)  # the ledger's thread must give the interpreter back quickly
        await stop.wait()
        self.service.event("edge.draining", worker=self.worker, requests_in_flight=self.service.in_flight)
        poll.cancel()
        await self.server.drain()
        await self.internal.drain()
        self.service.close()
        if self.shared is not None:
            await self.shared.close()
        self.allowances.close()
        self.service.event("edge.stopped", worker=self.worker)
        self.ledger.close()

    def reload_keys(self) -> int:
        """Read the key store again; returns the number of valid secrets."""
        self.service.load_keys(self.keys.active())
        return self.service.key_count

    def _memory(self) -> Memory:
        """Of this worker and the model's process, and of the container or the machine."""
        record = read_run_record(self._state)
        model = [child.pid for child in record.children if child.name == "model" and child.pid] if record else []
        return Memory(resident_bytes([os.getpid(), *model]), used_fraction())

    async def _poll_keys(self) -> None:
        while True:
            await asyncio.sleep(KEY_POLL_S)
            try:
                if self.keys.changed():
                    self.reload_keys()
            except StorageError as error:  # the keys that are known stay valid until the store answers again
                self.service.event("keys.unreadable", level="error", why=error.why)

    def _observe(self) -> None:
        """Gauges are read when somebody looks."""
        service, server = self.service, self.server
        self.metrics.observe("queue_size", lambda: {(): float(service.in_flight)})
        self.metrics.observe("roadworthy_connections", lambda: {(): float(len(server.connections))})
        self.metrics.observe("roadworthy_tasks", lambda: {(): float(len(asyncio.all_tasks()))})
        if service.modes is not None:
            self.metrics.observe("roadworthy_mode_state", service.modes.gauge)
        if service.cache is not None:
            service.cache.observe(self.metrics.observe)
        states = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
        links = service.table.links
        self.metrics.observe(
            "roadworthy_breaker_state",
            lambda: {(link.provider_name, link.model): states[link.breaker.state] for link in links()},
        )
        self.metrics.observe(
            "model_health_status",
            lambda: {
                (link.provider_name, link.model): float(link.ready and link.breaker.state == "closed")
                for link in links()
            },
        )

    def _count_application(self, application: str, status: str, seconds: float) -> None:
        known = application if application in self.settings.applications else "none"
        self.metrics.record("roadworthy_application_duration_seconds", (known, status), (seconds,))

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.service.crashed("callback", error)
        else:
            self.service.event("loop.warning", level="warning", what=str(context.get("message", ""))[:200])


def read_settings(descriptor: int) -> EdgeSettings:
    """Read the settings from an inherited pipe and close it.

    Raises:
        ConfigError: `config_invalid` when it is not what a supervisor of this version writes.
    """
    with os.fdopen(descriptor, "rb") as pipe:
        data = pipe.read()
    try:
        return msgspec.json.decode(data, type=EdgeSettings)
    except msgspec.DecodeError:  # the message could repeat a value
        raise ConfigError(
            "The worker's settings cannot be read.",
            "Supervisor and worker are of different versions.",
            "Stop the supervisor and start it again.",
        ) from None


async def serve(settings: EdgeSettings, worker: int) -> None:
    """Run one worker in this process."""
    await EdgeWorker(settings, worker).run()


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="roadworthy edge")
    parser.add_argument("--settings-fd", type=int, required=True)
    parser.add_argument("--worker", type=int, required=True)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold callers' text and keys
    try:
        uvloop.run(serve(read_settings(arguments.settings_fd), arguments.worker))
    except RoadworthyError as error:
        print(f"error[{error.code}]: {error.what}\nwhy: {error.why}\nmend: {error.mend}", file=sys.stderr)
        sys.exit(int(error.spec.exit_code))
    except KeyboardInterrupt:
        sys.exit(int(Exit.INTERRUPTED))


if __name__ == "__main__":
    main()
