"""The control plane as an operator sees it: workers, breakers, keys, journal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from urllib.parse import quote

from roadworthy.client.console import ConsoleCalls
from roadworthy.client.job import JobCalls
from roadworthy.client.mode_record import ModeStatus, read_mode
from roadworthy.client.record import (
    Breaker,
    JournalCheck,
    JournalEntry,
    KeyInfo,
    Status,
    WorkerCache,
    objects,
    pick,
    read_breaker,
    read_entry,
    read_journal_check,
    read_key,
    read_worker,
    read_worker_cache,
)
from roadworthy.client.transport import Api
from roadworthy.core.errors import GatewayError


class AdminClient(Api):
    """Calls the admin API. Every call raises `RemoteError` for what it reports: `unauthorized`, `admin_disabled`, ...

    Every call raises `GatewayError` with `gateway_unreachable` when nothing answers, or something that is not it.

    Args:
        url: For example `http://127.0.0.1:8081`.
        key: Key with scope `admin`.
        timeout_s: Longest silence while an answer is awaited, in seconds.
    """

    def __init__(self, url: str, key: str | None, *, timeout_s: float = 10.0) -> None:
        super().__init__(url, key, timeout_s=timeout_s)

    def status(self) -> Status:
        """What runs and how it is."""
        _, told = self.call("GET", "/admin/status")
        workers = objects(told, "workers")
        breakers = [
            read_breaker(item, pick(worker, "worker", int))
            for worker in workers
            for item in objects(worker, "breakers")
        ]
        breakers += [read_breaker(item) for item in objects(told, "breakers")]
        return Status(tuple(map(read_worker, workers)), tuple(breakers), told)

    def breakers(self) -> tuple[Breaker, ...]:
        """The circuit breakers of every worker."""
        _, told = self.call("GET", "/admin/breakers")
        return tuple(read_breaker(item) for item in objects(told, "breakers"))

    def modes(self) -> tuple[ModeStatus, ...]:
        """The modes of every worker, best first."""
        _, told = self.call("GET", "/admin/modes")
        return tuple(map(read_mode, objects(told, "modes")))

    def reset_breaker(self, provider: str | None = None, model: str | None = None) -> int:
        """Close breakers at once.

        Args:
            provider: Name of the provider; None for all.
            model: Model at that provider; None for all of its models.

        Returns:
            How many were reset, counted over all workers.
        """
        _, told = self.call("POST", "/admin/breakers/reset", {"provider": provider, "model": model})
        return self._number(told, "reset")

    def caches(self) -> tuple[WorkerCache, ...]:
        """The kept answers of every worker, in numbers."""
        _, told = self.call("GET", "/admin/cache")
        return tuple(read_worker_cache(item) for item in objects(told, "caches"))

    def clear_cache(self) -> int:
        """Forget every kept answer; returns how many there were, counted over all workers."""
        return self._number(self.call("POST", "/admin/cache/clear", {})[1], "cleared")

    def keys(self) -> tuple[KeyInfo, ...]:
        """All keys, revoked and expired ones too."""
        _, told = self.call("GET", "/admin/keys")
        return tuple(map(read_key, objects(told, "keys")))

    def create_key(self, name: str, scopes: Sequence[str], expires_s: float | None = None) -> tuple[KeyInfo, str]:
        """Make a key.

        Args:
            name: Unique among the living keys.
            scopes: Of use, operate, admin.
            expires_s: Seconds until it expires; None for never.

        Returns:
            The key, and its secret, which exists nowhere else.
        """
        body = {"name": name, "scopes": list(scopes), "expires_s": expires_s}
        return self._with_secret(self.call("POST", "/admin/keys", body)[1])

    def revoke_key(self, name_or_id: str) -> KeyInfo:
        """Take a key away, at once and for good."""
        _, told = self.call("DELETE", f"/admin/keys/{quote(name_or_id, safe='')}")
        return read_key(told.get("key"))

    def rotate_key(self, name_or_id: str, overlap_s: float = 0.0) -> tuple[KeyInfo, str]:
        """Give a key a new secret; the old one stays valid for `overlap_s` seconds.

        Returns:
            The key, and its new secret, which exists nowhere else.
        """
        path = f"/admin/keys/{quote(name_or_id, safe='')}/rotate"
        return self._with_secret(self.call("POST", path, {"overlap_s": overlap_s})[1])

    def reload_keys(self) -> int:
        """Have every worker read the keys now; returns how many did."""
        _, told = self.call("POST", "/admin/keys/reload", {})
        return self._number(told, "workers")

    @property
    def jobs(self) -> JobCalls:
        """The durable jobs."""
        return JobCalls(lambda: nullcontext(self), "/admin/jobs")

    @property
    def console(self) -> ConsoleCalls:
        """Sessions of the console, and what it shows of the configuration."""
        return ConsoleCalls(self)

    def verify_journal(self) -> JournalCheck:
        """Recompute the hash chain of the journal; reads all of it."""
        return read_journal_check(self.call("GET", "/admin/journal/verify")[1])

    def journal(self, limit: int = 20, after: int | None = None, kind: str = "") -> tuple[JournalEntry, ...]:
        """Entries of the journal, newest last.

        Args:
            limit: How many at most, 1 to 1000.
            after: Only entries with a higher sequence number; None for the newest.
            kind: Beginning of the kind of entries; empty for all.
        """
        query = {"limit": str(limit)} | ({} if after is None else {"after": str(after)})
        query |= {"kind": kind} if kind else {}
        _, told = self.call("GET", "/admin/journal", query=query)
        return tuple(read_entry(item) for item in objects(told, "entries"))

    def _number(self, told: object, name: str) -> int:
        number = pick(told, name, int)
        if number is None:
            raise self._odd(name)
        return int(number)

    def _with_secret(self, told: object) -> tuple[KeyInfo, str]:
        secret = pick(told, "secret", str)
        if secret is None:
            raise self._odd("secret")
        return read_key(pick(told, "key", dict)), str(secret)

    def _odd(self, name: str) -> GatewayError:
        return GatewayError(
            f"What answers at {self.url} does not speak this version's admin API.",
            f"Its answer has no usable `{name}`.",
            "Use the same version on both sides.",
            code="gateway_unreachable",
        )
