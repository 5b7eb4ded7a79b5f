"""The page drawn by Streamlit's own test runner over a real gateway, worker and store, with a provider that obeys."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packs_gateway import Writer, gateway, good

from doubles import Fault
from rig import Gateway, await_true
from roadworthy_packs import shelf
from roadworthy_packs.brief import Request, Wanted, wanted_of
from roadworthy_packs.pack import said
from roadworthy_packs.smoke import BRIEFS

testing = pytest.importorskip("streamlit.testing.v1")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PACK = shelf.load()["quick_social_basic"]
LIMIT_S = 60


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    with Writer() as made:
        yield made


@pytest.fixture(scope="module")
def running(writer: Writer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("page"), writer) as made:
        await_true(lambda: made.get("/api/aicmo/packs").status_code == 200)  # the worker starts beside the edge
        yield made


def script(url: str) -> None:
    """What the runner draws; it is cut out of this file, so it imports for itself."""
    import streamlit

    from roadworthy.console.session import open_session
    from roadworthy.console.settings import ConsoleSettings
    from roadworthy_packs.page import page

    settings = ConsoleSettings(host="127.0.0.1", port=1, gateway_url=url, admin_url="http://127.0.0.1:1")
    state = streamlit.session_state
    state["rw_session"] = state.get("rw_session") or open_session("none", settings)
    page.render(state["rw_session"])


_opened: list[Any] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    for one in _opened:
        one.session_state["rw_session"].close()
    _opened.clear()


def shown(running: Gateway, report: str = "") -> Any:
    one = testing.AppTest.from_function(script, default_timeout=LIMIT_S, kwargs={"url": running.url})
    if report:
        one.query_params["report"] = report
    _opened.append(one.run())
    assert not one.exception, one.exception
    return one


def html(one: Any) -> str:
    return "\n".join(piece.proto.body for piece in one.get("html"))


def press(one: Any, label: str) -> Any:
    next(button for button in one.button if button.label == label).click()
    one.run()
    assert not one.exception, one.exception
    return one


def fields(one: Any) -> dict[str, Any]:
    return {field.label: field for field in one.text_input}


def ordered(running: Gateway, brand: str) -> Any:
    """The page after an order of the small pack."""
    one = shown(running)
    one.selectbox[0].select("quick_social_basic").run()
    press(one, "Fill in an example")
    fields(one)["Brand"].input(brand)
    return press(one, "Generate")


def ended(one: Any) -> Any:
    """The page when the report is over."""
    deadline = time.monotonic() + LIMIT_S
    while any(button.label == "Cancel" for button in one.button):
        assert time.monotonic() < deadline
        time.sleep(0.3)
        one.run()
    assert not one.exception, one.exception
    return one


def wanted(brand: str) -> Wanted:
    brief = {name: getattr(BRIEFS["en"], name) for name in BRIEFS["en"].__struct_fields__} | {"brand_name": brand}
    return wanted_of(PACK, Request(PACK.key, type(BRIEFS["en"])(**brief)))


def text_of(brand: str) -> dict[str, str]:
    return {said(one.title, "en"): good(wanted(brand), one) for one in PACK.sections}


def test_an_empty_brief_is_told_field_by_field_and_orders_nothing(running: Gateway, writer: Writer) -> None:
    asked = len(writer.asked)
    one = press(shown(running), "Generate")
    assert html(one).count("is missing.") == 5
    press(one, "Fill in an example")
    fields(one)["Brand"].input("...")
    press(one, "Generate")
    assert "It holds no letter and no digit." in html(one)
    assert not one.query_params
    assert len(writer.asked) == asked


def test_a_report_that_passes_is_shown_with_who_wrote_it_and_can_be_taken_along(
    running: Gateway, writer: Writer
) -> None:
    writer.say = text_of("Morning Pier").__getitem__
    one = ended(ordered(running, "Morning Pier"))
    told = html(one)
    assert told.count("rw-section rw-edge-good") == 3
    assert "double/gpt-4.1-mini" in told
    assert "Rejected" not in told
    assert [button.label for button in one.get("download_button")] == [
        f"Download {form}" for form in ("md", "html", "pdf", "docx")
    ]
    again = shown(running, "".join(one.query_params["report"]))
    assert html(again).count("rw-section rw-edge-good") == 3
    assert "Quick social plan: Morning Pier" in html(shown(running))


def test_what_did_not_pass_says_why_struck_out_and_marked_and_is_written_again_alone(
    running: Gateway, writer: Writer
) -> None:
    texts = text_of("Salt Works")
    writer.say = lambda title: "We go VIRAL. " + texts[title] if title == "Three themes" else texts[title]
    one = ended(ordered(running, "Salt Works"))
    told = html(one)
    assert "1 of 3 sections did not pass." in told
    assert "It says what is forbidden: “viral”" in told
    assert "Rejected: not part of the report." in told
    assert re.findall("<mark title=.forbidden terms.>(.*?)</mark>", told) == ["go VIRAL"]
    assert told.count("rw-section rw-edge-good") == 2
    writer.say, asked = texts.__getitem__, len(writer.asked)
    one = ended(press(one, "Retry failed sections"))
    assert html(one).count("rw-section rw-edge-good") == 3
    assert writer.asked[asked:] == ["Three themes"]


def test_html_of_names_and_of_models_is_text(running: Gateway, writer: Writer) -> None:
    brand = "<img src=x onerror=alert(1)> Pier"
    writer.say = lambda title: f"<script>alert(2)</script> {title} " * 3
    one = ended(ordered(running, brand))
    told = html(one)
    assert "<img" not in told
    assert "<script" not in told
    assert "&lt;img src=x onerror=alert(1)&gt; Pier" in told
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in told


def test_while_a_slow_model_writes_the_page_says_so_and_shows_no_text(running: Gateway, writer: Writer) -> None:
    writer.say, writer.faults = text_of("Slow Bay").__getitem__, Fault("delay", seconds=2.0)
    try:
        one = ordered(running, "Slow Bay")
        await_true(lambda: "being written" in html(one.run()))
        told = html(one)
        assert "0 of 3" in told
        assert "not judged yet" in told
        assert "rw-section" not in told
        assert not one.get("download_button")
        one = ended(one)
    finally:
        writer.faults = None
    assert html(one).count("rw-section rw-edge-good") == 3


def test_a_model_that_is_too_slow_gave_no_answer(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Writer() as writer, gateway(tmp_path_factory.mktemp("late"), writer, deadline_s=1.0) as running:
        writer.say, writer.faults = text_of("Late Bay").__getitem__, Fault("hang")
        one = ended(ordered(running, "Late Bay"))
        told = html(one)
        assert "3 of 3 sections did not pass." in told
        assert told.count("rw-section rw-edge-bad") == 3
        assert "timeout" in told
        assert "<del>" not in told
        assert not one.get("download_button")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("close"),
        Fault("status", status=503),
        Fault("html"),
        Fault("empty"),
    ],
    ids=["down", "unavailable", "garbage", "empty"],
)
def test_without_a_good_answer_the_page_says_so_and_shows_no_text(
    running: Gateway, writer: Writer, fault: Fault
) -> None:
    writer.say, writer.faults = text_of("Quiet Bay").__getitem__, fault
    try:
        one = ended(ordered(running, f"Quiet Bay {fault.kind}"))
    finally:
        writer.faults = None
    told = html(one)
    assert "3 of 3 sections did not pass." in told
    assert told.count("rw-section rw-edge-bad") == 3
    assert "<del>" not in told
    assert "no model" in told
    assert not one.get("download_button")
    assert told.count("No answer: double/gpt-4.1-mini") == 3 or "no provider" in told.lower(), told


def test_a_report_is_cancelled_from_the_page(running: Gateway, writer: Writer) -> None:
    writer.say, writer.faults = text_of("Slow Tide").__getitem__, Fault("delay", seconds=3.0)
    try:
        one = ordered(running, "Slow Tide")
        press(one, "Cancel")
        assert "The report was cancelled." in html(one)
    finally:
        writer.faults = None


def test_the_smoke_run_of_the_page(running: Gateway, tmp_path: Path) -> None:
    from roadworthy.client.gateway import GatewayClient
    from roadworthy.console.report_smoke import ReportSmoke
    from roadworthy_packs.client import PacksClient

    with GatewayClient(running.url) as client:
        smoke = ReportSmoke(PacksClient(client))
        reports = sum(len(pack.languages) for pack in shelf.load().values())
        assert ("Reports", str(reports)) in smoke.estimate()
        name = smoke.start()
        assert smoke.start() == name
        smoke.cancel(name)
        assert smoke.progress(name).over
