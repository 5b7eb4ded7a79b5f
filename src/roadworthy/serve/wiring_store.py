"""From the configuration to the stores that replicas share: connection strings resolved, faults told."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from roadworthy.core.errors import ConfigError
from roadworthy.gateway import settings
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.jobs.url import check_store_url
from roadworthy.runtime.journal_postgres import parameters
from roadworthy.runtime.valkey_url import check_url
from roadworthy.serve.wiring_secret import resolve


def database(config: Config, environ: Mapping[str, str]) -> str | None:
    """Connection string of the records' database, None when records stay here.

    Raises:
        ConfigError: `secret_missing`; `config_invalid` when what the reference names is no connection string;
            `extra_missing` without psycopg.
    """
    if config.journal.database is None:
        return None
    dsn = resolve(config.journal.database, environ)
    parameters(dsn)
    return dsn


def compile_state(config: Config, environ: Mapping[str, str]) -> settings.State | None:
    """The server that replicas share, None without one.

    Raises:
        ConfigError: `secret_missing`; `config_invalid` when what the reference names is no such URL; `extra_missing`
            without the client.
    """
    if config.state.url is None:
        return None
    url = resolve(config.state.url, environ)
    check_url(url)
    return settings.State(url, secrets.token_hex(8), config.state.prefix)


def job_store(config: Config, environ: Mapping[str, str]) -> str | None:
    """URL of the database of durable jobs, None when they are kept here or are off.

    Raises:
        ConfigError: `secret_missing`; `config_invalid` when what the reference names is no such URL.
    """
    jobs = config.jobs
    if not jobs.enabled or jobs.store == "sqlite":
        return None
    url = resolve(jobs.store, environ)
    check_store_url(url)
    return url


def check_stores(config: Config, environ: Mapping[str, str]) -> None:
    """Make sure that what leads to an edge's stores is there and can be read. Whether they answer is not looked at.

    The store of jobs is the worker's: `job_store` is asked when one is to start.

    Raises:
        ConfigError: The first fault.
    """
    for key, error in store_faults(config, environ):
        if key != "jobs.store":
            raise error


def store_faults(config: Config, environ: Mapping[str, str]) -> list[tuple[str, ConfigError]]:
    """Every fault of the stores' connection strings with its key in the configuration."""
    found: list[tuple[str, ConfigError]] = []
    for key, read in (
        ("journal.database", database), ("state.url", compile_state), ("jobs.store", job_store),
    ):  # fmt: skip
        try:
            read(config, environ)
        except ConfigError as error:
            found.append((key, error))
    return found


def require_no_database(config: Config) -> None:
    """Refuse to ship records where no supervisor starts the process that does it.

    Raises:
        ConfigError: `config_invalid`.
    """
    if config.journal.database is not None:
        raise ConfigError(
            "A single edge cannot ship its records to a database.",
            "The process that does it is started by `roadworthy up` only.",
            "Run `roadworthy up`, or take journal.database out of this edge's configuration.",
            param="journal.database",
        )
