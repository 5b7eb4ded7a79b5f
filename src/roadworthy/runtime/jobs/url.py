"""The URL of the database of durable jobs, checked without its libraries."""

from __future__ import annotations

from urllib.parse import urlsplit

from roadworthy.core.errors import ConfigError

SCHEMES = frozenset({"postgresql", "postgres"})


def check_store_url(url: str) -> None:
    """Make sure that a URL names a PostgreSQL database.

    Raises:
        ConfigError: `config_invalid`; never repeats the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise no_store_url() from None
    if parts.scheme.partition("+")[0] not in SCHEMES or not parts.path.strip("/"):
        raise no_store_url()


def no_store_url() -> ConfigError:
    """The error for what is none."""
    return ConfigError(
        "The store of durable jobs is not usable.",
        "What jobs.store refers to is no URL of a PostgreSQL database.",
        "It must look like postgresql://USER:PASSWORD@HOST:5432/DATABASE.",
        param="jobs.store",
    )
