"""The page *Journal*: requests with their attempts on a time line, as they are stored, and what people did."""

from __future__ import annotations

import time

import streamlit as st

from roadworthy.client.record import JournalEntry
from roadworthy.console import journal, markup, words
from roadworthy.console.journal import AttemptBar, RequestRow
from roadworthy.console.markup import Markup, badge, code, details, heading, join, note, pairs, soft
from roadworthy.console.page_now import offset
from roadworthy.console.session import Session

_SHOWN = 100


def render(session: Session) -> None:
    """Draw the page."""
    st.html(heading("Journal", soft("masked before it was written; what is shown is what is stored"), level=1))
    kind, outcome, wanted, limit = _filters()
    at = time.time()
    entries = session.admin.journal(limit, kind="request" if kind == "Requests" else "")
    when = f"as of {words.clock(at, offset())}"
    if kind == "Requests":
        rows = journal.requests(entries)
        found = journal.chosen(rows, outcome, wanted)
        st.html(_requests(found, len(rows), when, at))
    else:
        st.html(_events(journal.others(entries), wanted, when, at))
    _chain(session)


def _filters() -> tuple[str, str, str, int]:
    first, second, third, fourth, fifth = st.columns([1.7, 1.3, 1.8, 0.9, 0.9], vertical_alignment="bottom")
    kind = first.segmented_control("Show", ["Requests", "Other entries"], default="Requests") or "Requests"
    outcome = second.selectbox("That", journal.OUTCOMES, disabled=kind != "Requests")
    wanted = third.text_input("With the words", placeholder="route, model, reason, id")
    limit = fourth.selectbox("Of the newest", [50, 200, 1000], index=1)
    fifth.button("Look again", key="rw_again", width="stretch")
    return str(kind), str(outcome), str(wanted or ""), int(limit or 200)


def _requests(found: tuple[RequestRow, ...], read: int, when: str, now: float) -> Markup:
    shown = found[:_SHOWN]
    more = f"the newest {_SHOWN} of {len(found)}" if len(found) > _SHOWN else f"{len(found)}"
    title = heading("Requests", soft(f"{more} of {read} that were read, {when}"))
    if not shown:
        words_ = "No request was answered yet." if not read else "No request fits."
        return Markup(title + Markup(f'<p class="rw-empty">{words_}</p>'))
    return Markup(title + join(_request(row, now) for row in shown))


def _request(row: RequestRow, now: float) -> Markup:
    served = code(row.served_by) if row.served_by else soft("nobody served")
    tried = f"{len(row.bars)} attempts" if len(row.bars) > 1 else ""
    summary = Markup(
        f'<span class="rw-line"><span>{soft(words.clock(row.at, offset()))}</span>{badge(_ended(row), row.tone)}'
        f"<span>{markup.text(row.route)}</span><span>{served}</span>"
        f"<span>{markup.text(words.milliseconds(row.latency_ms))}</span>{soft(tried)}</span>"
    )
    facts = [("ended", f"{words.clock(row.at, offset(), day=True)}, {words.ago(row.at, now)}"),
             ("request", code(row.request_id)), ("HTTP status", row.status), *row.facts]  # fmt: skip
    if row.fallback:
        facts.insert(1, ("fell back because of", row.fallback))
    return details(summary, Markup(timeline(row.bars, row.latency_ms) + pairs(facts)))


def _ended(row: RequestRow) -> str:
    return f"{row.code}, fell back" if row.fallback and row.code == "ok" else row.code


def timeline(bars: tuple[AttemptBar, ...], latency_ms: float | None) -> Markup:
    """Who was asked, when, how long, and how it ended."""
    if not bars:
        return Markup(f'<p class="rw-empty">{markup.text("No provider was asked.")}</p>')
    lines = "".join(
        f'<div class="rw-try"><div>{code(bar.name)} {badge(bar.reason, bar.tone)} '
        f"{soft(words.milliseconds(bar.latency_ms))}</div>"
        f'<div class="rw-track"><span class="rw-span rw-{bar.tone}" '
        f'style="left:{100 * bar.start:.2f}%;width:{max(0.5, 100 * bar.share):.2f}%"></span></div>'
        f"<div>{soft(bar.remark)}</div></div>"
        for bar in bars
    )
    whole = soft(f"the bars span the {words.milliseconds(latency_ms)} of the request") if latency_ms else ""
    return Markup(f'<div class="rw-tries">{lines}<div>{whole}</div></div>')


def _events(entries: tuple[JournalEntry, ...], wanted: str, when: str, now: float) -> Markup:
    found = [
        one for one in entries if all(word in f"{one.kind} {one.payload}".lower() for word in wanted.lower().split())
    ]
    title = heading("Other entries", soft(f"{len(found)} of {len(entries)}, {when}"))
    if not found:
        return Markup(title + Markup('<p class="rw-empty">None.</p>'))
    lines = []
    for one in found[:_SHOWN]:
        summary = Markup(f'<span class="rw-line">{soft(words.clock(one.at, offset()))}<span>{code(one.kind)}</span>'
                         f"{soft(words.ago(one.at, now))}</span>")  # fmt: skip
        facts = [(name, code(value) if isinstance(value, str) else value) for name, value in one.payload.items()]
        lines.append(details(summary, pairs([("entry", one.sequence), *facts])))
    return Markup(title + join(lines))


def _chain(session: Session) -> None:
    st.html(heading("Is it whole?", soft("each entry holds the hash of the one before")))
    if st.button("Check the chain", help="Reads the whole journal and recomputes every hash."):
        with st.spinner("Every entry is read ..."):
            st.session_state["rw_chain"] = (time.time(), session.admin.verify_journal())
    if "rw_chain" not in st.session_state:
        return
    at, told = st.session_state["rw_chain"]
    when = soft(f"as of {words.clock(at, offset())}, {words.ago(at, time.time())}")
    if told.whole is None:
        st.html(note(when, "mute", "It is unknown whether the journal is whole."))
    elif told.whole:
        st.html(note(Markup(f"{words.count(told.entries, 'entry', 'entries')}. {when}"), "good", "The chain is whole."))
    else:
        bad = f"Entry {told.first_bad_seq} was changed, removed or put in."
        st.html(note(Markup(f"{bad} {when}"), "bad", "The chain is broken."))
