"""Keeps the secrets of a running gateway fresh: asks again in time, and hands what changed to the edge workers.

A thread of the supervisor, because it is the supervisor that starts workers: one that dies and comes back gets the keys
that are in force then.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from roadworthy.core.errors import ConfigError, SecretError, StorageError
from roadworthy.core.ports import Entry
from roadworthy.gateway.edge.rekey import NewKeys
from roadworthy.gateway.settings import EdgeSettings, ProviderSettings
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.serve.control_workers import Workers
from roadworthy.serve.secret_report import SecretReport, poked, write_report
from roadworthy.serve.wiring import rekeyed, secret_references
from roadworthy.serve.wiring_secret import Secrets

TICK_S = 0.5
REPORT_S = 10.0
MOST_ENTRIES = 1_000
REMIND_S = 2.0
"""A withdrawn key is withdrawn again after so long: a worker that starts anew has it from its settings."""


class AuditBuffer:
    """Holds entries until the journal takes them. Of more than `MOST_ENTRIES` the oldest are lost, and the journal is
    told how many (`journal.gap`). Safe for threads."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque()
        self._lost = 0
        self._lock = threading.Lock()
        self._masker = TextMasker()

    def __call__(self, entry: Entry) -> None:
        with self._lock:
            self._waiting.append(entry)
            self._bound()

    def _bound(self) -> None:
        while len(self._waiting) > MOST_ENTRIES:
            self._waiting.popleft()
            self._lost += 1

    def flush(self, state_dir: Path) -> None:
        """Write what waits. While the store is away it goes on waiting."""
        with self._lock:
            entries, lost = list(self._waiting), self._lost
            self._waiting.clear()
            self._lost = 0
        if not entries:
            return
        gap = [Entry("journal.gap", entries[0].at, b'{"dropped":%d}' % lost)] if lost else []
        try:
            with contextlib.closing(SqliteJournal(state_dir / "state.db", self._masker)) as journal:
                journal.append([*gap, *entries])
        except StorageError:
            with self._lock:
                self._waiting.extendleft(reversed(entries))
                self._lost += lost
                self._bound()


class SecretKeeper:
    """See the module.

    Args:
        config: A checked configuration.
        secrets: The chain, already used for the start.
        edge: Settings that the workers were started with.
        settle: Gives children other settings for their next start.
        audit: Entries for the journal.
        say: Takes one line of narration.
        ask: Sends a body to all workers; whether all of them took the generation. Replaced in tests.
    """

    def __init__(
        self,
        config: Config,
        secrets: Secrets,
        edge: EdgeSettings,
        settle: Callable[[Mapping[str, bytes]], None],
        audit: AuditBuffer,
        say: Callable[[str], None],
        ask: Callable[[NewKeys], bool] | None = None,
    ) -> None:
        self._config = config
        self._secrets = secrets
        self._edge = edge
        self._settle = settle
        self._audit = audit
        self._say = say
        self._ask = ask or self._ask_workers
        self._state_dir = Path(edge.state_dir)
        self._run_dir = self._state_dir / "run"
        self._clock = secrets.chain.clock
        self._generation = 0
        self._acknowledged = 0
        self._ever_changed: set[str] = set()
        self._withdrawn: dict[str, float] = {}
        self._poked = poked(self._run_dir)
        self._reported_at = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Keep on until told to stop, then give back what stores lent."""
        crashed = ""
        while not stopping.wait(TICK_S):
            try:
                self.step()
            except Exception as bug:  # this thread's door: keys must go on being refreshed, and their text may hold one
                told = f"{type(bug).__name__} at {_place(bug)}"
                if told != crashed:
                    self._say(f"error[unexpected_error]: Secrets were not refreshed ({told}): a bug of ours.")
                crashed = told
        self._secrets.chain.close()
        self._audit.flush(self._state_dir)

    def step(self) -> None:
        """Do what is due."""
        chain = self._secrets.chain
        chain.keep()
        poke = poked(self._run_dir)
        due = [reference for _, reference in self._references()] if poke != self._poked else chain.due()
        if due:
            for reference in due:
                with contextlib.suppress(SecretError):  # on record already; what follows sees it again
                    chain.resolve(reference, now=poke != self._poked)
            self._poked = poke
            self._compare()
        told = self._acknowledged != self._generation or self._to_remind()
        if told:
            self._tell()
        if due or told or self._clock.monotonic() - self._reported_at >= REPORT_S:
            self._report()
        self._audit.flush(self._state_dir)

    def _references(self) -> list[tuple[str, str]]:
        return [(name, ref.text) for name, ref in secret_references(self._config)]

    def _compare(self) -> None:
        """Look for keys that changed, and for keys that may not be used any more."""
        changed, providers = [], []
        for known in self._edge.providers:
            fresh = self._fresh(known)
            providers.append(fresh)
            if fresh != known or (known.name in self._withdrawn and not self._spent(known.name)):
                changed.append(known.name)
                self._withdrawn.pop(known.name, None)
        if changed:
            self._edge = msgspec.structs.replace(self._edge, providers=tuple(providers))
            self._ever_changed.update(changed)
            self._generation += 1
            content = msgspec.json.encode(self._edge)
            self._settle({f"edge-{worker}": content for worker in range(self._edge.workers)})
            self._say(f"New key of {', '.join(changed)}; the workers take it over.")
            for name in changed:
                self._secrets.chain.audit.changed("secret.applied", name, {"generation": self._generation})

    def _fresh(self, known: ProviderSettings) -> ProviderSettings:
        try:
            return rekeyed(self._config, self._secrets, known)
        except ConfigError as error:
            if self._spent(known.name) and known.name not in self._withdrawn:
                self._withdrawn[known.name] = 0.0
                self._generation += 1
                self._say(f"error[{error.code}]: The key of {known.name} is withdrawn: {error} {error.mend}")
                self._secrets.chain.audit.changed("secret.withdrawn", known.name, {"code": error.code})
            return known

    def _spent(self, provider: str) -> bool:
        """Whether a secret of the provider has no value that may still be used."""
        states = [self._secrets.chain.status(ref).state for name, ref in self._references() if name == provider]
        return any(state not in ("fresh", "last_good") for state in states)

    def _to_remind(self) -> bool:
        now = self._clock.monotonic()
        return any(now - told >= REMIND_S for told in self._withdrawn.values())

    def _tell(self) -> None:
        providers = tuple(p for p in self._edge.providers if p.name in self._ever_changed - set(self._withdrawn))
        if self._ask(NewKeys(self._generation, providers, tuple(self._withdrawn))):
            self._acknowledged = self._generation
            self._withdrawn = dict.fromkeys(self._withdrawn, self._clock.monotonic())

    def _ask_workers(self, news: NewKeys) -> bool:
        async def ask() -> bool:
            workers = Workers(self._state_dir, self._edge.workers)
            try:
                answers = await workers.ask("POST", "/internal/secrets", msgspec.to_builtins(news))
            finally:
                await workers.close()
            return all(a.data is not None and a.data.get("generation") == news.generation for a in answers)

        return asyncio.run(ask())

    def _report(self) -> None:
        self._reported_at = self._clock.monotonic()
        status = tuple(self._secrets.chain.status(reference) for _, reference in self._references())
        taken = self._acknowledged == self._generation
        with contextlib.suppress(OSError):  # the disk is full or gone: the next one may be written
            write_report(self._run_dir, SecretReport(self._clock.wall(), self._generation, taken, status))


def _place(bug: BaseException) -> str:
    trace = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{Path(trace.filename).name}:{trace.lineno}"
