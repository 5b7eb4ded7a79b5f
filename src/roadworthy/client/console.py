"""Sessions of the console, and what it shows of the configuration: the admin API's calls for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from roadworthy.client.record import KeyInfo, objects, pick, read_key
from roadworthy.client.transport import Api
from roadworthy.core.errors import GatewayError

_PATH = "/admin/console/session"


class SignedIn(NamedTuple):
    """A session that began. `secret` exists nowhere else."""

    key: KeyInfo
    secret: str


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """One model that routes can be served by.

    Args:
        provider: Its provider's name.
        model: Its name there; `*` for any.
        kind: Kind of the provider: embedded, compatible, openai, ...
        has_key: Whether a key is configured for it; None when the server does not say.
        routes: Names of the routes and modes whose chain it is in.
    """

    provider: str
    model: str
    kind: str
    has_key: bool | None
    routes: tuple[str, ...]


class ConsoleCalls:
    """Calls of the admin API for the console.

    Args:
        api: The connection; `sign_in` needs no key, the others need an admin key or that of a session.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def sign_in(self, *, key: str | None = None, ticket: str | None = None, peer: str = "") -> SignedIn:
        """Begin a session.

        Args:
            key: An admin key, or
            ticket: a one-time ticket.
            peer: Address of the browser, for the journal.

        Raises:
            RemoteError: `unauthorized`, `forbidden`, `rate_limited`.
            GatewayError: `gateway_unreachable`.
        """
        body = {name: value for name, value in (("key", key), ("ticket", ticket)) if value is not None}
        _, told = self._api.call("POST", _PATH, {**body, "peer": peer})
        secret = pick(told, "secret", str)
        if secret is None:
            raise GatewayError("What answers is not this version's admin API.", code="gateway_unreachable")
        return SignedIn(read_key(told.get("key")), secret)

    def who(self) -> KeyInfo:
        """The key that asks.

        Raises:
            RemoteError: `unauthorized` when it does not hold any more.
        """
        return read_key(self._api.call("GET", _PATH)[1].get("key"))

    def sign_out(self) -> None:
        """Revoke the session that asks."""
        self._api.call("DELETE", _PATH)

    def targets(self) -> tuple[TargetInfo, ...]:
        """What routes can be served by, as configured."""
        return tuple(map(_target, objects(self._api.call("GET", "/admin/targets")[1], "targets")))


def _target(source: Mapping[str, Any]) -> TargetInfo:
    return TargetInfo(
        pick(source, "provider", str) or "",
        pick(source, "model", str) or "",
        pick(source, "kind", str) or "",
        pick(source, "has_key", bool),
        tuple(one for one in pick(source, "routes", list) or () if isinstance(one, str)),
    )
