"""Rotation of a provider's key while a whole gateway serves: nobody notices, and the old key ends."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from doubles.fault import Fault
from doubles.server import Answer, Received
from rig.gateway import Gateway, await_true
from rig.inside import inside
from rig.load import Caller, Echo, on_each_worker
from rig.openbao import ROOT, OpenBao
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal

OLD, NEW = "sk-old-" + "canary-1f0a5c7e", "sk-new-" + "canary-9d3b2a64"
RATE, THREADS = 200, 10
GRACE_S = 4.0


class TwoKeys(Echo):
    """A paid API that takes several keys, and counts who came with which."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = {OLD}
        self.seen: list[tuple[float, str, int]] = []

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.api_key = given if given in self.accepted else "none"
        answer = super().answer(request, fault)
        self.seen.append((time.monotonic(), given, answer.status))
        return answer


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
        server.put("openai", key=OLD)
        yield server


def config(api: Any, **secrets: float) -> str:
    lines = "".join(f"  {name}: {value}\n" for name, value in {"grace_s": GRACE_S, **secrets}.items())
    return (
        "version: 1\ngateway:\n  providers:\n"
        f'    paid: {{kind: openai, base_url: "{api.base_url}", api_key: "vault:secret/openai#key"}}\n'
        f"  routes:\n    chat: {{chain: [paid/gpt-4.1-mini]}}\nsecrets:\n{lines}"
    )


def paced(caller: Caller, over: threading.Event, number: int) -> None:
    """Its share of the rate, by the clock: a slow answer does not lower it."""
    begin, count = time.monotonic() + number / RATE, 0
    while not over.is_set():
        wait = begin + count * THREADS / RATE - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        caller.ask(f"question {number}.{count}")
        count += 1


def payloads(gateway: Gateway, kind: str) -> list[Any]:
    """Payloads of the journal's entries of a kind, in order."""
    journal = SqliteJournal(gateway.state / "state.db", TextMasker())
    try:
        return [json.loads(stored.payload) for stored in journal.read(kind, 0, 1000)]
    finally:
        journal.close()


