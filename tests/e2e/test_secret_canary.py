"""Planted values in every source and every login, every kind of trouble: none of them is seen anywhere afterwards."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.gateway import Gateway, Outcome, await_true
from rig.inside import inside
from rig.load import Echo
from rig.moto import Moto
from rig.openbao import OpenBao

CANARIES = {
    "vault": "canary-vault-" + "5c1d2e3f4a5b",
    "next": "canary-next-" + "8e7d6c5b4a39",
    "aws": "canary-aws-" + "0f1e2d3c4b5a",
    "env": "canary-env-" + "77aa66bb55cc",
    "file": "canary-file-" + "1234abcd5678",
    "exposed": "canary-exposed-" + "9a8b7c6d5e4f",
    "login": "canary-login-" + "wJalrXUtnFEMIK7MDENG",
}

CONFIG = """\
version: 1
gateway:
  providers:
    vault: {{kind: openai, base_url: "{url}", api_key: "vault:secret/openai#key"}}
    aws: {{kind: openai, base_url: "{url}", api_key: "aws:prod/openai#key"}}
    env: {{kind: openai, base_url: "{url}", api_key: "env:CANARY_KEY"}}
    file: {{kind: openai, base_url: "{url}", api_key: "file:{folder}/key", headers: {{x-team-token: "secret:team"}}}}
  routes:
    chat: {{chain: [vault/m, aws/m, env/m, file/m], deadline_s: 2}}
secrets: {{refresh_s: 1, folder: "{folder}"}}
"""


class Chatty(Echo):
    """Refuses every key and repeats it in its words, as real ones do."""

    def __init__(self) -> None:
        super().__init__(api_key="none of them")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short path: unix sockets lie below it."""
    with tempfile.TemporaryDirectory(prefix="rw-") as name:
        yield Path(name)


@pytest.fixture
def bao(tmp_path: Path) -> Iterator[OpenBao]:
    folder = tmp_path / "bao"
    folder.mkdir()
    with OpenBao(folder) as server:
        server.put("openai", key=CANARIES["vault"])
        yield server


def clean(*texts: str | bytes) -> None:
    for text in texts:
        raw = text.encode() if isinstance(text, str) else text
        assert not [name for name, value in CANARIES.items() if value.encode() in raw], raw[:500]


def said(outcome: Outcome) -> Outcome:
    clean(outcome.out, outcome.err)
    return outcome


@pytest.mark.slow
def test_no_planted_value_is_seen_anywhere(
    tmp_path: Path, bao: OpenBao, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in ("key", "team"):
        (folder / name).write_text(CANARIES["file"])
        (folder / name).chmod(0o600)
    bao.policy("reader", {"secret/data/openai": ["read", "update"], "secret/data/roadworthy/*": ["read"]})
    bao.policy("nothing", {"secret/data/other": ["read"]})
    token = bao.token("reader")
    role, secret_id = bao.approle("reader", ttl="60s")
    with Moto() as aws, Chatty() as api:
        aws.client().create_secret(Name="prod/openai", SecretString=json.dumps({"key": CANARIES["aws"]}))
        CANARIES.update(token=token, secret_id=secret_id)
        environ = {
            "VAULT_ADDR": bao.address, "VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret_id, "VAULT_TOKEN": token,
            "AWS_SECRETS_ENABLED": "true", "AWS_ENDPOINT_URL": aws.address, "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": CANARIES["login"],
            "CANARY_KEY": CANARIES["env"], "APP_ENV": "production", "ROADWORTHY_GATEWAY__REQUIRE_KEY": "false",
        }  # fmt: skip
        text = CONFIG.format(url=api.base_url, folder=folder)
        with Gateway(tmp_path / "g", text, environ=environ, workers=1) as gateway:
            cli = inside(gateway, monkeypatch, capsys)
            answer = gateway.ask()
            assert answer.status_code != 200
            clean(answer.text, repr(answer.headers))
            given = {request.headers["authorization"].removeprefix("Bearer ") for request in api.requests}
            assert given == {CANARIES[name] for name in ("vault", "aws", "env", "file")}  # the canaries are alive
            for words in (
                ["list"],
                ["check"],
                ["check", "--json"],
                ["show", "vault", "--verbose"],
                ["show", "secret:team"],
            ):
                assert said(cli("guard", "secret", *words)).code == 0, words
            assert said(cli("guard", "secret", "rotate", "vault", "--try", text=CANARIES["next"])).code == 1
            assert said(cli("guard", "secret", "rotate", "vault", "--json", text=CANARIES["next"])).code == 0
            assert said(cli("guard", "secret", "rotate", "env", text=CANARIES["next"])).code == 2
            assert said(cli("guard", "secret", "rotate", "aws", text=CANARIES["next"] + "\x00")).code == 3
            assert said(cli("guard", "secret", "show", CANARIES["vault"])).code == 2
            assert said(cli("guard", "secret", "rollback", "vault")).code == 0
            said(cli("doctor"))
            said(cli("config", "show"))
            # trouble: what is exposed, forbidden, sealed, gone
            exposed = folder / "exposed"
            exposed.write_text(CANARIES["exposed"])
            exposed.chmod(0o644)
            told = said(cli("guard", "secret", "show", f"file:{exposed}", "--json"))
            assert (told.code, told.error["code"]) == (3, "secret_file_exposed")
            away = {"VAULT_ROLE_ID": "", "VAULT_TOKEN": bao.token("nothing")}
            told = said(cli("guard", "secret", "show", "vault", "--json", **away))
            assert (told.code, told.error["code"]) == (3, "secret_source_refused")
            bao.seal()
            told = said(cli("guard", "secret", "show", "secret:team", "--json"))
            assert (told.code, told.error["code"]) == (4, "secret_source_unavailable")
            await_true(
                lambda: 'secret_stale{name="vault:secret/openai#key",worker="0"} 1' in gateway.get("/metrics").text
            )
            clean(gateway.ask().text, gateway.get("/metrics").text, gateway.get("/health/llm").text)
            said(cli("gateway", "status", "--json"))
            for pid in gateway.pids.values():
                for place in ("environ", "cmdline"):
                    clean(Path(f"/proc/{pid}/{place}").read_bytes())
            kinds = [
                entry["kind"] for entry in cli("gateway", "journal", "tail", "-n", "1000", "--json").data["entries"]
            ]
            assert {"secret.resolved", "secret.rotated", "secret.rolled_back", "secret.applied"} <= set(kinds)
        clean(gateway.out, gateway.err)
        for path in gateway.state.rglob("*"):
            if path.is_file():
                clean(path.read_bytes())
