"""Tickets and sessions of the console, on real files and in virtual time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadworthy.core.clock import ManualClock
from roadworthy.core.errors import AuthError
from roadworthy.gateway.console_session import SESSION_S, TICKET_S, SessionStore
from roadworthy.gateway.key_session import OWNER
from roadworthy.gateway.keys import KeyStore, digest


class Desk:
    """A key store and the sessions on it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "state.db"
        self.clock = ManualClock(1_000_000.0)
        self.keys = KeyStore(self.path, clock=self.clock)
        self.sessions = SessionStore(self.path, self.keys, clock=self.clock)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.sessions.close()
    made.keys.close()


def test_a_ticket_is_good_once(desk: Desk) -> None:
    ticket = desk.sessions.new_ticket()
    key, secret = desk.sessions.sign_in_by_ticket(ticket, "here")
    assert desk.keys.find(digest(secret)) == key
    assert key.expires_at == desk.clock.wall() + SESSION_S
    with pytest.raises(AuthError, match="link is not valid"):
        desk.sessions.sign_in_by_ticket(ticket, "here")


@pytest.mark.parametrize(("age_s", "good"), [(0.0, True), (TICKET_S - 1, True), (TICKET_S, False), (1e6, False)])
def test_a_ticket_has_its_time(desk: Desk, age_s: float, good: bool) -> None:
    ticket = desk.sessions.new_ticket()
    desk.clock.advance(age_s)
    if good:
        desk.sessions.sign_in_by_ticket(ticket, "")
        return
    with pytest.raises(AuthError):
        desk.sessions.sign_in_by_ticket(ticket, "")


def test_of_many_who_try_one_ticket_at_once_one_gets_in(desk: Desk) -> None:
    for _ in range(5):
        ticket, inside, start = desk.sessions.new_ticket(), [], threading.Barrier(8)
        others = [SessionStore(desk.path, desk.keys, clock=desk.clock) for _ in range(8)]

        def attempt(
            store: SessionStore, ticket: str = ticket, inside: list[str] = inside, start: threading.Barrier = start
        ) -> None:
            start.wait()
            try:
                inside.append(store.sign_in_by_ticket(ticket, "")[1])
            except AuthError:
                return

        threads = [threading.Thread(target=attempt, args=(store,)) for store in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in others:
            store.close()
        assert len(inside) == 1


@pytest.mark.parametrize("ticket", ["", "rwt_", "rwt_" + "x" * 43, "\udcff", "' OR 1=1 --"])
def test_what_is_no_ticket_opens_nothing(desk: Desk, ticket: str) -> None:
    desk.sessions.new_ticket()
    with pytest.raises(AuthError):
        desk.sessions.sign_in_by_ticket(ticket, "")


def test_tickets_do_not_pile_up(desk: Desk) -> None:
    first = desk.sessions.new_ticket()
    for _ in range(100):
        desk.clock.advance(0.5)
        last = desk.sessions.new_ticket()
    with pytest.raises(AuthError):
        desk.sessions.sign_in_by_ticket(first, "")
    desk.sessions.sign_in_by_ticket(last, "")


def test_only_hashes_are_stored(desk: Desk) -> None:
    ticket = desk.sessions.new_ticket()
    secret = desk.sessions.sign_in_by_ticket(desk.sessions.new_ticket(), "")[1]
    content = b"".join(path.read_bytes() for path in desk.path.parent.iterdir())
    assert digest(ticket).encode() in content
    for each in (ticket, secret):
        assert each.encode() not in content


@pytest.mark.parametrize(
    ("scopes", "life_s", "session_s"),
    [(["admin"], None, SESSION_S), (["admin", "use"], 3600.0, 3600.0), (["admin"], 10 * SESSION_S, SESSION_S)],
)
def test_a_session_may_what_its_key_may_and_no_longer(
    desk: Desk, scopes: list[str], life_s: float | None, session_s: float
) -> None:
    key, secret = desk.keys.create("owner", scopes, life_s)
    session, _ = desk.sessions.sign_in_by_key(secret, "")
    assert session.scopes == key.scopes
    assert session.expires_at == pytest.approx(desk.clock.wall() + session_s)


def test_a_session_signs_for_no_session(desk: Desk) -> None:
    secret = desk.sessions.sign_in_by_ticket(desk.sessions.new_ticket(), "")[1]
    with pytest.raises(AuthError) as refused:
        desk.sessions.sign_in_by_key(secret, "")
    assert refused.value.code == "forbidden"


def test_a_revoked_key_takes_its_own_sessions_along(desk: Desk) -> None:
    one, secret = desk.keys.create("one", ["admin"])
    _, other = desk.keys.create("other", ["admin"])
    mine = [desk.sessions.sign_in_by_key(secret, "")[1] for _ in range(3)]
    theirs = desk.sessions.sign_in_by_key(other, "")[1]
    assert desk.keys.changed() or desk.keys.active()
    desk.keys.revoke(one.id)
    assert desk.keys.changed()
    assert [desk.keys.find(digest(each)) for each in mine] == [None, None, None]
    assert desk.keys.find(digest(theirs)) is not None


def test_signing_out_leaves_real_keys_alone(desk: Desk) -> None:
    key, secret = desk.keys.create("owner", ["admin"])
    assert desk.sessions.sign_out(key.id) is False
    assert desk.keys.find(digest(secret)) is not None
    session, own = desk.sessions.sign_in_by_key(secret, "")
    assert desk.sessions.sign_out(session.id) is True
    assert desk.keys.find(digest(own)) is None


def test_old_sessions_leave_the_list_of_keys(desk: Desk) -> None:
    kept, _ = desk.keys.create("console-mine", ["use"], 60.0)
    old, _ = desk.sessions.sign_in_by_ticket(desk.sessions.new_ticket(), "")
    desk.clock.advance(8 * 86_400)
    new, _ = desk.sessions.sign_in_by_ticket(desk.sessions.new_ticket(), "")
    assert {key.id for key in desk.keys.list()} == {kept.id, new.id}
    assert not desk.sessions.is_session(old.id)


def test_what_a_session_makes_is_its_signers(desk: Desk) -> None:
    """Reports of yesterday's session are there today; the signer's budget holds for its sessions."""
    admin, secret = desk.keys.create("operator", ["admin"], limits={"usd_per_day": 5})
    sessions = [desk.sessions.sign_in_by_key(secret, "")[1] for _ in range(2)]
    tickets = [desk.sessions.sign_in_by_ticket(desk.sessions.new_ticket(), "")[1] for _ in range(2)]
    seen = {key.sha256: key for key in desk.keys.active()}
    for one in (secret, *sessions):
        assert seen[digest(one)].id == admin.id
        assert seen[digest(one)].limits == admin.limits
    assert {seen[digest(one)].id for one in tickets} == {OWNER}
    assert {key.id for key in desk.keys.active()} == {admin.id, OWNER}
