"""The page *Admin*: checks that cost something, keys, breakers, the cache. What cannot be undone asks first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from roadworthy.client.live_check import BRIEFS, Checked, check
from roadworthy.client.record import KeyInfo, summarize
from roadworthy.console import markup, words
from roadworthy.console.admin import is_session, key_rows, key_state
from roadworthy.console.markup import Markup, badge, code, heading, note, soft, table, tile, tiles
from roadworthy.console.page import Listed
from roadworthy.console.page_now import offset
from roadworthy.console.session import Session
from roadworthy.console.smoke import smoke_section
from roadworthy.core.errors import RoadworthyError

SCOPES = ("use", "operate", "admin")


def render(session: Session, pages: Sequence[Listed]) -> None:
    """Draw the page.

    Args:
        session: Whoever looks.
        pages: All pages; those of applications may offer a smoke test.
    """
    st.html(heading("Admin", level=1))
    _live_check(session)
    smoke_section(session, pages)
    _keys(session)
    _breakers(session)
    _cache(session)


def _told(action: Callable[[], str]) -> None:
    """Do something and say what came of it."""
    try:
        said = action()
    except RoadworthyError as error:
        st.html(note(f"{error.why} {error.mend}", "bad", error.what))
    else:
        st.html(note(said, "good", "Done."))


def _live_check(session: Session) -> None:
    most = sum(brief.max_tokens for brief in BRIEFS)
    st.html(heading("Live check", soft("realistic briefs through the real chain, judged by what the gateway says")))
    route = session.settings.route
    if route is None:
        st.html(note("Every route is a pattern; set gateway.default_route.", "info", "There is no route to ask."))
        return
    briefs = f"{len(BRIEFS)} briefs to the route {route}"
    st.html(
        f"<p>{markup.text(f'{briefs}, at most {most} tokens of answers, at the price of the model that serves.')}</p>"
    )
    if st.button("Run Live LLM Check", type="primary"):
        _run_live_check(session, route)
    kept = st.session_state.get("rw_live")
    if kept is None:
        return
    at, found = kept
    st.html(markup.stale(_live_rows(at, found), time.time() - at > 3600))


def _run_live_check(session: Session, route: str) -> None:
    with st.status("Asking ...", expanded=True) as status:
        try:
            with session.gateway_for(120.0, fresh=True) as gateway:
                found = check(gateway, route, tell=status.write)
        except RoadworthyError as error:
            status.update(label=error.what, state="error")
            st.html(note(f"{error.why} {error.mend}", "bad", error.what))
            return
        status.update(label="All briefs were asked.", state="complete", expanded=False)
    st.session_state["rw_live"] = (time.time(), found)


def _live_rows(at: float, found: tuple[Checked, ...]) -> Markup:
    tones: dict[str, markup.Tone] = {"good": "good", "bad": "bad", "unknown": "mute"}
    cells = [
        (one.brief, badge(one.verdict, tones.get(one.verdict, "mute")), one.reason,
         code(one.served_by) if one.served_by else None, one.quality, words.yes(one.stub_used),
         words.milliseconds(one.latency_ms), one.attempts)
        for one in found
    ]  # fmt: skip
    heads = ["brief", "verdict", "why", "served by", "quality", "stub used", "took", "attempts"]
    when = soft(f"Asked at {words.clock(at, offset(), day=True)}, {words.ago(at, time.time())}.")
    return Markup(f"{table(heads, cells, (6, 7))}{markup.paragraph(when)}")


# -- keys


def _keys(session: Session) -> None:
    at, now = time.time(), time.time()
    keys = session.admin.keys()
    own, sessions = [one for one in keys if not is_session(one)], [one for one in keys if is_session(one)]
    active = sum(key_state(one) == "active" for one in sessions)
    st.html(heading("Keys", soft(f"as of {words.clock(at, offset())}; {words.count(active, 'open session')} of this "
                                 "console not among them")))  # fmt: skip
    cells = [
        (row.name, ", ".join(row.scopes), badge(row.state, row.tone), words.ago(row.created_at, now),
         "never" if row.expires_at is None else words.clock(row.expires_at, offset(), day=True),
         "never" if row.rotated_at is None else words.ago(row.rotated_at, now), code(row.id))
        for row in key_rows(own)
    ]  # fmt: skip
    heads = ["name", "scopes", "state", "made", "ends", "replaced", "id"]
    st.html(table(heads, cells, empty="There are no keys."))
    _secret_once()
    first, second, third = st.columns(3)
    with first.popover("Make a key", width="stretch"):
        _make(session)
    living = [one.name for one in own if key_state(one) == "active"]
    with second.popover("Replace a key", width="stretch", disabled=not living):
        _rotate(session, living)
    with third.popover("Revoke a key", width="stretch", disabled=not living):
        _revoke(session, living)


def _secret_once() -> None:
    """A new secret, until its reader says that it is kept; the API never tells it again."""
    state: Any = st.session_state
    made: tuple[KeyInfo, str] | None = state.get("rw_secret")
    if made is None:
        return
    st.html(note("It is shown this once and stored only as a hash.", "warn", f"The key {made[0].name}:"))
    st.code(made[1], language=None)
    if st.button("I have kept it"):
        del state["rw_secret"]
        st.rerun()


def _make(session: Session) -> None:
    with st.form("rw_make", border=False, clear_on_submit=True):
        name = st.text_input("Name", max_chars=63, help="a-z 0-9 . _ - and unique")
        scopes = st.multiselect("It may", SCOPES, default=["use"])
        days = st.number_input("Days until it ends", 0, 3650, 90, help="0 for never")
        if not st.form_submit_button("Make it", type="primary"):
            return
    try:
        expires_s = None if not days else float(days) * 86_400
        st.session_state["rw_secret"] = session.admin.create_key(str(name or ""), scopes, expires_s)
    except RoadworthyError as error:
        st.html(note(f"{error.why} {error.mend}", "bad", error.what))
        return
    st.rerun()


def _rotate(session: Session, names: Sequence[str]) -> None:
    with st.form("rw_rotate", border=False):
        name = st.selectbox("Key", names)
        hours = st.number_input("Hours for which the old secret stays valid", 0.0, 720.0, 24.0)
        if not st.form_submit_button("Replace it", type="primary"):
            return
    try:
        st.session_state["rw_secret"] = session.admin.rotate_key(str(name), float(hours) * 3600)
    except RoadworthyError as error:
        st.html(note(f"{error.why} {error.mend}", "bad", error.what))
        return
    st.rerun()


def _revoke(session: Session, names: Sequence[str]) -> None:
    with st.form("rw_revoke", border=False):
        name = st.selectbox("Key", names, key="rw_revoked")
        st.caption("At once and for good; sessions that it signed for end, too.")
        sure = st.checkbox("Yes, revoke this key")
        pressed = st.form_submit_button("Revoke it", type="primary")
    if not pressed:
        return
    if not sure:
        st.html(note("Tick the box first.", "warn"))
        return
    _told(lambda: f"{session.admin.revoke_key(str(name)).name} is revoked.")


# -- breakers and cache


def _breakers(session: Session) -> None:
    st.html(heading("Breakers", soft("the state of each stands on the page Now")))
    found = summarize(session.admin.breakers())
    shut = [one for one in found if one.state != "closed"]
    said = "all are closed" if not shut else ", ".join(f"{one.provider}/{one.model} is {one.state}" for one in shut)
    st.html(markup.paragraph(f"{words.count(len(found), 'breaker')}; {said}."))
    with st.popover("Reset all breakers", disabled=not shut):
        st.caption("The next requests ask every provider again at once, whatever it did before.")
        if st.button("Yes, reset them", type="primary"):
            _told(lambda: f"{session.admin.reset_breaker()} were reset, counted over all workers.")


def _cache(session: Session) -> None:
    st.html(heading("Kept answers", soft(f"as of {words.clock(time.time(), offset())}")))
    caches = session.admin.caches()
    if not any(one.enabled for one in caches):
        st.html(note("gateway.cache is not enabled in the configuration.", "mute", "No answers are kept."))
        return
    told = [one for one in caches if one.entries is not None]
    st.html(tiles([
        tile("Answers", sum(one.entries or 0 for one in told) if told else None),
        tile("Bytes", f"{sum(one.bytes or 0 for one in told):,}" if told else None),
        tile("Evictions", sum(one.evictions or 0 for one in told) if told else None, "since start"),
    ]))  # fmt: skip
    with st.popover("Forget all kept answers"):
        st.caption("Every question is asked anew; this cannot be undone.")
        if st.button("Yes, forget them", type="primary"):
            _told(lambda: f"{session.admin.clear_cache()} answers were forgotten.")
