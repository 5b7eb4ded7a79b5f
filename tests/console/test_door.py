"""The door over real sockets: a real console process's door and uvicorn, a real control process's desk behind it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from rig import await_true
from roadworthy.client.admin import AdminClient
from roadworthy.client.record import KeyInfo
from roadworthy.client.transport import RemoteError
from roadworthy.console import door as door_module
from roadworthy.console.desk import Desk, Standing
from roadworthy.console.door import HEADERS, Door, page_of
from roadworthy.core.errors import GatewayError
from roadworthy.gateway.console_session import SessionStore
from roadworthy.gateway.keys import KeyStore
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.serve.control import ControlSettings, create_app

websocket = pytest.importorskip("websockets.sync.client")
problems = pytest.importorskip("websockets.exceptions")

COOKIE = "roadworthy-console-test"


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """What the door guards: says what it was asked, and echoes on its websocket."""
    if scope["type"] == "http":
        await PlainTextResponse(f"behind {scope['path']}")(scope, receive, send)
        return
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text") or ""})


class Served:
    """An ASGI application on a port of its own, in a thread; `make` gets the port."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            make(self.port), log_config=None, lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


class House:
    """A control API and a door before something, with a key store to look into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = SqliteJournal(folder / "state.db", TextMasker())
        self.keys = KeyStore(folder / "state.db", self.journal)
        self.sessions = SessionStore(folder / "state.db", self.keys, self.journal)
        self.admin, self.secret = self.keys.create("owner", ["admin"])
        self.control_url, self.url = "", ""
        self.control: Served | None = None

    def session(self) -> str:
        """A session as a ticket gives it."""
        return self.sessions.sign_in_by_ticket(self.sessions.new_ticket(), "test")[1]

    def who(self, secret: str) -> KeyInfo:
        """The key of a session, as the admin API tells it."""
        with self.client(secret) as admin:
            return admin.console.who()

    def kinds(self) -> list[str]:
        """Kinds of the journal's entries about sign-ins."""
        return [one.kind for one in self.journal.tail(100, "console.")]

    def open(self, cookie: str | None, origin: str | None = "", path: str = "/_stcore/stream") -> Any:
        lines = {} if cookie is None else {"cookie": f"{COOKIE}={cookie}"}
        address = self.url.replace("http", "ws") + path
        given = self.url if origin == "" else origin
        return websocket.connect(address, additional_headers=lines, origin=given, proxy=None, open_timeout=10)

    def client(self, key: str | None = None) -> AdminClient:
        return AdminClient(self.control_url, key, timeout_s=5.0)

    def ask(self, path: str, method: str = "GET", cookie: str | None = None, **lines: str) -> httpx2.Response:
        headers = {name.replace("_", "-"): value for name, value in lines.items()}
        if cookie is not None:
            headers["cookie"] = f"{COOKIE}={cookie}"
        with httpx2.Client(trust_env=False, verify=False) as http:
            return http.request(method, self.url + path, headers=headers)

    def post(self, path: str, text: str, cookie: str | None = None, origin: str | None = "") -> httpx2.Response:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if origin is not None:
            headers["origin"] = origin or self.url
        if cookie is not None:
            headers["cookie"] = f"{COOKIE}={cookie}"
        with httpx2.Client(trust_env=False, verify=False) as http:
            return http.post(self.url + path, content=text, headers=headers)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(door_module, "WATCH_S", 0.05)
    monkeypatch.setattr("roadworthy.console.desk.FRESH_S", 0.05)
    made = House(tmp_path)
    settings = ControlSettings("127.0.0.1", 0, str(tmp_path), 0)
    with contextlib.ExitStack() as stack:
        control = Served(lambda port: create_app(settings, made.keys, made.journal))
        stack.enter_context(control)
        made.control, made.control_url = control, control.url
        door = Served(lambda port: Door(behind, Desk(made.client), [f"127.0.0.1:{port}"], COOKIE, "<p>first page</p>"))
        made.url = stack.enter_context(door).url
        yield made