@pytest.mark.slow
def test_no_request_fails_while_a_key_is_rotated_and_the_old_one_ends(
    tmp_path: Path, bao: OpenBao, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"VAULT_ADDR": bao.address, "VAULT_TOKEN": ROOT, "APP_ENV": "production"}
    environ["ROADWORTHY_GATEWAY__REQUIRE_KEY"] = "false"
    with TwoKeys() as api, Gateway(tmp_path / "g", config(api), environ=environ) as gateway:
        over, cli = threading.Event(), inside(gateway, monkeypatch, capsys)
        callers = [
            Caller(gateway, "chat", {}, connection, worker)
            for connection, worker in on_each_worker(gateway, THREADS // 2)
        ]
        threads = [
            threading.Thread(target=paced, args=(caller, over, number), daemon=True)
            for number, caller in enumerate(callers)
        ]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            time.sleep(1.5)
            api.accepted = {OLD, NEW}  # the provider made a second key
            done = cli("guard", "secret", "rotate", "paid", "--try", "--json", text=NEW + "\n")
            rotated = time.monotonic()
            assert done.code == 0, done
            assert done.data["taken"] is True, done
            await_true(lambda: time.monotonic() > rotated + GRACE_S)
            api.accepted = {NEW}  # the provider ended the old one
            ended = time.monotonic()
            retired = cli("guard", "secret", "retire", "paid", "--json")
            assert retired.data["retired"] is True, retired
            time.sleep(1.5)
        finally:
            over.set()
            for thread in threads:
                thread.join(20)
            for caller in callers:
                caller.connection.close()
        took = time.monotonic() - began
        requests = [request for caller in callers for request in caller.requests]
        bad = [request for request in requests if request.status != 200 or not request.right]
        keys = Counter(key for _, key, _ in api.seen)
        refused = [entry for entry in api.seen if entry[2] != 200]
        late = [at - rotated for at, key, _ in api.seen if key == OLD and at > rotated]
        figures = (
            f"rotation under load: {len(requests)} requests in {took:.1f} s ({len(requests) / took:.0f}/s), "
            f"{len(bad)} failed; {keys[OLD]} with the old key, {keys[NEW]} with the new one, {len(late)} with the old "
            f"one after the command said it was taken over; refused by the provider: {len(refused)}"
        )
        with capsys.disabled():
            print(f"\n{figures}")
        assert not bad, bad[:3]
        assert len(requests) / took > RATE * 0.8
        assert keys[OLD] > 100
        assert keys[NEW] > 100
        assert not late, late[:5]
        assert not refused
        direct = httpx2.post(
            f"{api.base_url}/chat/completions", headers={"authorization": f"Bearer {OLD}"},
            json={"model": "m", "messages": [{"role": "user", "content": "x"}]}, trust_env=False,
        )  # fmt: skip
        assert direct.status_code == 401  # the old key is refused after its grace time
        assert time.monotonic() > ended
        with pytest.raises(OSError, match="404"):
            bao.read("openai", version=1)  # and gone from the store, too
        assert {told["version"] for told in payloads(gateway, "secret.resolved")} == {"1", "2"}
        assert payloads(gateway, "secret.applied") == [{"reference": "paid", "generation": 1}]
        assert 'secret_source{name="vault:secret/openai#key",source="vault"' in gateway.get("/metrics").text


@pytest.mark.slow
def test_a_worker_that_dies_comes_back_with_the_key_in_force(tmp_path: Path, bao: OpenBao) -> None:
    import os
    import signal

    environ = {"VAULT_ADDR": bao.address, "VAULT_TOKEN": ROOT}
    with TwoKeys() as api, Gateway(tmp_path / "g", config(api), environ=environ, workers=1) as gateway:
        api.accepted = {NEW}
        bao.put("openai", key=NEW)  # by somebody else: nobody told the gateway
        gateway.state.joinpath("run", "secrets.poke").write_text("now")
        await_true(lambda: gateway.events("provider.rekeyed"))
        os.kill(gateway.pids["edge-0"], signal.SIGKILL)
        await_true(lambda: len(gateway.events("edge.started")) == 2)
        assert gateway.ask().status_code == 200
        for pid in gateway.pids.values():  # no child has a login of the store, or the key, where others can look
            for place in ("environ", "cmdline"):
                seen = Path(f"/proc/{pid}/{place}").read_bytes()
                assert ROOT.encode() not in seen
                assert NEW.encode() not in seen


@pytest.mark.slow
def test_a_sealed_store_serves_the_last_good_key_then_fails_closed(
    tmp_path: Path, bao: OpenBao, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"VAULT_ADDR": bao.address, "VAULT_TOKEN": ROOT, "APP_ENV": "production"}
    environ["ROADWORTHY_GATEWAY__REQUIRE_KEY"] = "false"
    with TwoKeys() as api:
        text = config(api, refresh_s=1, max_stale_s=4)
        with Gateway(tmp_path / "g", text, environ=environ, workers=1) as gateway:
            assert gateway.ask().status_code == 200
            bao.seal()
            await_true(
                lambda: 'secret_stale{name="vault:secret/openai#key",worker="0"} 1' in gateway.get("/metrics").text
            )
            assert gateway.ask().status_code == 200  # the last good one
            await_true(lambda: gateway.events("provider.key_withdrawn"))
            asked = len(api.seen)
            answer = gateway.ask()
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "llm_unavailable")
            assert len(api.seen) == asked  # nothing was sent
            shown = inside(gateway, monkeypatch, capsys)("guard", "secret", "list", "--json")
            assert [one["state"] for one in shown.data["secrets"]] == ["expired"]
            bao.unseal()
            await_true(lambda: gateway.ask().status_code == 200, gateway.err)
        assert OLD not in gateway.err + gateway.out
