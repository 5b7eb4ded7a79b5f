"""Header lines that every request to a provider carries."""

from __future__ import annotations

import re

from roadworthy import __version__
from roadworthy.core.errors import ConfigError
from roadworthy.gateway.settings import ProviderSettings

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x7e\t]*")
# Set by whoever frames the request; a second one would be two truths in one message.
_FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding"})


def request_headers(
    settings: ProviderSettings, key_header: str, prefix: str, *, required: bool, fixed: tuple[tuple[str, str], ...] = ()
) -> tuple[tuple[str, str], ...]:
    """The header lines of a provider, names in lower case; those of the settings win over ours.

    Args:
        settings: Where key and extra headers come from.
        key_header: Header that carries the key.
        prefix: What stands before the key, for example `Bearer `.
        required: Whether the API refuses requests without a key.
        fixed: Lines that the API demands besides.

    Raises:
        ConfigError: `secret_missing` without a needed key, `config_invalid` for a line that HTTP does not allow
            (RFC 9110 §5) or that is not the configuration's to set.
    """
    lines = {"user-agent": f"roadworthy/{__version__}", **dict(fixed)}
    where = f"gateway.providers.{settings.name}"
    if settings.api_key:
        lines[key_header] = prefix + settings.api_key
    for name, value in settings.headers.items():
        lines[name.lower()] = value
    if required and key_header not in lines:
        raise ConfigError(
            f"The provider {settings.name} has no key.",
            f"APIs of kind {settings.kind} refuse requests without one.",
            "Set api_key to a reference such as env:NAME.",
            code="secret_missing",
            param=f"{where}.api_key",
        )
    for name, value in lines.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            at_fault = "api_key" if name == key_header else "headers"
            raise ConfigError(
                f"The provider {settings.name} has a header that HTTP does not allow.",
                "It has a character outside printable ASCII, often a line break at the end of a key.",
                "Correct the value where it is kept.",
                param=f"{where}.{at_fault}",
            )
        if name in _FRAMING:
            raise ConfigError(
                f"The provider {settings.name} sets the header {name}.",
                "It is set for every request by the gateway.",
                "Leave it out.",
                param=f"{where}.headers",
            )
    return tuple(lines.items())