# -- who gets through


PAGE = {"accept": "text/html,*/*"}
PATHS = (
    "/",
    "/journal",
    "/_stcore/health",
    "/_stcore/host-config",
    "/static/js/index.js",
    "/media/x.png",
    "/favicon.png",
)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_served_without_a_session(house: House, path: str) -> None:
    page = house.ask(path, **PAGE)
    onward = "" if path == "/" else f"?next={path}"
    assert (page.status_code, page.headers["location"]) == (303, f"/sign-in{onward}")
    assert house.ask(path).status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_session_gets_through(house: House, path: str) -> None:
    found = house.ask(path, cookie=house.session())
    assert (found.status_code, found.text) == (200, f"behind {path}")


@pytest.mark.parametrize(
    "cookie", ["rw_" + "x" * 43, "", "nonsense", "rw_short", "rw_" + "x" * 500, '"', "rw_\u00e9"], ids=range(7)
)
def test_cookies_that_are_no_session_are_refused(house: House, cookie: str) -> None:
    lines = {"cookie": f"{COOKIE}={cookie}".encode("latin-1")}
    with httpx2.Client(trust_env=False, verify=False) as http:
        assert http.get(house.url + "/", headers=lines).status_code == 401


def test_an_admin_key_itself_in_the_cookie_is_worth_a_session(house: House) -> None:
    """Nobody would put it there; but what it may do it may do here, too, and no more."""
    assert house.ask("/", cookie=house.secret).status_code == 200
    _, use = house.keys.create("caller", ["use"])
    assert house.ask("/", cookie=use).status_code == 401


def test_an_expired_session_is_refused(house: House) -> None:
    secret = house.session()
    assert house.ask("/", cookie=secret).status_code == 200
    with contextlib.closing(sqlite3.connect(house.folder / "state.db")) as db, db:
        db.execute("UPDATE keys SET expires_at = 1 WHERE name LIKE 'console-%'")
    await_true(lambda: house.ask("/", cookie=secret).status_code == 401)


def test_a_revoked_session_is_refused(house: House) -> None:
    secret = house.session()
    assert house.ask("/", cookie=secret).status_code == 200
    house.sessions.sign_out(house.who(secret).id)
    await_true(lambda: house.ask("/", cookie=secret).status_code == 401)


def test_a_revoked_signer_takes_its_sessions_along(house: House) -> None:
    secret = house.sessions.sign_in_by_key(house.secret, "test")[1]
    assert house.ask("/", cookie=secret).status_code == 200
    other = house.session()
    house.keys.revoke("owner")
    await_true(lambda: house.ask("/", cookie=secret).status_code == 401)
    assert house.ask("/", cookie=other).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8082", "127.0.0.1", "127.0.0.1:1", "localhost.evil", ""]
)
def test_another_name_is_not_served_session_or_not(house: House, host: str) -> None:
    """DNS rebinding: a foreign name that points here brings no cookie, and would get no page if it did."""
    assert house.ask("/", cookie=house.session(), host=host).status_code == 421
    assert house.ask("/sign-in", host=host).status_code == 421


