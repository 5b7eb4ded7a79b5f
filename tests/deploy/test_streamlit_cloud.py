"""The entry for Streamlit Community Cloud: what is missing is said, and its versions are the pinned ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

testing = pytest.importorskip("streamlit.testing.v1")
pytest.importorskip("roadworthy_packs")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "streamlit"


def shown(secrets: dict[str, str]) -> Any:
    one = testing.AppTest.from_file(str(FOLDER / "streamlit_app.py"), default_timeout=30)
    for name, value in secrets.items():
        one.secrets[name] = value
    one.run()
    if "rw_session" in one.session_state:
        one.session_state["rw_session"].close()
    return one


def html(one: Any) -> str:
    return "\n".join(piece.proto.body for piece in one.get("html"))


@pytest.mark.parametrize(
    ("secrets", "named"),
    [({}, ["gateway_url", "gateway_key"]), ({"gateway_url": "http://127.0.0.1:9"}, ["gateway_key"])],
    ids=["none", "no key"],
)
def test_missing_secrets_are_named(secrets: dict[str, str], named: list[str]) -> None:
    one = shown(secrets)
    assert not one.exception
    told = html(one)
    assert "Secrets are missing." in told
    assert re.findall("<code>(gateway_[a-z]+)</code>", told) == named


def test_a_gateway_that_does_not_answer_is_told_without_a_traceback_and_without_the_key() -> None:
    one = shown({"gateway_url": "http://127.0.0.1:9/", "gateway_key": "rw_a-key-of-nobody-000"})
    assert not one.exception
    assert "No gateway answers at http://127.0.0.1:9." in html(one)
    assert "rw_a-key" not in html(one)


@pytest.mark.parametrize(
    ("secrets", "word"),
    [
        ({"gateway_url": "gateway.example.com", "gateway_key": "rw_a-key-of-nobody-000"}, "The address of the gateway"),
        ({"gateway_url": "http://127.0.0.1:9", "gateway_key": "rw_a-key\nof-nobody"}, "The key is not usable."),
    ],
    ids=["address", "key"],
)
def test_secrets_that_cannot_be_used_are_told_without_a_traceback(secrets: dict[str, str], word: str) -> None:
    one = shown(secrets)
    assert not one.exception
    assert word in html(one)
    assert "rw_a-key" not in html(one)


def test_requirements_are_in_the_repository_and_pinned_as_elsewhere() -> None:
    lines = [line for line in (FOLDER / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    locked = (ROOT / "requirements" / "run.txt").read_text()
    for line in lines:
        if line.startswith("."):
            assert (ROOT / line.partition("[")[0] / "pyproject.toml").is_file(), line
        else:
            assert f"\n{line} \\\n" in locked, line
    extras = re.findall(r"\[(.*)\]", lines[0])[0].split(",")
    project = (ROOT / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in project for extra in extras)
