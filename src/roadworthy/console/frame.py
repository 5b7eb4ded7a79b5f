"""The frame around every page: navigation, what serves, who is signed in, and the place where a page's error ends."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from roadworthy.console import page_admin, page_journal, page_now, page_verify
from roadworthy.console.markup import Markup, code, note
from roadworthy.console.page import Listed, found
from roadworthy.console.session import Session, configured, open_session
from roadworthy.console.settings import ConsoleSettings, cookie_name
from roadworthy.core.errors import RoadworthyError

_FOLDER = Path(__file__).parent
SIDE_S = 30.0
"""Seconds between looks at what stands beside every page."""


@functools.cache
def pages() -> tuple[Listed, ...]:
    """All pages; looked up once per process."""
    return found(OWN)


def _admin(session: Session) -> None:
    page_admin.render(session, pages())


OWN = (
    Listed("Now", 10, page_now.render),
    Listed("Verify", 50, page_verify.render),
    Listed("Journal", 60, page_journal.render),
    Listed("Admin", 90, _admin),
)


@functools.cache
def style() -> str:
    """The console's own look."""
    return f"<style>{(_FOLDER / 'style.css').read_text(encoding='utf-8')}</style>"


def show() -> None:
    """Draw the page that the browser asks for."""
    st.set_page_config(page_title="Roadworthy", page_icon=str(_FOLDER / "icon.png"), layout="wide")
    st.html(style())
    settings = configured()
    secret = st.context.cookies.get(cookie_name(settings.port), "")
    if not secret:  # the door lets nobody through without it; whoever calls the script otherwise gets nothing
        st.html(note("There is no session here.", "bad"))
        return
    session = _session(secret, settings)
    listed = [
        st.Page(_drawing(one, session), title=one.title, url_path=one.path, default=one is pages()[0])
        for one in pages()
    ]
    chosen = st.navigation(listed, position="sidebar")
    with st.sidebar:
        st.fragment(page_now.mode_in_brief, run_every=SIDE_S)(session)
        st.html(Markup('<p class="rw-foot"><a href="/sign-out" target="_self">Sign out</a></p>'))
    chosen.run()


def _session(secret: str, settings: ConsoleSettings) -> Session:
    """The view's session; kept with the view, because parts of it refresh by themselves and use its connections."""
    state: Any = st.session_state
    kept: Session | None = state.get("rw_session")
    if kept is None or kept.key != secret:
        if kept is not None:
            kept.close()
        kept = state["rw_session"] = open_session(secret, settings)
    return kept


def _drawing(listed: Listed, session: Session) -> Callable[[], None]:
    """The page as Streamlit calls it; names of functions must differ, for Streamlit tells pages apart by them.

    It is a fragment, so that a click on it draws the page alone and neither asks nor draws what stands around it.
    """

    def draw() -> None:
        st.fragment(drawn)(listed, session)

    draw.__name__ = f"draw_{listed.path.replace('-', '_')}"
    return draw


def drawn(listed: Listed, session: Session) -> None:
    """Draw one page; what it raises is told in its place."""
    try:
        listed.render(session)
    except RoadworthyError as error:
        st.html(note(f"{error.what} {error.why} {error.mend}", "bad", "This page cannot be shown."))
    except Exception as error:  # the door of the pages, others' pages among them
        if not isinstance(error, _CONTROL_FLOW):
            logging.getLogger(__name__).error("bug on the page %s: %s", listed.title, type(error).__name__)
            where = note(Markup(f"{code(type(error).__name__)} {code(error)}"), "bad", "This page failed: a bug in it.")
            st.html(where)
            return
        raise


def _control_flow() -> tuple[type[BaseException], ...]:
    from streamlit.runtime.scriptrunner import RerunException, StopException

    return RerunException, StopException


_CONTROL_FLOW = _control_flow()
