"""How often a page looks again: often while something changes, seldom while nothing does."""

from __future__ import annotations

from typing import Any

import streamlit as st

STEPS = ((6, 5.0), (18, 15.0), (10**9, 30.0))
"""Looks without a change, and the seconds between looks until then. Never below five seconds."""


def next_interval_s(quiet: int) -> float:
    """Seconds until the next look.

    Args:
        quiet: Looks in a row that found nothing changed.
    """
    return next(seconds for looks, seconds in STEPS if quiet < looks)


def interval_s() -> float:
    """Seconds between looks of this view now."""
    return float(st.session_state.get("rw_interval", STEPS[0][1]))


def noted(signature: object) -> None:
    """Tell what a look found; draws the page again when the pace changes, because the browser keeps it."""
    state: Any = st.session_state
    quiet = state.get("rw_quiet", 0) + 1 if state.get("rw_signature") == signature else 0
    state["rw_signature"], state["rw_quiet"] = signature, quiet
    wanted = next_interval_s(quiet)
    if wanted != interval_s():
        state["rw_interval"] = wanted
        st.rerun()
