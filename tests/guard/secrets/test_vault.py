"""Vault as a source, against a real OpenBao: what is read, and what every failure says."""

from __future__ import annotations

import http.server
import logging
import threading
import time
import traceback
from pathlib import Path

import pytest

from rig.gateway import free_ports
from rig.openbao import ROOT, OpenBao
from roadworthy.core.clock import ManualClock, SystemClock
from roadworthy.core.errors import SecretError
from roadworthy.core.secret import Provenance, Secret
from roadworthy.guard.secrets.vault import VaultSource
from roadworthy.guard.secrets.vault_session import VaultLogin, VaultSession

CANARY = "canary-77ab-of-the-vault"


def given(token: str) -> Secret:
    return Secret(token, Provenance("env"))


def source_of(bao: OpenBao, clock: ManualClock | SystemClock | None = None, **login: object) -> VaultSource:
    clock = clock or SystemClock()
    login = {"token": given(ROOT), **login} if not {"role_id", "token_file"} & set(login) else login
    session = VaultSession(VaultLogin(bao.address, **login), clock, lambda: 0.5)  # type: ignore[arg-type]
    return VaultSource(session, clock, "secret/roadworthy")


def refused(source: VaultSource, place: str = "secret/app#key") -> SecretError:
    """The error of a fetch, which must hold neither value nor token, not even in its traceback with locals."""
    with pytest.raises(SecretError) as caught:
        source.fetch(place)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(told.format()) + repr(caught.value.as_dict())
    assert CANARY not in text
    return caught.value


def test_a_secret_with_version_and_age(bao: OpenBao) -> None:
    bao.put("app1", key="one", other="x")
    bao.put("app1", key="two", other="x")
    found = source_of(bao).fetch("secret/app1#key")
    assert found is not None
    assert found.reveal() == "two"
    assert found.origin.source == "vault"
    assert found.origin.version == "2"
    assert found.origin.age_s is not None
    assert 0 <= found.origin.age_s < 30


@pytest.mark.parametrize("place", ["secret/nowhere#key", "secret/app2#nokey", "secret/gone#key"])
def test_what_is_not_there_is_an_answer_and_no_failure(bao: OpenBao, place: str) -> None:
    bao.put("app2", key="x")
    bao.put("gone", key="x")
    bao.api("DELETE", "secret/data/gone")
    assert source_of(bao).fetch(place) is None


def test_names_lie_below_the_root(bao: OpenBao) -> None:
    bao.put("roadworthy/openai", value="v")
    source = source_of(bao)
    found = source.fetch(source.place_of("openai"))
    assert found is not None
    assert found.reveal() == "v"


