"""The page *Now*: at a glance whether real models serve, how requests fare, and what is left alone and why."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from roadworthy.client.record import summarize
from roadworthy.console import chart, markup, now, words
from roadworthy.console.markup import Markup, badge, heading, note, soft, table, tile, tiles
from roadworthy.console.pulse import interval_s, noted
from roadworthy.console.session import Session
from roadworthy.core.errors import RoadworthyError

STALE_S = 60.0
"""Figures older than this are grey."""
_SIDE_FRESH_S = 15.0


def render(session: Session) -> None:
    """Draw the page."""
    st.html(heading("Now", level=1))
    _mode(session)
    st.fragment(_figures, run_every=interval_s())(session)
    _reset(session)


def mode_in_brief(session: Session) -> None:
    """The mode, for the side of every page."""
    mode = _mode_of(_reading(session, fresh_s=_SIDE_FRESH_S))
    st.html(Markup(f'<p class="rw-side">LLM Mode: {badge(mode.word, mode.tone)}</p>'))


def offset() -> int:
    """Minutes that the reader's clock is behind UTC; 0 when the browser did not say."""
    told = st.context.timezone_offset
    return told if isinstance(told, int) else 0


def _reading(session: Session, fresh_s: float = 3.0) -> now.Reading:
    """The newest reading of this view; asks when it is older than `fresh_s` seconds, and keeps the traffic's points."""
    state: Any = st.session_state
    at = time.time()
    last: now.Reading | None = state.get("rw_reading")
    if last is not None and at - last.at < fresh_s:
        return last
    reading = now.read(session, at)
    if last is not None:
        made = now.point(last, reading)
        if made is not None:
            state["rw_points"] = [*state.get("rw_points", []), made][-now.MOST_POINTS :]
    if last is not None and reading.status is None and last.status is not None:
        state["rw_old"] = last
    state["rw_reading"] = reading
    return reading


def _mode_of(reading: now.Reading) -> now.LlmMode:
    return now.llm_mode(reading.targets, reading.status)


def _mode(session: Session) -> None:
    reading = _reading(session)
    mode = _mode_of(reading)
    when = words.clock(reading.at, offset())
    st.html(Markup(
        f'<div class="rw-mode rw-edge-{mode.tone}"><div class="rw-label">LLM Mode</div>'
        f'<div class="rw-word">LLM Mode: {markup.text(mode.word)}</div>'
        f'<div class="rw-note">{markup.text(mode.why)} {soft(f"As of {when}.")}</div></div>'
    ))  # fmt: skip
    asked = st.button("Check LLM Health", type="primary", help="Sends one short question through the real chain.")
    if asked:
        with st.spinner("One real question is on its way ..."):
            st.session_state["rw_health"] = now.check_health(session, time.time)
    row: now.HealthRow | None = st.session_state.get("rw_health")
    if row is not None:
        st.html(_health(row))
    rows = [
        (markup.code(one.name), one.kind, badge(one.state, _tone(one.askable)), one.key, ", ".join(one.routes))
        for one in mode.rows
    ]
    listed = table(["model", "kind", "now", "key", "routes"], rows, empty="Nothing is known of the models.")
    st.html(heading("Models", soft("what routes can be served by")) + listed)


def _tone(able: bool | None) -> markup.Tone:
    return "mute" if able is None else "good" if able else "bad"


def _health(row: now.HealthRow) -> Markup:
    word, tone = row.verdict
    told = row.health
    when = f"asked {words.ago(row.at, time.time())}, at {words.clock(row.at, offset())}"
    if told is None:
        return note(row.fault, "bad", "The health of the chain is unknown.")
    shown = tiles([
        tile("ok", words.yes(told.ok), when, tone),
        tile("llm_ready", words.yes(told.llm_ready)),
        tile("used_stub", words.yes(told.used_stub)),
        tile("quality_passed", words.yes(told.quality_passed)),
        tile("served_by", None if told.served_by is None else markup.code(told.served_by)),
        tile("latency", words.milliseconds(told.latency_ms)),
    ])  # fmt: skip
    hint = note(told.debug_hint or "", "bad", told.error_type or word) if told.debug_hint or told.error_type else ""
    return Markup(markup.stale(shown, time.time() - row.at > STALE_S) + hint)


def _figures(session: Session) -> None:
    """What refreshes by itself."""
    reading = _reading(session)
    old: now.Reading | None = st.session_state.get("rw_old")
    shown = reading if reading.status is not None or old is None else old
    for part, fault in reading.faults.items():
        st.html(note(fault, "bad", f"The {part} could not be read."))
    st.html(markup.stale(_traffic(shown), reading is not shown))
    st.html(markup.stale(_state(shown), reading is not shown))
    noted(_signature(reading))


def _signature(reading: now.Reading) -> object:
    """What must stay the same for the page to look less often."""
    since = now.since_start(reading)
    status = reading.status
    breakers = None if status is None else [(one.provider, one.model, one.state) for one in status.breakers]
    modes = None if reading.modes is None else [(one.mode, one.state) for one in reading.modes]
    processes = None if status is None else now.process_rows(status.raw, 0.0)
    return (since, breakers, modes, processes, tuple(reading.faults))


