"""The few pages in front of the door: plain HTML without a script, readable on a phone, in light and dark."""

from __future__ import annotations

import html
import math
from urllib.parse import quote

from starlette.responses import HTMLResponse

SENDS_ORIGIN = (b"referrer-policy", b"same-origin")
"""Header line of pages with a form: under `no-referrer` a browser hides the origin of a form, too (Fetch, 3.2), and the
door lets no form in whose origin it does not know."""

_STYLE = """
:root{color-scheme:light dark;--ground:#fbfbfa;--card:#fff;--ink:#1b1d21;--soft:#5d636d;--line:#e3e4e1;--act:#1f5f8b;
--on:#fff;--bad:#a3261c}
@media(prefers-color-scheme:dark){:root{--ground:#14161a;--card:#1c1f24;--ink:#e8e9eb;--soft:#a0a6b0;--line:#31353c;
--act:#7db7e0;--on:#0f1a22;--bad:#f0958c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;padding:1.25rem}
main{width:100%;max-width:25rem;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:2rem}
h1{font-size:1.3rem;line-height:1.3;margin:0 0 .35rem;letter-spacing:-.01em}
p{margin:0 0 1.1rem;color:var(--soft)}
.said{color:var(--bad)}
label{display:block;font-weight:600;margin-bottom:.35rem}
input{width:100%;font:inherit;padding:.6rem .7rem;border:1px solid var(--line);border-radius:8px;
background:var(--ground);color:var(--ink)}
button{margin-top:1rem;width:100%;font:inherit;font-weight:600;padding:.65rem;border:0;border-radius:8px;
background:var(--act);color:var(--on);cursor:pointer}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--act);outline-offset:2px}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,monospace;background:var(--ground);border:1px solid var(--line);
border-radius:5px;padding:.1em .35em;white-space:nowrap}
.foot{margin:1.4rem 0 0;padding-top:1.1rem;border-top:1px solid var(--line);font-size:.9rem}
.brand{font-weight:650;letter-spacing:.02em;font-size:.85rem;color:var(--soft);margin:0 0 1.2rem}
a{color:var(--act)}
"""


class SignInPage:
    """Answers with a page each."""

    @staticmethod
    def form(said: str = "", status: int = 200, wait_s: float | None = None, onward: str = "/") -> HTMLResponse:
        """Where an admin key is entered.

        Args:
            said: What came of the last try; empty for none.
            status: HTTP status.
            wait_s: Seconds until another try makes sense.
            onward: Path of the console that it leads to.
        """
        note = f'<p class="said" role="alert">{html.escape(said)}</p>' if said else ""
        answer = _page(
            "Sign in",
            f"""<h1>Sign in to the console</h1><p>With a key that has the scope <code>admin</code>.</p>{note}
<form method="post" action="/sign-in?next={quote(onward, safe="/")}"><label for="key">Admin key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus spellcheck="false">
<button type="submit">Sign in</button></form>
<p class="foot">No key at hand? Run <code>roadworthy console</code> where the gateway runs and open the link that it
prints.</p>""",
            status,
        )
        if wait_s is not None:
            answer.headers["retry-after"] = str(math.ceil(wait_s))
        return answer

    @staticmethod
    def welcome(onward: str = "/") -> HTMLResponse:
        """Leads into the console by itself, to a path of it."""
        path = html.escape(onward)
        return _page(
            "Signed in",
            f'<h1>You are signed in</h1><p>The console opens. <a href="{path}">Open it now</a></p>',
            head=f'<meta http-equiv="refresh" content="0;url={path}">',
        )

    @staticmethod
    def sign_out(said: str = "", status: int = 200) -> HTMLResponse:
        """Asks whether to sign out, for a link must not do it."""
        note = f'<p class="said" role="alert">{html.escape(said)}</p>' if said else ""
        return _page(
            "Sign out",
            f"""<h1>Sign out?</h1><p>The session of this browser ends at once, in every tab.</p>{note}
<form method="post" action="/sign-out"><button type="submit" autofocus>Sign out</button></form>
<p class="foot"><a href="/">Back to the console</a></p>""",
            status,
        )

    @staticmethod
    def waiting() -> HTMLResponse:
        """Said while the admin API does not answer; looks again by itself."""
        return _page(
            "One moment",
            """<h1>The admin API does not answer</h1><p>It may be starting again. This page looks again by itself; your
session goes on.</p>""",
            503,
            '<meta http-equiv="refresh" content="2">',
        )


def _page(title: str, body: str, status: int = 200, head: str = "") -> HTMLResponse:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}<meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{title} - Roadworthy</title><style>{_STYLE}</style>'
        f'</head><body><main><p class="brand">Roadworthy</p>{body}</main></body></html>'
    )
    name, policy = (part.decode() for part in SENDS_ORIGIN)
    return HTMLResponse(text, status, {"cache-control": "no-store", name: policy})
