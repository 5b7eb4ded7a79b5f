"""The chain Vault, AWS, environment, file: one door for every secret, and the rules for when a source fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, cast, runtime_checkable

from roadworthy.core.clock import Clock
from roadworthy.core.errors import SecretError, UsageError
from roadworthy.core.ports import SecretSource, SecretStore
from roadworthy.core.secret import Secret
from roadworthy.guard.secrets.audit import ResolutionAudit
from roadworthy.guard.secrets.cache import Entry, Lifetimes, SecretCache

CHAIN = "secret"
"""Scheme of references that go through all sources."""

AWAY = frozenset({"secret_source_unavailable", "secret_source_refused", "secret_source_untrusted"})
"""What a source says that is configured and does not serve. Only `not found` lets the next source be asked."""

NOT_CONFIGURED = {
    "vault": ("VAULT_ADDR is not set.", "Set VAULT_ADDR and a login."),
    "aws": ("AWS_SECRETS_ENABLED is not true.", "Set AWS_SECRETS_ENABLED=true, AWS_REGION and a login."),
}

OnValue = Callable[[str, str], object]
"""Is offered every value once, with its reference, so that it can be taken out of texts."""


@runtime_checkable
class KeepsLogin(Protocol):
    """A source with a login that ends."""

    def keep(self) -> None:
        """Renew it when it is due."""
        ...

    def close(self) -> None:
        """Give back what was lent with it."""
        ...


class SecretStatus(NamedTuple):
    """How one secret is. Holds nothing that is secret.

    Attributes:
        reference: As it stands in the configuration.
        state: `fresh`, `last_good` (its source fails), `expired` (it failed for too long), `missing`, `failed`, or
            `unknown` when nobody asked yet.
        source: Where the value in use came from, None without one.
        version: As the store counts.
        age_s: Seconds since that version was written, by the store's clock; None when unknown.
        failures: Failed fetches since the start.
        code: What the last fetch failed with, None when it was good.
        passed_over: Sources that were down when it was fetched, and were passed over; only in development.
    """

    reference: str
    state: str
    source: str | None = None
    version: str | None = None
    age_s: float | None = None
    failures: int = 0
    code: str | None = None
    passed_over: tuple[str, ...] = ()


class SecretChain:
    """Resolves references to secrets. Safe for threads; blocks while a source is asked.

    Args:
        sources: Those that are configured, in the order in which `secret:NAME` asks them.
        clock: Durations and ages.
        audit: Gets every resolution.
        lifetimes: How long values are used.
        strict: Never pass over a source that fails. Without it `secret:NAME` goes on to the next source, and says so.
        on_value: Is offered every value.
    """

    def __init__(
        self,
        sources: Sequence[SecretSource],
        clock: Clock,
        audit: ResolutionAudit,
        *,
        lifetimes: Lifetimes | None = None,
        strict: bool = True,
        on_value: OnValue | None = None,
    ) -> None:
        self.sources = {source.name: source for source in sources}
        self.audit = audit
        self.clock = clock
        self._strict = strict
        self._on_value = on_value
        self._offered: dict[str, Secret] = {}
        self._passed_over: dict[str, tuple[str, ...]] = {}
        self._cache = SecretCache(lifetimes or Lifetimes(), clock, self._fetch)

    def resolve(self, reference: str, *, now: bool = False) -> Secret:
        """The secret of a reference: fresh, or the last good one while its source does not serve.

        Args:
            reference: `vault:PATH#KEY`, `aws:NAME[#KEY]`, `env:NAME`, `file:PATH`, or `secret:NAME` for the chain.
            now: Ask the source even when the kept value is fresh.

        Raises:
            SecretError: `secret_missing` when every source asked answers that there is none; what the source said when
                it does not serve and no value may be used any more: it fails closed.
        """
        try:
            found = self._cache.get(reference, now=now)
            if found is None:
                raise _missing(reference)
        except SecretError as error:
            self.audit.failed(reference, error.code)
            raise
        state = "fresh" if self._cache.entry(reference).error is None else "last_good"
        self.audit.resolved(reference, found.origin, state, self._passed_over.get(reference, ()))
        return found

    def status(self, reference: str) -> SecretStatus:
        """How a secret is, from memory: no source is asked."""
        entry = self._cache.entry(reference)
        code = entry.error.code if entry.error is not None else None
        now, found = self.clock.monotonic(), entry.secret
        if found is None or now >= entry.hard_at:
            return SecretStatus(reference, _state(entry), failures=entry.failed, code=code)
        age_s = None if found.origin.age_s is None else found.origin.age_s + now - entry.fetched_at
        return SecretStatus(
            reference, "fresh" if code is None else "last_good", found.origin.source, found.origin.version, age_s,
            entry.failed, code, self._passed_over.get(reference, ()),
        )  # fmt: skip

    def due(self) -> list[str]:
        """References that were asked for before and are to be asked for again now."""
        now = self.clock.monotonic()
        return [
            reference
            for reference, entry in self._cache.entries().items()
            if now >= max(entry.soft_at, entry.retry_at if entry.error else 0.0, entry.missing_until)
        ]

    def keep(self) -> None:
        """Let sources renew their logins; a failure is on record, and shows at the next fetch."""
        for source in self.sources.values():
            if isinstance(source, KeepsLogin):
                try:
                    source.keep()
                except SecretError as error:
                    self.audit.failed(f"{source.name}: login", error.code)

    def close(self) -> None:
        """Give back what sources lent us."""
        for source in self.sources.values():
            if isinstance(source, KeepsLogin):
                source.close()

    def located(self, reference: str) -> tuple[SecretSource, str]:
        """The source and place of a reference; for `secret:NAME` those where it lies now.

        Raises:
            SecretError: As `resolve`.
        """
        scheme, _, place = reference.partition(":")
        if scheme == CHAIN:
            source = self.sources[self.resolve(reference, now=True).origin.source]
            return source, source.place_of(place)
        return self._source(scheme, reference), place

    def store(self, reference: str) -> tuple[SecretStore, str]:
        """As `located`, for writing.

        Raises:
            UsageError: `invalid_request` when what lies there cannot be rotated from here.
            SecretError: As `resolve`.
        """
        source, place = self.located(reference)
        if not hasattr(source, "promote"):
            raise UsageError(
                f"{reference} cannot be rotated from here.",
                "A process cannot change the environment of others.",
                "Set the variable where the process is started and restart it, or move the secret to a store.",
            )
        return cast(SecretStore, source), place

    def offer(self, reference: str, secret: Secret) -> None:
        """Show a value to the listener, once."""
        if self._on_value is None or self._offered.get(reference) == secret:
            return
        self._offered[reference] = secret
        self._on_value(reference, secret.reveal())

    def _fetch(self, reference: str) -> Secret | None:
        scheme, _, place = reference.partition(":")
        found = self._walk(reference, place) if scheme == CHAIN else self._source(scheme, reference).fetch(place)
        if found is not None:
            self.offer(reference, found)
        return found

    def _walk(self, reference: str, name: str) -> Secret | None:
        passed: list[SecretError] = []
        names: list[str] = []
        for source in self.sources.values():
            try:
                found = source.fetch(source.place_of(name))
            except SecretError as error:
                if self._strict or error.code not in AWAY:
                    raise
                passed.append(error)
                names.append(source.name)
                continue
            if found is not None:
                self._passed_over[reference] = tuple(names)
                return found
        if passed:  # nobody knows whether it is there
            raise passed[0]
        return None

    def _source(self, scheme: str, reference: str) -> SecretSource:
        source = self.sources.get(scheme)
        if source is None:
            why, mend = NOT_CONFIGURED.get(scheme, ("There is no such source.", ""))
            raise SecretError(f"The secret {reference} is not there.", why, mend)
        return source


def _state(entry: Entry) -> str:
    if entry.error is None:
        return "missing" if entry.missing_until else "unknown"
    return "expired" if entry.hard_at else "failed"


def _missing(reference: str) -> SecretError:
    scheme, _, place = reference.partition(":")
    why, mend = {
        "env": ("The variable is not set or empty.", f"Set the environment variable {place}."),
        "file": ("The file cannot be read: No such file or directory.", f"Put the secret into {place}."),
        CHAIN: ("Every configured source answers that there is none.", "Put it into one of them."),
    }.get(scheme, ("The store answers that there is none.", "Put it there, or correct the reference."))
    return SecretError(f"The secret {reference} is not there.", why, mend)
