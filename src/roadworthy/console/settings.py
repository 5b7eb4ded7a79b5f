"""What the console process is told."""

from __future__ import annotations

import msgspec

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the console needs to know; no secret among it.

    Attributes:
        host: Address to listen on.
        port: TCP port.
        gateway_url: Root of the public API.
        admin_url: Root of the admin API.
        names: Values of the Host line that are served besides this machine's own.
        profile: Name of the profile in force.
        route: Route that checks ask; None when every route is a pattern.
        verify_dir: Absolute path of the folder of verdicts.
    """

    host: str
    port: int
    gateway_url: str
    admin_url: str
    names: tuple[str, ...] = ()
    profile: str = "development"
    route: str | None = None
    verify_dir: str = ".roadworthy/verify"


def served_hosts(settings: ConsoleSettings) -> tuple[str, ...]:
    """Values of the Host line that are served; anything else is somebody's name that was pointed here."""
    own = settings.host if ":" not in settings.host else f"[{settings.host}]"
    names = dict.fromkeys((*_LOOPBACK, own))
    return (*(f"{name}:{settings.port}" for name in names), *settings.names)


def cookie_name(port: int) -> str:
    """Name of the session's cookie: cookies know no port, so two consoles of one host need two names."""
    return f"roadworthy-console-{port}"
