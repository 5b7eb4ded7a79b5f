"""The smoke tests that applications offer: what one would cost, its progress, and the way to stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from roadworthy.console import markup, words
from roadworthy.console.markup import Markup, badge, heading, note, pairs, soft, table
from roadworthy.console.page import Listed, SmokeProgress, SmokeRun
from roadworthy.console.session import Session
from roadworthy.core.errors import RoadworthyError

_LOOK_S = 5.0
_TONES: dict[str, markup.Tone] = {"passed": "good", "failed": "bad", "running": "info", "cancelled": "warn"}


def smoke_section(session: Session, pages: Sequence[Listed]) -> None:
    """Offer every application's smoke test.

    Args:
        session: Whoever looks.
        pages: All pages; one whose object has `smoke(session)` offers a test.
    """
    st.html(heading("Smoke test", soft("everything an application offers, once, for real")))
    offering = [one for one in pages if callable(getattr(one.page, "smoke", None))]
    if not offering:
        st.html(
            note("An application offers one with `smoke` on its page object.", "mute", "No application offers one.")
        )
        return
    for listed in offering:
        try:
            _offer(listed, listed.page.smoke(session))  # type: ignore[attr-defined]
        except RoadworthyError as error:
            st.html(note(f"{error.what} {error.why} {error.mend}", "bad", f"The smoke test of {listed.title}:"))


def _offer(listed: Listed, run: SmokeRun) -> None:
    state: Any = st.session_state
    name = f"rw_smoke_{listed.path}"
    st.html(heading(listed.title, level=3))
    st.html(pairs(run.estimate()))
    if st.button("Run Full Smoke Test", key=f"{name}_start", type="primary"):
        state[name] = run.start()
    if name in state:
        st.fragment(_progress, run_every=_LOOK_S)(run, state[name], name)


def _progress(run: SmokeRun, run_id: str, name: str) -> None:
    told = run.progress(run_id)
    st.html(progress(told))
    if not told.over and st.button("Cancel", key=f"{name}_cancel"):
        run.cancel(run_id)


def progress(told: SmokeProgress) -> Markup:
    """How far a run is."""
    share = "" if not told.total else f" of {told.total}"
    passed = sum(how == "passed" for _, how, _ in told.rows)
    stopped = any(how == "cancelled" for _, how, _ in told.rows)
    head = f"{told.done}{share} done, {passed} passed. Cost so far: {words.dollars(told.cost_usd) or 'unknown'}."
    tone: markup.Tone = "info" if not told.over else "warn" if stopped else "good" if passed == told.total else "bad"
    cells = [(part, badge(how, _TONES.get(how, "mute")), remark) for part, how, remark in told.rows]
    box = note(head, tone, "It runs." if not told.over else "It was stopped." if stopped else "Finished.")
    return Markup(box + table(["part", "state", "remark"], cells, empty="Nothing is finished yet."))
