"""The page *Packs*: choose a pack, tell of the client, watch the report being written, take it along."""

from __future__ import annotations

from typing import Any

import streamlit as st

from roadworthy.client.transport import RemoteError
from roadworthy.console.markup import Markup, heading, note, soft, table, text
from roadworthy.console.page_now import offset
from roadworthy.console.report_part import history
from roadworthy.console.report_smoke import ReportSmoke
from roadworthy.console.report_view import show_report
from roadworthy.console.session import Session
from roadworthy_packs.client import PacksClient, Shelf

FIELDS = {
    "brand_name": ("Brand", 100), "industry": ("Industry", 200), "product_service": ("Product or service", 1_000),
    "primary_goal": ("Primary goal", 1_000), "target_audience": ("Target audience", 1_000),
}  # fmt: skip
LANGUAGES = {"en": "English", "ko": "한국어"}


class PacksPage:
    """Implements `roadworthy.console.page.Page`."""

    title = "Packs"
    order = 20

    def smoke(self, session: Session) -> ReportSmoke:
        """The smoke test that the page *Admin* offers."""
        return ReportSmoke(PacksClient(session.gateway))

    def render(self, session: Session) -> None:
        """Draw the page."""
        client = PacksClient(session.gateway)
        report_id = st.query_params.get("report")
        if report_id:
            self._report(client, report_id)
            return
        st.html(heading("Packs", soft("client reports that are written by a model and judged section by section"), 1))
        self._order(client, client.packs())
        st.html(heading("Former reports"))
        st.html(history(client.reports(), "packs", offset()))

    def _report(self, client: PacksClient, report_id: str) -> None:
        report = client.report(report_id)
        st.html(heading(report.title, soft(f"pack {report.pack_key}"), 1))
        if st.button("Another report", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
        show_report(client, report_id, f"{report.pack_key}-{report.client_brief.get('brand_name', '')}")

    def _order(self, client: PacksClient, shelf: Shelf) -> None:
        form, contents = st.columns([3, 2], gap="large")
        with form:
            key = st.selectbox(
                "Pack", list(shelf.packs), format_func=lambda one: _text(shelf.packs[one]["title"], "en")
            )
            pack = shelf.packs[key]
            languages = list(LANGUAGES) if pack["language"] == "both" else [pack["language"]]
            language = st.radio("Language", languages, format_func=LANGUAGES.__getitem__, horizontal=True)
            if st.button("Fill in an example"):
                st.session_state.update({f"rw_brief_{name}": shelf.examples[language][name] for name in FIELDS})
            self._brief(client, key, language)
        contents.html(_contents(pack, language))

    def _brief(self, client: PacksClient, key: str, language: str) -> None:
        faults: dict[str, str] = st.session_state.pop("rw_faults", {})
        with st.form("brief", border=False):
            for name, (label, most) in FIELDS.items():
                st.text_input(label, key=f"rw_brief_{name}", max_chars=most)
                if name in faults:
                    st.html(note(faults[name], "bad"))
            if "" in faults:
                st.html(note(faults[""], "bad"))
            if st.form_submit_button("Generate", type="primary"):
                self._generate(client, key, language)

    def _generate(self, client: PacksClient, key: str, language: str) -> None:
        brief = {name: st.session_state[f"rw_brief_{name}"].strip() for name in FIELDS}
        faults = {name: f"{FIELDS[name][0]} is missing." for name, value in brief.items() if not value}
        if not faults:
            try:
                report = client.generate(key, {**brief, "language": language})
            except RemoteError as error:
                name = (error.param or "").removeprefix("client_brief.")
                faults[name if name in FIELDS else ""] = f"{error.what} {error.why} {error.mend}"
            else:
                st.query_params["report"] = report.report_id
        st.session_state["rw_faults"] = faults
        st.rerun()


def _contents(pack: dict[str, Any], language: str) -> Markup:
    rows = [
        (_text(one["title"], language), f"{one['words'].get('min') or 0} to {one['words'].get('max') or 'any'}")
        for one in pack["sections"]
    ]
    told = _text(pack["description"], language)
    return Markup(
        f"{heading(_text(pack['title'], language))}<p>{text(told)}</p>{table(['section', 'words'], rows, (1,))}"
    )


def _text(said: Any, language: str) -> str:
    return str(said[language] if isinstance(said, dict) else said)


page = PacksPage()
