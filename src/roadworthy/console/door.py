"""The door of the console: what has no valid session reaches neither a page nor the websocket over which pages run.

A pure ASGI middleware, because an HTTP middleware of a framework never sees a websocket. It holds no session itself:
the admin API does, and is asked at most every few seconds for each, so that a revocation holds everywhere at once.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadworthy.client.transport import RemoteError
from roadworthy.console.desk import Desk, Standing
from roadworthy.console.sign_in_page import SENDS_ORIGIN, SignInPage
from roadworthy.core.errors import RoadworthyError

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
WATCH_S = 10.0
"""How often an open websocket's session is looked at, in seconds."""

POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:",
    "font-src 'self' data:", "connect-src 'self'", "worker-src 'self' blob:", "frame-src 'self' blob:",
    "media-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'", "object-src 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
"""Scripts from here alone. Styles inline: the browser part writes its rules as style elements."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}
CLOSED = re.compile(r"/(_stcore/(agent|metrics|script-health-check)|auth|oauth2callback)(/|$)|//")
"""Served to nobody: what drives pages without a browser, and what the product does not use."""

_PATH = re.compile(r"/[a-z0-9-]{0,60}(\?[A-Za-z0-9_.=&-]{1,200})?")
_KEY = re.compile(r"rw_[A-Za-z0-9_-]{16,128}")
_OWN_FILES = re.compile(r"/(_stcore|static|media|component|app/static)(/|$)|/[^/]*\.[a-z0-9]+$")
_MOST_BYTES = 4096


class Door:
    """Lets people with a session through.

    Args:
        app: What is behind it.
        desk: Knows who has a session.
        hosts: Values of the Host line that are served, such as `127.0.0.1:8082`.
        cookie: Name of the cookie; holds the port, because cookies of one host are shared by all its ports.
        page: The pages' first HTML document; None to let the application answer.
    """

    def __init__(self, app: ASGIApp, desk: Desk, hosts: Collection[str], cookie: str, page: str | None = None) -> None:
        self._app = app
        self._desk = desk
        self._hosts = frozenset(host.lower() for host in hosts)
        self._cookie = cookie
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _guarded(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        secret = self._secret(headers)
        known = self._host_known(headers) and _same_origin(headers) and CLOSED.match(scope["path"]) is None
        if not known or secret is None or await self._desk.standing(secret) is not Standing.VALID:
            # Before the handshake is accepted this becomes a 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        watch = _Watch(self._desk, secret)
        watching = asyncio.create_task(watch.run())
        try:
            await self._app(scope, watch.receiving(receive, send), send)
        finally:
            watching.cancel()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["path"] in (SIGN_IN, SIGN_OUT):
            answer = await self._at_the_desk(scope, receive, headers)
            await answer(scope, receive, send)
            return
        secret = self._secret(headers)
        standing = Standing.INVALID if secret is None else await self._desk.standing(secret)
        if standing is not Standing.VALID:
            await self._turned_away(scope, headers, standing)(scope, receive, send)
        elif self._page is not None and _wants_page(scope, headers) and not _OWN_FILES.match(scope["path"]):
            await HTMLResponse(self._page, headers={"cache-control": "no-store"})(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What is answered to nobody, session or not."""
        if not self._host_known(headers):
            text = "This console is not served under this name. See console.names in the configuration.\n"
            return PlainTextResponse(text, 421)
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(headers):
            return PlainTextResponse("A page from elsewhere must not use the console.\n", 403)
        if CLOSED.match(scope["path"]):
            return PlainTextResponse("Nothing is served here.\n", 404)
        return None

    def _turned_away(self, scope: Scope, headers: Headers, standing: Standing) -> Response:
        if standing is Standing.UNKNOWN:
            if not _wants_page(scope, headers):
                return PlainTextResponse("The admin API does not answer.\n", 503, {"retry-after": "2"})
            return SignInPage.waiting()
        if not _wants_page(scope, headers):
            return PlainTextResponse("Sign in first.\n", 401, {"cache-control": "no-store"})
        query = scope["query_string"].decode("latin-1")
        wanted = f"{scope['path']}?{query}" if query else scope["path"]
        onward = "" if wanted == "/" else f"?next={quote(wanted, safe='/')}"
        return RedirectResponse(f"{SIGN_IN}{onward}", 303, {"cache-control": "no-store"})

    async def _at_the_desk(self, scope: Scope, receive: Receive, headers: Headers) -> Response:
        actions: dict[tuple[str, str], Callable[[], Awaitable[Response]]] = {
            (SIGN_IN, "GET"): lambda: self._show_sign_in(scope, headers),
            (SIGN_IN, "POST"): lambda: self._sign_in(scope, receive, headers),
            (SIGN_OUT, "POST"): lambda: self._sign_out(headers),
            (SIGN_OUT, "GET"): _ask_sign_out,
        }
        act = actions.get((scope["path"], scope["method"]))
        if act is None:
            return PlainTextResponse("Only GET and POST.\n", 405, {"allow": "GET, POST"})
        return await act()

    async def _show_sign_in(self, scope: Scope, headers: Headers) -> Response:
        secret = self._secret(headers)
        if secret is not None and await self._desk.standing(secret) is Standing.VALID:
            return RedirectResponse(_onward(scope), 303)
        ticket = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        if not ticket:
            return SignInPage.form(onward=_onward(scope))
        return await self._begin(scope, headers, ticket=ticket[:256])

    async def _sign_in(self, scope: Scope, receive: Receive, headers: Headers) -> Response:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body") or len(body) > _MOST_BYTES:
                break
        key = parse_qs(body[: _MOST_BYTES + 1].decode("latin-1")).get("key", [""])[0].strip()
        if len(body) > _MOST_BYTES or not key.isascii() or not key.isprintable() or not key:
            return SignInPage.form("This is no key.", 400)
        return await self._begin(scope, headers, key=key)

    async def _begin(self, scope: Scope, headers: Headers, **proof: str) -> Response:
        peer = scope["client"][0] if scope.get("client") else ""
        try:
            secret, life_s = await self._desk.sign_in(peer, **proof)
        except RemoteError as error:
            said = f"{error.what} {error.why} {error.mend}"
            return SignInPage.form(said, error.status or 401, error.retry_after_s, _onward(scope))
        except RoadworthyError:
            return SignInPage.waiting()
        # Not a redirect: one that began on another site would arrive without the strict cookie that is set here.
        answer = SignInPage.welcome(_onward(scope))
        answer.set_cookie(
            self._cookie, secret, max_age=int(life_s), path="/", httponly=True, samesite="strict",
            secure=_encrypted(scope, headers),
        )  # fmt: skip
        return answer

    async def _sign_out(self, headers: Headers) -> Response:
        secret = self._secret(headers)
        if secret is not None:
            try:
                await self._desk.sign_out(secret)
            except RoadworthyError as error:
                return SignInPage.sign_out(f"{error.what} {error.mend}", 503)
        answer = SignInPage.form("You are signed out.")
        answer.delete_cookie(self._cookie, path="/", httponly=True, samesite="strict")
        return answer

    def _host_known(self, headers: Headers) -> bool:
        return headers.get("host", "").lower() in self._hosts

    def _secret(self, headers: Headers) -> str | None:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return None
        return found.value if found is not None and _KEY.fullmatch(found.value) else None


