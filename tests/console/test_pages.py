"""Every page, drawn by Streamlit's own test runner over a real `roadworthy up` with the embedded model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig import Gateway, needs_model

testing = pytest.importorskip("streamlit.testing.v1")

pytestmark = [
    needs_model,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

CONFIG = """
version: 1
gateway:
  default_route: chat
  providers:
    embedded: {kind: embedded}
    gone: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}
  routes:
    chat: {chain: [embedded/smollm2-135m-instruct]}
    rescued: {chain: [gone/m, embedded/smollm2-135m-instruct]}
"""
LIMIT_S = 120


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("console"), CONFIG, workers=1) as running:
        for _ in range(4):
            running.ask(model="rescued", max_tokens=8)
        yield running


def script(module: str, settings: dict[str, object], key: str) -> None:
    """What the runner draws; it is cut out of this file, so it imports for itself."""
    import importlib

    import streamlit

    from roadworthy.console.frame import OWN
    from roadworthy.console.session import open_session
    from roadworthy.console.settings import ConsoleSettings

    page = importlib.import_module(f"roadworthy.console.{module}")
    state = streamlit.session_state
    session = state["rw_session"] = state.get("rw_session") or open_session(key, ConsoleSettings(**settings))
    page.render(session, OWN) if module == "page_admin" else page.render(session)


_opened: list[Any] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Connections of the views of a test end with it."""
    yield
    for page in _opened:
        page.session_state["rw_session"].close()
    _opened.clear()


def shown(gateway: Gateway, module: str, **change: Any) -> Any:
    """A page as a signed-in owner sees it."""
    settings = {
        "host": "127.0.0.1", "port": 1, "gateway_url": gateway.url, "route": "chat",
        "admin_url": f"http://127.0.0.1:{gateway.control_port}", "verify_dir": str(gateway.folder / "verify"), **change,
    }  # fmt: skip
    kwargs = {"module": module, "settings": settings, "key": gateway.told["admin_key"]}
    page = testing.AppTest.from_function(script, default_timeout=LIMIT_S, kwargs=kwargs).run()
    _opened.append(page)
    assert not page.exception, page.exception
    return page


def text(page: Any) -> str:
    """All HTML of a page."""
    return "\n".join(str(one.proto.body) for one in page.get("html"))


def press(page: Any, label: str) -> Any:
    """Click a button by its label."""
    page = next(one for one in page.button if one.label == label).click().run()
    assert not page.exception, page.exception
    return page


def test_now(gateway: Gateway) -> None:
    page = shown(gateway, "page_now")
    told = text(page)
    assert "LLM Mode: DEV/LOCAL" in told
    for word in ("embedded/smollm2-135m-instruct", "gone/m", "Requests since start", "Processes", "edge-0", "As of"):
        assert word in told
    told = text(press(page, "Check LLM Health"))
    for word in ("llm_ready", "used_stub", "quality_passed", "served_by", "latency", "asked"):
        assert word in told


def test_now_resets_a_breaker(gateway: Gateway) -> None:
    page = shown(gateway, "page_now")
    assert page.selectbox[0].options == ["gone/m"]
    page = press(page, "Reset")
    assert [one.value for one in page.success] == ["Reset in 1 worker."]


def test_now_without_a_gateway_says_so_and_shows_no_zero(gateway: Gateway) -> None:
    page = shown(gateway, "page_now", admin_url="http://127.0.0.1:9", gateway_url="http://127.0.0.1:9")
    told = text(page)
    assert "LLM Mode: unknown" in told
    assert "The status could not be read." in told
    assert told.count('class="rw-unknown"') >= 4
    assert "No gateway answers" in text(press(page, "Check LLM Health"))


def test_journal(gateway: Gateway) -> None:
    page = shown(gateway, "page_journal")
    told = text(page)
    assert "connect_failed" in told
    assert "rescued" in told
    page.selectbox[0].select("fell back").run()
    assert text(page).count("<summary>") == text(page).count("fell back because of")
    page.text_input[0].input("no such words").run()
    assert "No request fits." in text(page)
    assert "The chain is whole." in text(press(page, "Check the chain"))
    page = shown(gateway, "page_journal")
    page.segmented_control[0].set_value("Other entries").run()
    assert "key.created" in text(page)


def test_admin_runs_the_live_check(gateway: Gateway) -> None:
    page = shown(gateway, "page_admin")
    assert "No application offers one." in text(page)
    told = text(press(page, "Run Live LLM Check"))
    assert "english-marketing" in told
    assert "embedded/smollm2-135m-instruct" in told


def test_admin_makes_replaces_and_revokes_keys_and_shows_a_secret_once(gateway: Gateway) -> None:
    page = shown(gateway, "page_admin")
    page.text_input[0].input("made-here")
    page = press(page, "Make it")
    secret = page.code[0].value
    assert secret.startswith("rw_")
    assert "made-here" in text(page)
    page = press(page, "I have kept it")
    assert not page.code
    next(one for one in page.selectbox if one.label == "Key").select("made-here")
    page = press(page, "Replace it")
    assert page.code[0].value not in ("", secret)
    page = press(page, "I have kept it")
    page.selectbox(key="rw_revoked").select("made-here")
    page = press(page, "Revoke it")
    assert "Tick the box first." in text(page)
    page.checkbox[0].check()
    page = press(page, "Revoke it")
    assert "made-here is revoked." in text(page)


@pytest.mark.parametrize(("name", "what"), [("NO SUCH NAME", "name of the key"), ("", "name of the key"),
                                            ("admin", "exists already")])  # fmt: skip
def test_what_the_api_refuses_is_told(gateway: Gateway, name: str, what: str) -> None:
    page = shown(gateway, "page_admin")
    page.text_input[0].input(name)
    assert what in text(press(page, "Make it"))


def test_verify_without_a_verdict_says_how_to_make_one(gateway: Gateway, tmp_path: Path) -> None:
    assert "There is no verdict yet." in text(shown(gateway, "page_verify", verify_dir=str(tmp_path)))


def test_verify_tells_the_verdict_before_what_is_not_measured_before_the_score(
    gateway: Gateway, tmp_path: Path
) -> None:
    hostile = "<script>alert(1)</script>"
    finding = {"severity": "high", "message": hostile, "location": {"path": hostile, "line": 3}}
    checks = [
        {"id": "A", "title": hostile, "status": "fail", "reason": hostile, "findings": [finding]},
        {"id": "B", "title": "b", "status": "not_measured", "blocker": True, "reason": "no service"},
    ]
    (tmp_path / "report.json").write_text(json.dumps({
        "schema": "roadworthy.readiness/v1", "verdict": {"decision": "NO-GO", "reasons": [hostile], "blockers": []},
        "score": {"overall": 16.5, "coverage": 0.5}, "checks": checks, "valid_until": "2020-01-01T00:00:00Z",
    }))  # fmt: skip
    (tmp_path / "report.html").write_text("<p>whole</p>")
    page = shown(gateway, "page_verify", verify_dir=str(tmp_path))
    told = text(page)
    assert told.index("NO-GO") < told.index("Not measured") < told.index("no service") < told.index("16.5")
    assert told.index("16.5") < told.index("&lt;/script&gt;:3")
    assert hostile not in told
    assert "This verdict has expired." in told
    assert "first run of its chain" in told
