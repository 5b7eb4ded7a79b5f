"""Render's blueprint: its commands are ours, its configuration is good, and its start serves who has a key."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx2
import pytest
import yaml

from rig.gateway import await_true, free_ports
from rig.postgres import fresh_database, postgres_server
from roadworthy.cli.main import cli
from roadworthy.runtime.config.load import load

ROOT = Path(__file__).resolve().parents[2]
BLUEPRINT: dict[str, Any] = yaml.safe_load((ROOT / "render.yaml").read_text())
(SERVICE,) = BLUEPRINT["services"]
CONFIG = ROOT / "deploy/render/roadworthy.yaml"
# As the blueprint reference lists them for a web service on a native runtime.
FIELDS = {
    "type", "name", "runtime", "plan", "region", "branch", "buildCommand", "startCommand", "preDeployCommand",
    "healthCheckPath", "maxShutdownDelaySeconds", "autoDeployTrigger", "numInstances", "scaling", "disk", "envVars",
    "domains",
}  # fmt: skip


def environment(database: str = "postgresql://someone:secret-of-theirs@db/records") -> dict[str, str]:
    """What Render sets, with values for what it asks people."""
    asked = {"OPENAI_API_KEY": "sk-made-up-for-the-tests-0000", "DATABASE_URL": database}
    named = {each["key"]: str(each.get("value", asked.get(each["key"]))) for each in SERVICE["envVars"]}
    assert "None" not in named.values(), named
    return named


def test_it_uses_fields_of_the_reference_only() -> None:
    assert set(BLUEPRINT) == {"services", "databases"}
    assert set(SERVICE) <= FIELDS
    assert set(SERVICE["disk"]) == {"name", "mountPath", "sizeGB"}
    databases = {each["name"] for each in BLUEPRINT["databases"]}
    assert {each["fromDatabase"]["name"] for each in SERVICE["envVars"] if "fromDatabase" in each} == databases


def test_it_holds_no_secret() -> None:
    for each in SERVICE["envVars"]:
        assert ("KEY" in each["key"] or "URL" in each["key"]) != ("value" in each), each


def test_it_builds_as_the_readme_does() -> None:
    readme = (ROOT / "README.md").read_text()
    block = readme.split("<!-- main job -->")[1].split("```")[1]
    installs = re.findall(r"pip (install [^&]*?)\s*(?:\\\n\s*)?(?:&&|$)", block.replace("\\\n", " "))
    ours = re.findall(r"pip (install [^&]*?)\s*(?:&&|$)", SERVICE["buildCommand"])
    assert [each.replace("-q ", "").split() for each in installs] == [each.split() for each in ours]


def test_its_start_command_is_one_of_ours() -> None:
    program, noun, *options = shlex.split(SERVICE["startCommand"].replace("$PORT", "10000"))
    assert program == "roadworthy"
    with click.Context(cli) as context:
        up = cli.get_command(context, noun)
        assert up is not None
        told = up.make_context(noun, list(options)).params
    assert (told["host"], told["port"], told["no_control"]) == ("0.0.0.0", 10_000, True)
    assert ROOT / options[options.index("--config") + 1] == CONFIG


def test_its_configuration_is_good_and_uses_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    loaded = load(CONFIG)
    assert not loaded.warnings
    assert loaded.config.gateway.require_key
    assert loaded.config.gateway.state_dir.startswith(SERVICE["disk"]["mountPath"])
    assert SERVICE["maxShutdownDelaySeconds"] > loaded.config.gateway.limits.drain_timeout_s
    used = set(re.findall(r"env:(\w+)", CONFIG.read_text()))
    assert used | {"APP_ENV", "PYTHON_VERSION"} == set(environment())


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The service as Render starts it, on a real PostgreSQL; its address and environment."""
    port = free_ports(1)[0]
    with postgres_server() as server, fresh_database(server) as database:
        bin_folder = str(Path(sys.executable).parent)
        environ = {
            **os.environ, **environment(database), "PORT": str(port), "ROADWORTHY_GATEWAY__STATE_DIR": str(tmp_path),
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
        }  # fmt: skip
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {SERVICE['startCommand']}"], cwd=ROOT, env=environ, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}", environ
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        assert "rw_" not in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_it_starts_is_healthy_and_serves_who_has_a_key(started: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, environ = started

    def healthy() -> bool:
        try:
            return httpx2.get(url + SERVICE["healthCheckPath"], trust_env=False, verify=False).status_code == 200
        except httpx2.TransportError:
            return False

    await_true(healthy, (tmp_path / "log").read_text())
    body = {"model": "embedded/smollm2-135m-instruct", "messages": [{"role": "user", "content": "Hello"}]}
    assert httpx2.post(f"{url}/v1/chat/completions", json=body, trust_env=False, verify=False).status_code == 401
    made = subprocess.run(
        ["roadworthy", "key", "create", "app", "--scope", "use", "--config", str(CONFIG), "-q"],
        env=environ, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    (secret,) = re.findall(r"rw_\S+", made.stdout)

    def served() -> bool:
        headers = {"authorization": f"Bearer {secret}"}
        told = httpx2.post(
            f"{url}/v1/chat/completions", json=body, headers=headers, timeout=60, trust_env=False, verify=False
        )
        return told.status_code == 200

    await_true(served, (tmp_path / "log").read_text())
