"""The signed-in session as pages see it: clients with the session's own key, and what is true of all sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

from roadworthy.client.admin import AdminClient
from roadworthy.client.gateway import GatewayClient
from roadworthy.console.settings import ConsoleSettings

_told: list[ConsoleSettings] = []


def configure(settings: ConsoleSettings) -> None:
    """Tell this process what all its sessions share."""
    _told[:] = [settings]


def configured() -> ConsoleSettings:
    """What was told last.

    Raises:
        LookupError: Nothing was told: a bug.
    """
    if not _told:
        raise LookupError("the console was not configured")
    return _told[0]


@dataclass(frozen=True)
class Session:
    """What a page may use. Calls are made in the name of whoever signed in; the APIs authorise each again.

    Args:
        gateway: The public API.
        admin: The admin API.
        settings: What all sessions share.
        key: The session's own key, for clients that a page makes itself; never shown.
    """

    gateway: GatewayClient
    admin: AdminClient
    settings: ConsoleSettings
    key: str = field(default="", repr=False)

    def gateway_for(self, timeout_s: float, *, fresh: bool = False) -> GatewayClient:
        """Another client of the public API, for what takes longer or must not come out of a cache."""
        return GatewayClient(self.settings.gateway_url, self.key, timeout_s=timeout_s, fresh=fresh)

    def close(self) -> None:
        """Close the connections."""
        self.gateway.close()
        self.admin.close()


def open_session(key: str, settings: ConsoleSettings) -> Session:
    """A session for a key, as the door let it through."""
    gateway = GatewayClient(settings.gateway_url, key, timeout_s=10.0)
    return Session(gateway, AdminClient(settings.admin_url, key, timeout_s=10.0), settings, key)