def _traffic(reading: now.Reading) -> Markup:
    points: list[now.Point] = st.session_state.get("rw_points", [])
    since = now.since_start(reading)
    when = words.clock(reading.at, offset())
    failures = None if since.failures is None else f"{since.failures:,.0f}"
    price = "failed attempts included" if not since.unpriced else f"and {since.unpriced:,.0f} attempts of unknown price"
    figures = tiles([
        tile("Requests since start", None if since.requests is None else f"{since.requests:,.0f}", f"as of {when}"),
        tile("Failures since start", failures, f"as of {when}", "bad" if since.failures else None),
        tile("Cost since start", words.dollars(since.cost_usd), price),
        tile("In flight", _in_flight(reading), "now, all workers"),
    ])  # fmt: skip
    seen = soft(f"counted since this page was opened, newest at {when}; looks every {interval_s():.0f} s")
    return Markup(heading("Traffic", seen) + figures + _charts(points))


def _charts(points: list[now.Point]) -> Markup:
    if len(points) < 2:
        return Markup('<p class="rw-empty">The charts begin in about ten seconds, with the third look.</p>')
    times = [words.clock(one.at, offset()) or "" for one in points]
    rate = chart.lines("Requests per second", times, [
        chart.Line("answered", [one.requests / one.seconds for one in points], "a", True),
        chart.Line("failed", [one.failures / one.seconds for one in points], "c"),
    ])  # fmt: skip
    took = chart.lines("Time to answer", times, [
        chart.Line("p95", [one.p95_s for one in points], "b"),
        chart.Line("p50", [one.p50_s for one in points], "a"),
    ], " s")  # fmt: skip
    return Markup(f'<div class="rw-charts">{rate}{took}</div>')


def _in_flight(reading: now.Reading) -> int | None:
    if reading.status is None:
        return None
    told = [one.requests_in_flight for one in reading.status.workers]
    return None if not told or None in told else sum(one for one in told if one is not None)


def _state(reading: now.Reading) -> Markup:
    when = soft(f"as of {words.clock(reading.at, offset())}")
    return Markup(
        heading("Breakers", when) + _breakers(reading)
        + heading("Modes", when) + _modes(reading)
        + heading("Processes", when) + _processes(reading)
    )  # fmt: skip


def _breakers(reading: now.Reading) -> Markup:
    if reading.status is None:
        return note("The breakers are unknown.")
    tones: dict[str, markup.Tone] = {"closed": "good", "half_open": "warn", "open": "bad"}
    rows = [
        (markup.code(f"{one.provider}/{one.model}"), badge(one.state.replace("_", " "), tones.get(one.state, "mute")),
         f"{one.open_workers} of {one.workers}", one.consecutive_failures,
         "" if one.state == "closed" else _next_try(one.retry_in_s))
        for one in summarize(reading.status.breakers)
    ]  # fmt: skip
    heads = ["model", "state", "workers that leave it alone", "failures in a row", "next try"]
    return table(heads, rows, (2, 3, 4), "No model was asked yet, so there is no breaker.")


def _next_try(wait_s: float | None) -> str | None:
    return "with the next request" if wait_s is not None and wait_s < 1 else words.duration(wait_s)


def _modes(reading: now.Reading) -> Markup:
    if reading.modes is None:
        return note("The modes are unknown.")
    rows = [
        (one.mode, badge(one.state, one.tone), one.why or soft("nothing happened yet"), one.fallback or soft("none"),
         _latency(one), "" if one.climb_in_s is None else words.duration(one.climb_in_s))
        for one in now.mode_rows(reading.modes)
    ]  # fmt: skip
    heads = ["mode", "state", "last change and why", "steps aside to", "p95 / limit", "tried again in"]
    return table(heads, rows, (4, 5), "No modes are configured.")


def _latency(row: now.ModeRow) -> Markup:
    seen, limit = row.p95
    shown = None if seen is None else words.milliseconds(seen * 1000)
    bound = soft("no limit") if limit is None else words.milliseconds(limit * 1000)
    return Markup(f"{markup.text(shown)} / {markup.text(bound)}")


def _processes(reading: now.Reading) -> Markup:
    rows = None if reading.status is None else now.process_rows(reading.status.raw, reading.at)
    if rows is None:
        return note("The processes are unknown.")
    cells = [
        (one.name, badge(one.state, one.tone), one.pid, words.duration(one.up_s), one.restarts, one.last_exit)
        for one in rows
    ]
    return table(["process", "state", "pid", "runs for", "restarts", "last end"], cells, (2, 3, 4), "None.")


def _reset(session: Session) -> None:
    reading = _reading(session, fresh_s=30.0)
    found = [] if reading.status is None else summarize(reading.status.breakers)
    names = [f"{one.provider}/{one.model}" for one in found if one.state != "closed"]
    if not names:
        return
    with st.popover("Reset a breaker"):
        name = st.selectbox("Model", names)
        st.caption("The next request asks it again at once, whatever it did before.")
        if st.button("Reset", type="primary"):
            provider, _, model = str(name).partition("/")
            try:
                count = session.admin.reset_breaker(provider, model)
            except RoadworthyError as error:
                st.error(f"{error.what} {error.mend}")
            else:
                st.success(f"Reset in {words.count(count, 'worker')}.")
