"""The URL of a Valkey or Redis server, checked without its client."""

from __future__ import annotations

import importlib.util
from typing import Any
from urllib.parse import unquote, urlsplit

from roadworthy.core.errors import ConfigError, StorageError

SCHEMES = ("valkey", "valkeys", "redis", "rediss", "unix")
"""valkeys and rediss are encrypted."""


def check_url(url: str) -> None:
    """Make sure that a URL names a server and that its client is installed.

    Raises:
        ConfigError: `config_invalid`, `extra_missing`; never repeats the URL, which may hold a password.
    """
    if importlib.util.find_spec("valkey") is None:
        raise ConfigError(
            "State that replicas share needs a package that is not installed.",
            "valkey is missing.",
            "Run `pip install 'roadworthy[replicas]'`.",
            code="extra_missing",
            param="state.url",
        )
    if not _usable(url):
        raise ConfigError(
            "The URL of the shared state cannot be read.", "It names no Valkey or Redis server.",
            "Write it as valkeys://USER:PASSWORD@HOST:6379/0 (encrypted), valkey://… or unix:///PATH; percent-encode "
            "special characters.", param="state.url",
        )  # fmt: skip


def host_of(url: str) -> str:
    """Where the server is, for people: host and port or path, never user or password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname}:{parts.port or 6379}"


def look(url: str, timeout_s: float = 3.0) -> str:
    """Ask a server who it is: its name and version. Blocks.

    Raises:
        StorageError: `store_unavailable` when it does not answer or does not let us in; repeats no password.
    """
    from valkey import Valkey, ValkeyError

    client: Any = Valkey.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
    try:
        told = client.info("server")
    except (ValkeyError, OSError) as error:
        raise away(url, error) from None
    finally:
        client.close()
    name = "Valkey" if "valkey_version" in told else "Redis"
    return f"{name} {told.get('valkey_version') or told.get('redis_version') or 'of unknown version'}"


def away(url: str, error: Exception) -> StorageError:
    """The error for a server that does not answer."""
    return StorageError(
        f"The shared state at {host_of(url)} cannot be reached.",
        f"{why_away(url, error)}.",
        "Check that it runs, and state.url; until then each replica goes on by itself.",
    )


def why_away(url: str, error: Exception) -> str:
    """What a client's error says, in one line and without the password."""
    text = " ".join(str(error).split()) or type(error).__name__
    parts = urlsplit(url)
    for secret in (url, unquote(parts.password or ""), parts.password or ""):
        if secret:
            text = text.replace(secret, "[SECRET]")
    return text[:300].rstrip(".")


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme not in SCHEMES:
        return False
    if parts.scheme == "unix":
        return bool(parts.path)
    return bool(parts.hostname) and (parts.path in ("", "/") or parts.path[1:].isdecimal())
