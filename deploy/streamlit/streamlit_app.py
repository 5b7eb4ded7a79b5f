"""The page Packs on Streamlit Community Cloud, against a gateway that runs elsewhere.

Its secrets (App settings, Secrets) name the gateway and a key with the scope `use`:

    gateway_url = "https://gateway.example.com"
    gateway_key = "rw_..."

Whoever can open the app can order reports with that key: give it a budget of its own, and let only people in whom you
mean to (App settings, Sharing).

The requirements beside this file are locked with hashes, which a folder cannot have: so the product is not installed
there but imported from the repository, whose revision pins it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

_ROOT = Path(__file__).resolve().parents[2]
for _folder in ("apps/packs/src", "src"):
    if str(_ROOT / _folder) not in sys.path:
        sys.path.insert(0, str(_ROOT / _folder))

from roadworthy.console.frame import drawn, style
from roadworthy.console.markup import Markup, code, heading, note
from roadworthy.console.page import Listed
from roadworthy.console.session import open_session
from roadworthy.console.settings import ConsoleSettings
from roadworthy.core.errors import RoadworthyError
from roadworthy_packs.page import page

NAMES = ("gateway_url", "gateway_key")


def told() -> dict[str, str]:
    """The secrets that are there; none without a file of them."""
    try:
        return {name: str(st.secrets[name]) for name in NAMES if name in st.secrets}
    except FileNotFoundError:
        return {}


def show() -> None:
    """Draw the page, or what is missing for it."""
    st.set_page_config(page_title="Packs", layout="wide")
    st.html(style())
    found = told()
    missing = [name for name in NAMES if not found.get(name)]
    if missing:
        names = Markup(", ".join(code(name) for name in missing))
        where = Markup(f"{names}: set in the app's settings, under Secrets. The key needs the scope {code('use')}.")
        st.html(heading("Packs", level=1) + note(where, "bad", "Secrets are missing."))
        return
    # Kept with the view: parts of the page refresh by themselves and use its connections.
    if "rw_session" not in st.session_state:
        address = found["gateway_url"].rstrip("/")
        settings = ConsoleSettings("127.0.0.1", 8501, gateway_url=address, admin_url=address)
        try:
            st.session_state["rw_session"] = open_session(found["gateway_key"], settings)
        except RoadworthyError as error:
            st.html(heading("Packs", level=1) + note(f"{error.why} {error.mend}", "bad", error.what))
            return
    drawn(Listed(page.title, page.order, page.render, page), st.session_state["rw_session"])


show()