def test_the_old_engine_is_read_and_not_rotated(bao: OpenBao) -> None:
    bao.api("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    bao.api("POST", "old/app", {"key": "v"})
    source = source_of(bao)
    found = source.fetch("old/app#key")
    assert found is not None
    assert (found.reveal(), found.origin.version, found.origin.age_s) == ("v", None, None)
    with pytest.raises(SecretError, match="KV version 2"):
        source.stage("old/app#key", "w", None)


def test_a_value_that_is_no_text(bao: OpenBao) -> None:
    bao.api("POST", "secret/data/odd", {"data": {"key": 7, "empty": " "}})
    assert refused(source_of(bao), "secret/odd#key").code == "secret_missing"
    assert refused(source_of(bao), "secret/odd#empty").code == "secret_missing"


def test_a_policy_that_forbids(bao: OpenBao) -> None:
    bao.put("team/mine", key=CANARY)
    bao.put("other/theirs", key=CANARY)
    bao.policy("readmine", {"secret/data/team/*": ["read"]})
    source = source_of(bao, token=given(bao.token("readmine")))
    found = source.fetch("secret/team/mine#key")
    assert found is not None
    assert refused(source, "secret/other/theirs#key").code == "secret_source_refused"
    with pytest.raises(SecretError) as caught:  # read-only: rotation is refused, and nothing changed
        source.promote("secret/team/mine#key", "new", source.stage("secret/team/mine#key", "new", "1"))
    assert caught.value.code == "secret_source_refused"
    assert bao.read("team/mine")["key"] == CANARY


def test_a_token_that_expired(bao: OpenBao) -> None:
    bao.put("app3", key=CANARY)
    bao.policy("read3", {"secret/data/app3": ["read"]})
    token = bao.token("read3", ttl="1s", renewable=False)
    source = source_of(bao, token=given(token))
    assert source.fetch("secret/app3#key") is not None
    time.sleep(1.3)
    error = refused(source, "secret/app3#key")
    assert error.code == "secret_source_refused"
    assert "expired" in error.why
    assert token not in str(error.as_dict())


def test_no_login_at_all(bao: OpenBao) -> None:
    error = refused(source_of(bao, token=None))
    assert error.code == "secret_source_refused"
    assert "VAULT_TOKEN" in error.why


def test_sealed_in_the_middle(bao: OpenBao) -> None:
    bao.put("app4", key=CANARY)
    source = source_of(bao)
    assert source.fetch("secret/app4#key") is not None
    bao.seal()
    try:
        error = refused(source, "secret/app4#key")
        assert (error.code, error.why) == ("secret_source_unavailable", "It is sealed.")
        with pytest.raises(SecretError, match="sealed"):
            source.check()
    finally:
        bao.unseal()
    assert source.fetch("secret/app4#key") is not None


def test_nobody_there(bao: OpenBao) -> None:
    (port,) = free_ports(1)
    session = VaultSession(VaultLogin(f"http://127.0.0.1:{port}", token=given("t")), SystemClock())
    error = refused(VaultSource(session, SystemClock(), "secret"))
    assert error.code == "secret_source_unavailable"
    assert error.spec.retryable


def test_a_server_that_sends_us_elsewhere_does_not_get_our_token_there(bao: OpenBao) -> None:
    seen: list[str] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(307)
            self.send_header("location", f"{bao.address}{self.path}")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        login = VaultLogin(f"http://127.0.0.1:{server.server_port}", token=given(ROOT))
        error = refused(VaultSource(VaultSession(login, SystemClock()), SystemClock(), "secret"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert error.code == "secret_source_unavailable"
    assert seen == ["/v1/auth/token/lookup-self"]


def test_tls_with_the_right_and_the_wrong_authority(tmp_path: Path) -> None:
    with OpenBao(tmp_path, tls=True) as bao:
        bao.put("app", key="v")
        right = source_of(bao, ca_file=str(bao.ca_file))
        assert right.fetch("secret/app#key") is not None
        assert refused(source_of(bao)).code == "secret_source_untrusted"
        missing = refused(source_of(bao, ca_file=str(tmp_path / "none.pem")))
        assert (missing.code, "none.pem" in missing.why) == ("secret_source_untrusted", True)


def test_approle_renews_its_token_at_two_thirds(bao: OpenBao) -> None:
    bao.put("app5", key="v")
    bao.policy("read5", {"secret/data/app5": ["read"]})
    role, secret_id = bao.approle("read5", ttl="60s")
    clock = ManualClock()
    source = source_of(bao, clock, role_id=role, secret_id=given(secret_id))
    session = source._session
    source.fetch("secret/app5#key")
    first = session._client.token
    assert session.life_s() == 60
    clock.advance(39)
    source.keep()
    assert session.life_s() == 21  # not due yet
    clock.advance(2)
    source.keep()
    assert session.life_s() == 60
    assert session._client.token == first
    assert bao.api("POST", "auth/token/lookup", {"token": first})["data"]["last_renewal_time"]
    assert session.generation == 1


def test_at_its_maximum_it_logs_in_again(bao: OpenBao) -> None:
    bao.put("app6", key="v")
    bao.policy("read6", {"secret/data/app6": ["read"]})
    role, secret_id = bao.approle("read6", ttl="3s", max_ttl="3s")
    source = source_of(bao, role_id=role, secret_id=given(secret_id))
    source.fetch("secret/app6#key")
    first = source._session._client.token
    until = time.monotonic() + 15
    while source._session.generation < 2 and time.monotonic() < until:  # due at two thirds of its life, with jitter
        time.sleep(0.2)
        source.keep()
    assert source._session.generation >= 2
    assert source._session._client.token != first
    time.sleep(1.0)  # the first one is over by now
    assert source.fetch("secret/app6#key") is not None


def test_a_token_that_was_revoked_is_replaced_once(bao: OpenBao) -> None:
    bao.put("app7", key="v")
    bao.policy("read7", {"secret/data/app7": ["read"]})
    role, secret_id = bao.approle("read7", ttl="60s")
    source = source_of(bao, role_id=role, secret_id=given(secret_id))
    source.fetch("secret/app7#key")
    bao.api("POST", "auth/token/revoke", {"token": source._session._client.token})
    assert source.fetch("secret/app7#key") is not None
    assert source._session.generation == 2


def test_a_token_file_is_read_again_when_its_token_stops_working(bao: OpenBao, tmp_path: Path) -> None:
    bao.put("app8", key="v")
    bao.policy("read8", {"secret/data/app8": ["read"]})
    file = tmp_path / "token"
    file.write_text(bao.token("read8") + "\n")
    file.chmod(0o600)
    source = source_of(bao, token_file=str(file))
    source.fetch("secret/app8#key")
    old = file.read_text().strip()
    file.write_text(bao.token("read8"))
    bao.api("POST", "auth/token/revoke", {"token": old})
    assert source.fetch("secret/app8#key") is not None
    file.chmod(0o644)
    bao.api("POST", "auth/token/revoke", {"token": file.read_text()})
    assert refused(source, "secret/app8#key").code == "secret_file_exposed"


def test_a_secret_id_that_is_spent(bao: OpenBao) -> None:
    bao.policy("read9", {"secret/data/app9": ["read"]})
    role, _ = bao.approle("read9", ttl="60s")
    error = refused(source_of(bao, role_id=role, secret_id=given("00000000-0000-0000-0000-000000000000")))
    assert error.code == "secret_source_refused"
    assert "secret_id" in error.why


def test_ages_follow_the_servers_clock(bao: OpenBao) -> None:
    bao.put("app10", key="v")
    clock = ManualClock(time.time() + 7_200)  # ours is two hours ahead
    source = source_of(bao, clock)
    found = source.fetch("secret/app10#key")
    assert found is not None
    assert found.origin.age_s is not None
    assert found.origin.age_s < 60
    told = source.check()
    assert any(f"clock -{seconds} s" in told for seconds in range(7_195, 7_206)), told


def test_a_namespace(bao: OpenBao) -> None:
    bao.api("POST", "sys/namespaces/team", {})
    assert refused(source_of(bao, namespace="nobody")).code in ("secret_source_refused", "secret_missing")
    found = source_of(bao, namespace="team").check()
    assert "answers" in found


def test_its_clients_write_no_log(bao: OpenBao, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bao.put("app11", key=CANARY)
    assert source_of(bao).fetch("secret/app11#key") is not None
    assert CANARY not in caplog.text
    assert ROOT not in caplog.text
