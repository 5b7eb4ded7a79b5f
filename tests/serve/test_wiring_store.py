"""The stores that replicas share, from the configuration: the production profile, faults, and no password anywhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.tree import Config
from roadworthy.serve.config_check import check
from roadworthy.serve.wiring import compile_edge
from roadworthy.serve.wiring_store import require_no_database, store_faults

FILE = """
version: 1
gateway:
  workers: 3
  providers: {openai: {kind: openai, api_key: "env:KEY"}}
  routes: {chat: {chain: [openai/gpt-4.1-mini]}}
profiles:
  production:
    gateway: {require_key: true}
    journal: {database: "env:DATABASE_URL"}
    state: {url: "env:STATE_URL", prefix: shop}
"""
CANARY = "canary-91ab"
GOOD = {
    "APP_ENV": "production", "KEY": "k" * 20, "DATABASE_URL": f"postgresql://u:{CANARY}@db:5432/x",
    "STATE_URL": f"valkeys://:{CANARY}@state:6379/0",
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "roadworthy.yaml"
    file.write_text(FILE)
    return file


def config(path: Path, environ: dict[str, str]) -> Config:
    return load(path, environ=environ).config


def test_the_production_profile_has_postgresql_valkey_and_several_workers(path: Path) -> None:
    edge = compile_edge(config(path, GOOD), GOOD)
    assert edge.ships_records
    assert edge.state is not None
    assert (edge.workers, edge.require_key, edge.state.prefix) == (3, True, "shop")
    assert CANARY not in repr(edge)
    assert compile_edge(config(path, GOOD), GOOD).state != edge.state  # every start is another replica
    assert msgspec.json.decode(msgspec.json.encode(edge), type=type(edge)) == edge


def test_development_needs_neither(path: Path) -> None:
    environ = {"KEY": "k" * 20}
    edge = compile_edge(config(path, environ), environ)
    assert (edge.ships_records, edge.state) == (False, None)


@pytest.mark.parametrize(
    ("change", "key", "code"),
    [
        ({"DATABASE_URL": ""}, "journal.database", "secret_missing"),
        ({"STATE_URL": ""}, "state.url", "secret_missing"),
        ({"DATABASE_URL": f"postgresql://u:p@{CANARY}@db/x"}, "journal.database", "config_invalid"),
        ({"DATABASE_URL": f"mysql://u:{CANARY}@db/x"}, "journal.database", "config_invalid"),
        ({"STATE_URL": f"http://:{CANARY}@state"}, "state.url", "config_invalid"),
    ],
)
def test_a_fault_names_its_key_and_never_the_value(path: Path, change: dict, key: str, code: str) -> None:
    environ = GOOD | change
    ((found, error),) = store_faults(config(path, environ), environ)
    assert (found, error.code) == (key, code)
    with pytest.raises(ConfigError) as caught:
        compile_edge(config(path, environ), environ)
    (warning,) = check(path, environ).warnings
    assert key in str(warning)
    for text in (str(caught.value), caught.value.why, caught.value.mend, str(warning)):
        assert CANARY not in text


def test_a_single_edge_refuses_to_leave_records_behind(path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot ship its records"):
        require_no_database(config(path, GOOD))