class _Watch:
    """Ends a websocket whose session ended."""

    def __init__(self, desk: Desk, secret: str) -> None:
        self._desk = desk
        self._secret = secret
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Look again and again; an admin API that does not answer ends nothing, for nothing can be done without it."""
        while True:
            await asyncio.sleep(WATCH_S)
            if await self._desk.standing(self._secret) is Standing.INVALID:
                self._over.set_result(None)
                return

    def receiving(self, receive: Receive, send: Send) -> Receive:
        """`receive` that tells of a disconnection when the session is over."""
        pending: asyncio.Future[Message] | None = None

        async def next_message() -> Message:
            nonlocal pending
            if pending is None:
                pending = asyncio.ensure_future(receive())
            await asyncio.wait((pending, self._over), return_when=asyncio.FIRST_COMPLETED)
            if not pending.done():
                pending.cancel()
                await send({"type": "websocket.close", "code": 1008, "reason": "The session is over."})
                return {"type": "websocket.disconnect", "code": 1008}
            message, pending = pending.result(), None
            return message

        return next_message


def _onward(scope: Scope) -> str:
    """The path of the console that is wanted after signing in; the first page for what is no path of it."""
    wanted = parse_qs(scope["query_string"].decode("latin-1")).get("next", [""])[0]
    return wanted if _PATH.fullmatch(wanted) else "/"


async def _ask_sign_out() -> Response:
    return SignInPage.sign_out()


def _guarded(send: Send) -> Send:
    """Every HTTP answer carries the security headers."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", ())
            kept = [(name, value) for name, value in given if name.decode().lower() not in HEADERS]
            policies = HEADERS | ({"referrer-policy": "same-origin"} if SENDS_ORIGIN in given else {})
            own = [(name.encode(), value.encode()) for name, value in policies.items()]
            message = {**message, "headers": kept + own}
        await send(message)

    return with_headers


def _same_origin(headers: Headers) -> bool:
    """Whether the page that sends this is ours; browsers always name a page's origin here."""
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme in ("http", "https") and origin.netloc.lower() == headers.get("host", "").lower()


def _wants_page(scope: Scope, headers: Headers) -> bool:
    return scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", "")


def _encrypted(scope: Scope, headers: Headers) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy; who lies about it hurts his own cookie alone."""
    forwarded = headers.get("x-forwarded-proto", "").lower() == "https"
    return scope.get("scheme") == "https" or forwarded or headers.get("origin", "").startswith("https:")


def page_of(index: str, title: str) -> str:
    """Streamlit's first document in our name: our title, no script of its own, no font and no link that is not used.

    Args:
        index: Text of its `index.html`.
        title: Shown until the page sets its own.
    """
    text = re.sub(r"<!--.*?-->", "", index, flags=re.DOTALL)
    text = re.sub(r"<title>.*?</title>", f"<title>{html.escape(title)}</title>", text)
    text = re.sub(r'<link\s+rel="(preload|service-desc)".*?/>', "", text, flags=re.DOTALL)
    text = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    # The first paint comes before any script: the ground in the colour of the theme, so that nothing flashes.
    ground = (
        "html{color-scheme:light dark;background:#fbfbfa}@media(prefers-color-scheme:dark){html{background:#14161a}}"
    )
    return text.replace("</head>", f"<style>{ground}</style></head>")
