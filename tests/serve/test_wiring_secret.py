"""From environment and configuration to the chain: which sources in which order, how strict, what children inherit."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.secret import SecretRef, parse_reference
from roadworthy.serve.wiring import all_references
from roadworthy.serve.wiring_secret import Secrets, resolve, with_secrets, withheld

VALUE = "canary-wiring-" + "00112233"
STORES = {"VAULT_ADDR": "https://vault.example.com:8200", "AWS_SECRETS_ENABLED": "true"}


def config(profile: str = "development") -> Config:
    return load(None, environ={"APP_ENV": profile}).config


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, ["env", "file"]),
        ({"VAULT_ADDR": ""}, ["env", "file"]),
        ({"AWS_SECRETS_ENABLED": "false"}, ["env", "file"]),
        ({"VAULT_ADDR": "http://127.0.0.1:8200"}, ["vault", "env", "file"]),
        (STORES, ["vault", "aws", "env", "file"]),
    ],
)
def test_stores_are_switched_on_by_the_environment(environ: dict[str, str], names: list[str]) -> None:
    assert list(with_secrets(config(), environ).chain.sources) == names


@pytest.mark.parametrize(("profile", "served"), [("development", True), ("staging", False), ("production", False)])
def test_files_that_others_can_read(tmp_path: Path, profile: str, served: bool) -> None:
    (tmp_path / "k").write_text(VALUE)
    (tmp_path / "k").chmod(0o644)
    secrets, ref = with_secrets(config(profile), {}), SecretRef("file", str(tmp_path / "k"))
    if served:
        assert resolve(ref, secrets) == VALUE
        return
    with pytest.raises(ConfigError) as caught:
        resolve(ref, secrets)
    assert caught.value.code == "secret_file_exposed"


@pytest.mark.parametrize("value", ["a\nb", "é", "\x7f"])
def test_values_that_no_header_can_carry(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(SecretRef("env", "K"), with_secrets(config(), {"K": f"x{value}x"}))
    assert caught.value.code == "secret_missing"


def test_the_environment_stays_one_and_is_shown_as_stars() -> None:
    secrets = with_secrets(config(), {"K": VALUE})
    assert (secrets["K"], len(secrets), list(secrets)) == (VALUE, 1, ["K"])
    assert VALUE not in repr(secrets)
    assert with_secrets(config(), secrets) is secrets
    assert isinstance(secrets, Secrets)


def test_children_inherit_no_login_and_no_named_variable() -> None:
    names = ("VAULT_TOKEN", "VAULT_ADDR", "AWS_SECRET_ACCESS_KEY", "OPENAI", "OPEN_AI", "PATH")
    environ = dict.fromkeys(names, "x")
    references = [parse_reference("env:OPENAI"), parse_reference("secret:open-ai"), parse_reference("file:PATH")]
    assert withheld(environ, references) == {"VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI", "OPEN_AI"}


def test_references_of_stores_count_too(tmp_path: Path) -> None:
    (tmp_path / "roadworthy.yaml").write_text(
        "version: 1\njournal: {database: 'vault:secret/db#dsn'}\nstate: {url: 'aws:state'}\njobs: {store: 'env:JOBS'}\n"
    )
    found = load(tmp_path / "roadworthy.yaml", environ={}).config
    assert [ref.text for ref in all_references(found)] == ["vault:secret/db#dsn", "aws:state", "env:JOBS"]
