"""Credentials that Vault makes for us and takes back: kept alive as leases, replaced when they cannot live longer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.core.clock import Clock
from roadworthy.core.errors import SecretError
from roadworthy.guard.secrets.vault_session import VaultSession

ENOUGH = 0.5
"""A renewal that gives less than this share of the first life has met the maximum: new credentials are asked for."""


@dataclass(slots=True)
class Lease:
    """One set of credentials. Its `repr` shows none of them.

    Args:
        path: For example `database/creds/app`.
        lease_id: What renewals name.
        data: User name, password and what else came.
        full_s: Seconds it was first given.
        renewable: Whether it may be prolonged.
        generation: Login that it was made with.
        made_at: Monotonic seconds at which it was made.
        renew_at: When it is due, by the monotonic clock.
        ends_at: When it ends, by the monotonic clock.
    """

    path: str
    lease_id: str
    data: Mapping[str, Any]
    full_s: float
    renewable: bool
    generation: int
    made_at: float
    renew_at: float
    ends_at: float

    def __repr__(self) -> str:
        return f"Lease({self.path!r}, ***)"


class Leases:
    """The leases of one login. All keys of one path come from the same lease, so that user and password fit.

    Args:
        session: Whose token owns them.
        clock: For their lives.
    """

    def __init__(self, session: VaultSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Lease] = {}

    def get(self, path: str) -> Lease:
        """The credentials of a path: those that we have, renewed when due, or new ones.

        Raises:
            SecretError: As `VaultSession.call`; a renewal that fails while the lease still lives is tried again later.
        """
        with self._lock:
            self._session.keep()
            lease, now = self._known.get(path), self._clock.monotonic()
            if lease is None or now >= lease.ends_at or lease.generation != self._session.generation:
                return self._new(path)
            if now < lease.renew_at:
                return lease
            return self._renewed(lease) or self._new(path)

    def close(self) -> None:
        """Give every lease back, so that its credentials end now; one that cannot be given back ends by itself."""
        with self._lock:
            for lease in self._known.values():
                with contextlib.suppress(SecretError):
                    self._give_back(lease.lease_id)
            self._known.clear()

    def _give_back(self, lease_id: str) -> None:
        self._session.call("sys/leases/revoke", lambda client: client.sys.revoke_lease(lease_id))

    def _renewed(self, lease: Lease) -> Lease | None:
        """The lease with a longer life; None when it has met its maximum."""
        if not lease.renewable:
            return None
        try:
            answer = self._session.call(
                "sys/leases/renew", lambda client: client.sys.renew_lease(lease.lease_id, increment=int(lease.full_s))
            )
        except SecretError as error:
            if error.code != "secret_source_unavailable":
                return None  # gone, or not ours any more
            lease.renew_at = self._session.due((lease.ends_at - self._clock.monotonic()) / 2)
            return lease
        life_s = float(answer["lease_duration"])
        if life_s < lease.full_s * ENOUGH:
            return None
        self._live(lease, life_s)
        return lease

    def _new(self, path: str) -> Lease:
        answer = self._session.call(path, lambda client: client.read(path))
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict) or not answer.get("lease_id"):
            raise SecretError(
                f"Vault makes no credentials at {path}.", "It answered without a lease.",
                "Name a path that does, such as database/creds/ROLE, or a KV v2 path.", code="secret_missing",
            )  # fmt: skip
        life_s, now = float(answer["lease_duration"]), self._clock.monotonic()
        lease = Lease(
            path, answer["lease_id"], answer["data"], life_s, bool(answer["renewable"]), self._session.generation,
            now, 0.0, 0.0,
        )  # fmt: skip
        self._live(lease, life_s)
        self._known[path] = lease
        return lease

    def _live(self, lease: Lease, life_s: float) -> None:
        lease.renew_at = self._session.due(life_s)
        lease.ends_at = self._clock.monotonic() + life_s