@pytest.mark.parametrize("path", ["/_stcore/agent/interact", "/_stcore/agent/mcp", "/_stcore/agent/openapi.json",
                                  "/_stcore/metrics", "/auth/login", "/oauth2callback", "//evil.example"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_nobody_may_use_is_closed_to_sessions_too(house: House, path: str, method: str) -> None:
    assert house.ask(path, method, cookie=house.session(), origin=house.url).status_code == 404


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_a_page_from_elsewhere_changes_nothing(house: House, origin: str | None) -> None:
    for path in ("/", "/_stcore/upload_file/a/b", "/sign-in", "/sign-out"):
        assert house.post(path, "key=" + house.secret, house.session(), origin).status_code == 403


def test_the_first_page_is_ours(house: House) -> None:
    found = house.ask("/journal", cookie=house.session(), **PAGE)
    assert (found.text, found.headers["cache-control"]) == ("<p>first page</p>", "no-store")
    assert house.ask("/static/js/x.js", cookie=house.session(), **PAGE).text == "behind /static/js/x.js"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/_stcore/agent/mcp", "/static/x.js"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_answer_carries_the_security_headers(house: House, path: str, signed_in: bool) -> None:
    found = house.ask(path, cookie=house.session() if signed_in else None, **PAGE)
    form = path == "/sign-in" and not signed_in
    for name, value in (HEADERS | ({"referrer-policy": "same-origin"} if form else {})).items():
        assert found.headers.get_list(name) == [value]
    assert "unsafe-eval" not in found.headers["content-security-policy"]
    assert "script-src 'self';" in found.headers["content-security-policy"]


# -- the websocket


def test_a_websocket_with_a_session_opens(house: House) -> None:
    with house.open(house.session()) as talk:
        talk.send("hello")
        assert talk.recv(5) == "hello"


@pytest.mark.parametrize("cookie", [None, "rw_" + "x" * 43, "nonsense"])
def test_a_websocket_without_a_session_is_refused_before_it_opens(house: House, cookie: str | None) -> None:
    with pytest.raises(problems.InvalidStatus) as refused, house.open(cookie):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", None])
def test_a_websocket_of_another_page_is_refused(house: House, origin: str | None) -> None:
    with pytest.raises(problems.InvalidStatus) as refused, house.open(house.session(), origin):
        pass
    assert refused.value.response.status_code == 403


def test_a_websocket_to_what_is_closed_is_refused(house: House) -> None:
    with pytest.raises(problems.InvalidStatus), house.open(house.session(), path="/_stcore/agent/interact"):
        pass


def test_an_open_websocket_ends_with_its_session(house: House) -> None:
    secret = house.session()
    with house.open(secret) as talk:
        talk.send("hello")
        assert talk.recv(5) == "hello"
        house.post("/sign-out", "", secret)
        with pytest.raises(problems.ConnectionClosed) as ended:
            talk.recv(10)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1008


def test_an_admin_api_that_is_away_ends_no_websocket_and_lets_nobody_in(house: House) -> None:
    secret = house.session()
    with house.open(secret) as talk:
        house.control_url = "http://127.0.0.1:9"
        await_true(lambda: house.ask("/", cookie=secret).status_code == 503)
        page = house.ask("/", cookie=secret, **PAGE)
        assert (page.status_code, "goes on" in page.text) == (503, True)
        talk.send("still here")
        assert talk.recv(5) == "still here"
        with pytest.raises(problems.InvalidStatus), house.open(secret):
            pass


# -- signing in and out


def test_a_ticket_signs_in_once(house: House) -> None:
    path = "/sign-in?ticket=" + house.sessions.new_ticket()
    found = house.ask(path)
    cookie = found.headers["set-cookie"]
    assert found.status_code == 200
    assert cookie.startswith(f"{COOKIE}=rw_")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    secret = cookie.split("=", 1)[1].split(";")[0]
    assert house.ask("/", cookie=secret).status_code == 200
    again = house.ask(path)
    assert again.status_code == 401
    assert "set-cookie" not in again.headers
    assert house.ask(path, cookie=secret).headers["location"] == "/"
    key = house.who(secret)
    assert key.name.startswith("console-")
    assert key.scopes == ("use", "operate", "admin")
    assert key.expires_at is not None
    assert key.created_at is not None
    assert key.expires_at - key.created_at == pytest.approx(12 * 3600)
    assert house.kinds() == ["console.signed_in", "console.sign_in_refused"]


def test_a_look_that_takes_nothing_uses_no_ticket(house: House) -> None:
    path = "/sign-in?ticket=" + house.sessions.new_ticket()
    assert house.ask(path, "HEAD").status_code == 405
    assert house.ask(path).status_code == 200


def test_a_key_signs_in(house: House) -> None:
    found = house.post("/sign-in", f"key=+{house.secret}+")
    assert found.status_code == 200
    secret = found.headers["set-cookie"].split("=", 1)[1].split(";")[0]
    assert house.ask("/", cookie=secret).status_code == 200
    assert secret != house.secret
    assert house.secret not in found.text


def test_behind_tls_the_cookie_stays_on_tls(house: House) -> None:
    for lines in ({"x_forwarded_proto": "https"}, {"origin": house.url.replace("http:", "https:")}):
        path = "/sign-in?ticket=" + house.sessions.new_ticket()
        assert "; Secure" in house.ask(path, **lines).headers["set-cookie"]


@pytest.mark.parametrize("text", ["", "key=", "key=%ff%fe", "key=" + "x" * 5000, "nothing=1", "key=%00"])
def test_what_is_no_key_is_told(house: House, text: str) -> None:
    found = house.post("/sign-in", text)
    assert (found.status_code, "This is no key." in found.text) == (400, True)


def test_keys_that_may_not_are_told_journaled_and_held_back(house: House) -> None:
    _, use = house.keys.create("caller", ["use"])
    tried = "rw_" + "z" * 43
    codes = [house.post("/sign-in", f"key={key}").status_code for key in (use, house.session(), *[tried] * 5)]
    assert codes == [403, 403, 401, 401, 401, 429, 429]
    late = house.post("/sign-in", f"key={house.secret}")
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 60
    assert house.kinds().count("console.sign_in_refused") == 5
    assert all(key.encode() not in one.payload for one in house.journal.tail(100) for key in (tried, use, house.secret))
    assert house.ask("/sign-in?ticket=" + house.sessions.new_ticket()).status_code == 200


def test_html_in_an_answer_of_the_desk_is_escaped() -> None:
    from roadworthy.console.sign_in_page import SignInPage

    assert b"<b>" not in SignInPage.form("<b>x</b>").body
    assert b"<b>" not in SignInPage.sign_out("<b>x</b>").body


def test_signing_out_revokes(house: House) -> None:
    secret = house.session()
    assert "Sign out?" in house.ask("/sign-out", cookie=secret).text
    assert house.ask("/", cookie=secret).status_code == 200
    found = house.post("/sign-out", "", secret)
    assert found.status_code == 200
    assert "expires=" in found.headers["set-cookie"].lower()
    assert house.ask("/", cookie=secret).status_code == 401
    assert house.post("/sign-out", "", secret).status_code == 200
    with pytest.raises(RemoteError) as refused:
        house.who(secret)
    assert refused.value.code == "unauthorized"


def test_signing_out_while_the_admin_api_is_away_says_that_the_session_holds(house: House) -> None:
    secret = house.session()
    house.control_url = "http://127.0.0.1:9"
    found = house.post("/sign-out", "", secret)
    assert found.status_code == 503
    assert "set-cookie" not in found.headers
    assert house.ask("/sign-in?ticket=rwt_x").status_code == 503


async def test_many_requests_at_once_are_one_question() -> None:
    asked = 0

    class Slow(AdminClient):
        @property
        def console(self) -> Any:
            nonlocal asked
            asked += 1
            raise GatewayError("away", code="gateway_unreachable")

    desk = Desk(lambda key: Slow("http://127.0.0.1:9", key))
    found = await asyncio.gather(*(desk.standing("rw_" + "x" * 43) for _ in range(50)))
    assert set(found) == {Standing.UNKNOWN}
    assert asked == 1


def test_streamlits_first_document_in_our_name() -> None:
    index = """<!-- c --><!DOCTYPE html><html><head><link rel="shortcut icon" href="./favicon.png" />
    <link
      rel="preload" href="./f.woff2" as="font" /><title>Streamlit</title><link rel="service-desc" href="./x" />
    <script>window.a = 1</script><script type="module" src="./static/js/i.js"></script></head><body></body></html>"""
    page = page_of(index, "A & B")
    assert "<title>A &amp; B</title>" in page
    assert '<script type="module" src="./static/js/i.js">' in page
    for gone in ("Streamlit", "preload", "service-desc", "window.a", "<!-- c"):
        assert gone not in page
