"""What `roadworthy guard secret` and `doctor` do: look at sources and secrets, rotate, and tell a running gateway."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from roadworthy.core.errors import ConfigError, Exit, RoadworthyError, SecretError, UsageError
from roadworthy.gateway.providers.contract import Provider
from roadworthy.gateway.providers.registry import build
from roadworthy.guard.secrets.chain import SecretStatus
from roadworthy.guard.secrets.rotation import Rotated, Trial, retire, roll_back, rotate
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.secret import parse_reference, usable
from roadworthy.serve.rundir import read_run_record
from roadworthy.serve.secret_keeper import AuditBuffer
from roadworthy.serve.secret_report import poke, read_report
from roadworthy.serve.wiring import all_references, compile_providers, secret_references
from roadworthy.serve.wiring_secret import with_secrets

TAKEN_S = 15.0
"""How long a rotation waits for a running gateway."""
TRIAL_S = 10.0
MAX_VALUE = 65_536


class SecretUse(NamedTuple):
    """A secret, who uses it, and how it is. Fields as in `SecretStatus`."""

    reference: str
    used_by: tuple[str, ...]
    state: str
    source: str | None
    version: str | None
    age_s: float | None
    failures: int
    code: str | None
    passed_over: tuple[str, ...]


class Looked(NamedTuple):
    """What one check saw.

    Attributes:
        name: A source, or a reference.
        ok: Whether it serves.
        evidence: What was seen; never a secret.
        code: Error code, None when it serves.
        mend: How to mend it; empty when nothing is wrong.
    """

    name: str
    ok: bool
    evidence: str
    code: str | None = None
    mend: str = ""


class Done(NamedTuple):
    """What a rotation or rollback did; fields as in `Rotated`.

    `taken` says whether a running gateway uses the new version: None without one.
    """

    reference: str
    source: str
    old_version: str | None
    new_version: str | None
    grace_s: float
    tried: bool
    taken: bool | None


class SecretDesk:
    """Looks after the secrets of one configuration.

    Args:
        config: A checked configuration.
        environ: The environment, with the stores' logins.
    """

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._audit = AuditBuffer()
        self._secrets = with_secrets(config, environ, audit=self._audit)
        self._chain = self._secrets.chain
        self._state_dir = Path(config.gateway.state_dir)
        self._run_dir = self._state_dir / "run"
        self._grace_s = config.secrets.grace_s

    def uses(self) -> list[SecretUse]:
        """Every secret of the configuration, as a running gateway reports it."""
        report = read_report(self._run_dir) if self._running() else None
        known = {status.reference: status for status in report.secrets} if report else {}
        return [self._use(known.get(ref) or SecretStatus(ref, "unknown")) for ref in self._references()]

    def show(self, named: str) -> SecretUse:
        """Fetch one and say where it came from.

        Raises:
            UsageError: It names nothing.
            SecretError: What the sources say.
        """
        reference = self._reference(named)
        try:
            self._chain.resolve(reference, now=True)
        finally:
            self._remember()
        return self._use(self._chain.status(reference))

    def check(self) -> list[Looked]:
        """Every source, then every secret."""
        found = self.check_sources()
        for reference in self._references():
            try:
                self._chain.resolve(reference, now=True)
            except RoadworthyError as error:
                found.append(_bad(reference, error))
            else:
                status = self._chain.status(reference)
                passed = f"; passed over: {', '.join(status.passed_over)}" if status.passed_over else ""
                found.append(Looked(reference, True, f"from {status.source}, version {status.version}{passed}"))
        self._remember()
        return found

    def check_sources(self) -> list[Looked]:
        """Every configured source: whether it serves."""
        found: list[Looked] = []
        for source in self._chain.sources.values():
            try:
                found.append(Looked(source.name, True, source.check()))
            except RoadworthyError as error:
                found.append(_bad(source.name, error))
        return found

    def generated(self) -> str:
        """A random value of 256 bits."""
        return secrets.token_urlsafe(32)

    def rotate(self, named: str, value: str, *, try_it: bool) -> Done:
        """Write a new version and have a running gateway take it over.

        Args:
            named: Reference or provider.
            value: The new value; white space around it is dropped.
            try_it: Ask the provider with it first.

        Raises:
            UsageError: It names nothing, the value is none, or it cannot be rotated or tried.
            SecretError: See `guard.secrets.rotation.rotate`.
        """
        reference, value = self._reference(named), value.strip()
        if not value or len(value) > MAX_VALUE:
            raise UsageError("There is no new value.", "Standard input was empty or too long.", "Pipe it in.")
        usable(parse_reference(reference), value)
        trial = self._trial(reference) if try_it else None
        try:
            done = rotate(self._chain, reference, value, grace_s=self._grace_s, trial=trial)
        finally:
            self._remember(make=True)
        return self._told(done)

    def roll_back(self, named: str) -> Done:
        """Make the version before current again.

        Raises:
            UsageError: It names nothing, or cannot be rotated.
            SecretError: See `guard.secrets.rotation.roll_back`.
        """
        try:
            done = roll_back(self._chain, self._reference(named), grace_s=self._grace_s)
        finally:
            self._remember(make=True)
        return self._told(done)

    def retire(self, named: str, *, at_once: bool) -> bool:
        """Make the version before unreadable; False when there is none.

        Raises:
            UsageError: Its grace time still runs.
            SecretError: What the store says.
        """
        try:
            return retire(self._chain, self._reference(named), grace_s=self._grace_s, at_once=at_once)
        finally:
            self._remember(make=True)

    # -- what is meant

    def _references(self) -> list[str]:
        return list(dict.fromkeys(ref.text for ref in all_references(self._config)))

    def _reference(self, named: str) -> str:
        provider = self._config.gateway.providers.get(named)
        if provider is not None and provider.api_key is not None:
            return provider.api_key.text
        try:
            return parse_reference(named).text
        except ConfigError:
            raise UsageError(
                "There is no such secret.", "It is neither a reference nor a provider with a key.",
                "See `roadworthy guard secret list`.",
            ) from None  # fmt: skip

    def _use(self, status: SecretStatus) -> SecretUse:
        users = [f"provider {name}" for name, ref in secret_references(self._config) if ref.text == status.reference]
        stores = {
            "journal.database": self._config.journal.database,
            "state.url": self._config.state.url,
            "jobs.store": self._config.jobs.store,
        }
        users += [key for key, ref in stores.items() if getattr(ref, "text", None) == status.reference]
        return SecretUse(status.reference, tuple(users), *status[1:])

    # -- trial and hand-over

    def _trial(self, reference: str) -> Trial:
        name = next((name for name, ref in secret_references(self._config) if ref.text == reference), None)
        if name is None:
            raise UsageError(f"{reference} cannot be tried.", "No provider in use has it.", "Leave out --try.")
        known = next(
            p for p in compile_providers(self._config, self._secrets, "http://127.0.0.1:1", None) if p.name == name
        )
        old = self._chain.resolve(reference).reveal()

        def trial(value: str) -> None:
            headers = {header: text.replace(old, value) for header, text in known.headers.items()}
            key = value if known.api_key == old else known.api_key
            _ask_provider(name, build(msgspec.structs.replace(known, api_key=key, headers=headers)))

        return trial

    def _told(self, done: Rotated) -> Done:
        return Done(*done, self._taken(done) if self._running() and poke(self._run_dir) else None)

    def _taken(self, done: Rotated) -> bool:
        end = time.monotonic() + TAKEN_S
        while time.monotonic() < end:
            report = read_report(self._run_dir)
            used = {one.reference: one.version for one in report.secrets} if report else {}
            if report and report.taken and used.get(done.reference, done.new_version) == done.new_version:
                return True
            time.sleep(0.1)
        return False

    def _running(self) -> bool:
        record = read_run_record(self._state_dir)
        if record is None:
            return False
        try:
            os.kill(record.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _remember(self, *, make: bool = False) -> None:
        if make:
            self._state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if make or (self._state_dir / "state.db").is_file():  # what only looks makes no file
            self._audit.flush(self._state_dir)


def exit_code(found: list[Looked]) -> Exit:
    """3 when something is at fault, else 4 when something does not answer, else 0."""
    bad = [one for one in found if not one.ok]
    if any(one.code != "secret_source_unavailable" for one in bad):
        return Exit.CONFIGURATION
    return Exit.COULD_NOT_FIND_OUT if bad else Exit.GOOD


def _bad(name: str, error: RoadworthyError) -> Looked:
    return Looked(name, False, f"{error.what} {error.why}".strip(), error.code, error.mend)


def _ask_provider(name: str, provider: Provider) -> None:
    import httpx2

    try:
        answer = httpx2.get(f"{provider.base_url}/models", headers=dict(provider.headers), timeout=TRIAL_S)
    except httpx2.HTTPError as error:
        raise SecretError(
            f"{name} could not be asked.", type(error).__name__, code="secret_source_unavailable"
        ) from None
    if answer.status_code in (401, 403):
        raise SecretError(f"{name} refuses the new key (status {answer.status_code}).", code="secret_source_refused")
    if answer.status_code != 200:
        raise SecretError(
            f"{name} answers GET /models with status {answer.status_code}, which says nothing about the key.",
            code="secret_source_unavailable",
        )
