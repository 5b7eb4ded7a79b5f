"""Credentials on demand: OpenBao makes real users in a real PostgreSQL, we keep them alive, and they end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from rig.openbao import ROOT, OpenBao
from rig.stores import PASSWORD, Postgres
from roadworthy.core.clock import SystemClock
from roadworthy.core.errors import SecretError
from roadworthy.core.secret import Provenance, Secret
from roadworthy.guard.secrets.vault import VaultSource
from roadworthy.guard.secrets.vault_session import VaultLogin, VaultSession

ROLE = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
GONE = 'DROP ROLE IF EXISTS "{{name}}"'


@pytest.fixture(scope="module")
def database(bao: OpenBao, postgres: Postgres) -> Iterator[str]:
    """Name of the database engine; its role `app` makes users for 2 s, 6 s at most."""
    parts = urlsplit(postgres.dsn)
    name, address = f"db{parts.port}", f"127.0.0.1:{parts.port}/postgres?sslmode=disable"
    bao.api("POST", f"sys/mounts/{name}", {"type": "database"})
    bao.api("POST", f"{name}/config/main", {
        "plugin_name": "postgresql-database-plugin", "allowed_roles": "app",
        "connection_url": "postgresql://{{username}}:{{password}}@" + address,
        "username": "gateway", "password": PASSWORD,
    })  # fmt: skip
    bao.api("POST", f"{name}/roles/app", {
        "db_name": "main", "creation_statements": [ROLE], "revocation_statements": [GONE], "default_ttl": "2s",
        "max_ttl": "6s",
    })  # fmt: skip
    yield name
    bao.api("DELETE", f"sys/mounts/{name}")


def connects(postgres: Postgres, user: str, password: str) -> bool:
    import psycopg

    port = urlsplit(postgres.dsn).port
    try:
        psycopg.connect(
            host="127.0.0.1", port=port, user=user, password=password, dbname="postgres", connect_timeout=5
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def source_of(bao: OpenBao) -> VaultSource:
    login = VaultLogin(bao.address, token=Secret(ROOT, Provenance("env")))
    return VaultSource(VaultSession(login, SystemClock(), lambda: 0.5), SystemClock(), "secret")


def pair(source: VaultSource, database: str) -> tuple[str, str]:
    user, password = (source.fetch(f"{database}/creds/app#{key}") for key in ("username", "password"))
    assert user is not None
    assert password is not None
    assert user.origin.version == password.origin.version  # of one lease
    return user.reveal(), password.reveal()


@pytest.mark.slow
def test_a_lease_is_renewed_replaced_at_its_maximum_and_its_user_gone(
    bao: OpenBao, postgres: Postgres, database: str
) -> None:
    source = source_of(bao)
    user, password = pair(source, database)
    assert connects(postgres, user, password)
    began, renewed_for, seen = time.monotonic(), 0.0, {user}
    while time.monotonic() - began < 7:
        fresh, its_password = pair(source, database)
        if fresh == user:
            renewed_for = time.monotonic() - began
        elif fresh not in seen:
            assert connects(postgres, fresh, its_password)
        seen.add(fresh)
        time.sleep(0.25)
    assert renewed_for > 2.5  # longer than its first life of 2 s
    assert len(seen) == 2  # replaced once, before its end at 6 s
    assert not connects(postgres, user, password)
    last, its_password = pair(source, database)
    source.close()
    assert not connects(postgres, last, its_password)  # given back: ended at once


def test_keys_that_credentials_do_not_have(bao: OpenBao, postgres: Postgres, database: str) -> None:
    with pytest.raises(SecretError, match="username"):
        source_of(bao).fetch(f"{database}/creds/app#token")
    with pytest.raises(SecretError) as caught:
        source_of(bao).fetch(f"{database}/creds/nobody#password")
    assert caught.value.code in ("secret_missing", "secret_source_refused")
