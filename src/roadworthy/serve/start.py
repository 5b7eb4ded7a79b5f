"""`roadworthy up` without its words: start everything, greet when it is ready, stop in order."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.console_session import SessionStore
from roadworthy.gateway.keys import KeyStore
from roadworthy.gateway.settings import EdgeSettings
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.serve.control_workers import Workers
from roadworthy.serve.launch import Plan, prepare
from roadworthy.serve.rundir import RunDirectory
from roadworthy.serve.secret_keeper import AuditBuffer, SecretKeeper
from roadworthy.serve.selftest import Trial, run_trials, self_test_key, wait_listening, wait_ready
from roadworthy.serve.supervisor import RunSummary, Supervisor
from roadworthy.serve.wiring import all_references
from roadworthy.serve.wiring_secret import with_secrets, withheld

_DRAIN_MARGIN_S = 2.0
_CONTROL_WAIT_S = 10.0
_LAST_ENTRIES_S = 5.0


class Ready(NamedTuple):
    """What is told when requests are taken.

    Attributes:
        url: Root of the public API.
        admin_url: Root of the admin API, None when it is off.
        workers: Number of edge workers.
        route: Model name that the self-test asked and the examples use; None when every route is a pattern.
        needs_key: Whether callers need a key.
        start_s: Seconds from the command to readiness.
        admin_key: Secret of the admin key when it was made just now, else None.
        trials: The self-test; empty without a route to ask.
        console_url: Link that signs in to the console, once and within ten minutes; None when it does not run or the
            admin API is off because no admin key exists. Leads to the page of `application` where there is one.
        application: Name of the installed application whose page the link leads to; None when none has a page.
    """

    url: str
    admin_url: str | None
    workers: int
    route: str | None
    needs_key: bool
    start_s: float
    admin_key: str | None
    trials: tuple[Trial, ...]
    console_url: str | None = None
    application: str | None = None

    @property
    def self_test_ok(self) -> bool | None:
        """Whether every trial succeeded; None when there was none."""
        return all(trial.ok for trial in self.trials) if self.trials else None


def run(
    config: Config,
    environ: Mapping[str, str],
    *,
    say: Callable[[str], None],
    ready: Callable[[Ready], None],
) -> RunSummary:
    """Run the product until it is told to stop. Call from the main thread.

    Args:
        config: A checked configuration.
        environ: Where `env:` references are looked up.
        say: Takes one line of narration; called from two threads.
        ready: Called once, from another thread, when requests are taken and the self-test has run.

    Raises:
        ConfigError: `already_running`, and what `launch.prepare` raises; nothing was started.
        StorageError: `store_unavailable` when the state directory cannot be used, `journal_corrupt` when what is in it
            is damaged; nothing was started.
    """
    begin = time.monotonic()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold every key
    stopping = threading.Event()
    with contextlib.ExitStack() as held:
        run_directory = held.enter_context(RunDirectory(Path(config.gateway.state_dir)))
        _check_state(Path(config.gateway.state_dir))
        audit = AuditBuffer()
        masker = TextMasker()
        tell = _masked(say, masker)
        secrets = with_secrets(config, environ, audit=audit, on_value=lambda _, value: masker.literals.add(value))
        plan = prepare(config, secrets, held)
        supervisor = Supervisor(
            plan.children,
            run_directory,
            drain_timeout_s=plan.edge.limits.drain_timeout_s + _DRAIN_MARGIN_S,
            say=tell,
            withheld=withheld(environ, all_references(config)),
        )
        keeper = SecretKeeper(config, secrets, plan.edge, supervisor.settle, audit, tell)
        keeping = threading.Thread(target=keeper.run, args=(stopping,), name="secrets", daemon=True)
        keeping.start()
        if plan.model is not None:
            tell(f"Loading the model {plan.model.name}; requests are taken when it is ready.")
        greeting = threading.Thread(
            target=_greet, args=(plan, begin, stopping, tell, ready), name="greeting", daemon=True
        )
        greeting.start()
        try:
            return supervisor.run()
        finally:
            stopping.set()
            keeping.join(_LAST_ENTRIES_S)


def _masked(say: Callable[[str], None], masker: TextMasker) -> Callable[[str], None]:
    """Narration without anything that was fetched as a secret."""
    return lambda line: say(masker.mask(line))


def _check_state(state_dir: Path) -> None:
    """Open journal and keys once: what no child could use must be told before any of them starts."""
    with _opened(state_dir):
        pass


@contextlib.contextmanager
def _opened(state_dir: Path) -> Iterator[KeyStore]:
    state = state_dir / "state.db"
    with (
        contextlib.closing(SqliteJournal(state, TextMasker())) as journal,
        contextlib.closing(KeyStore(state, journal)) as store,
    ):
        yield store


def _greet(
    plan: Plan,
    begin: float,
    stopping: threading.Event,
    say: Callable[[str], None],
    ready: Callable[[Ready], None],
) -> None:
    if not wait_ready(plan.url, stopping, say):
        return
    if plan.admin_url and not wait_listening(plan.admin_url, stopping, _CONTROL_WAIT_S):
        say(f"The admin API does not listen yet at {plan.admin_url}; see the messages above.")
    if plan.console_url and not wait_listening(plan.console_url, stopping, _CONTROL_WAIT_S):
        say(f"The console does not listen yet at {plan.console_url}; see the messages above.")
    start_s = time.monotonic() - begin
    edge = plan.edge
    try:
        admin_key = _first_admin_key(Path(edge.state_dir)) if plan.admin_url else None
        console_url = console_link(plan.console_url, Path(edge.state_dir), plan.page) if plan.console_url else None
        trials = _self_test(edge, plan.url)
    except RoadworthyError as error:
        say(f"error[{error.code}]: {error} {error.mend}")
        return
    if not stopping.is_set():
        ready(Ready(
            plan.url, plan.admin_url, edge.workers, edge.default_route, edge.require_key, start_s, admin_key, trials,
            console_url, plan.page if console_url else None,
        ))  # fmt: skip


def _self_test(edge: EdgeSettings, url: str) -> tuple[Trial, ...]:
    if edge.default_route is None:
        return ()
    key = None
    if edge.require_key:
        key = self_test_key(Path(edge.state_dir))
        asyncio.run(_reload_keys(edge))
    return run_trials(url, key, edge.default_route)


async def _reload_keys(edge: EdgeSettings) -> None:
    workers = Workers(Path(edge.state_dir), edge.workers)
    try:
        await workers.ask("POST", "/internal/keys/reload")
    finally:
        await workers.close()


def console_link(url: str, state_dir: Path, page: str | None = None) -> str | None:
    """A link that signs in to the console; None when no admin key exists, for then the admin API is wanted off.

    Args:
        url: Root of the console.
        state_dir: Where tickets are kept.
        page: Address of the page that it leads to; the first one when None.

    Raises:
        StorageError: `store_unavailable`.
    """
    with _opened(state_dir) as keys:
        if not keys.has_admin():
            return None
        with contextlib.closing(SessionStore(state_dir / "state.db", keys)) as sessions:
            return f"{url}/sign-in?ticket={sessions.new_ticket()}{f'&next=/{page}' if page else ''}"


def _first_admin_key(state_dir: Path) -> str | None:
    """Make an admin key unless one was ever made: a person who revoked it wants the admin API off."""
    with _opened(state_dir) as store:
        keys = store.list()
        if any("admin" in key.scopes for key in keys):
            return None
        taken = {key.name for key in keys if key.revoked_at is None}
        name = next(name for name in ("admin", *(f"admin-{n}" for n in range(2, 1_000))) if name not in taken)
        return store.create(name, ["admin"])[1]
