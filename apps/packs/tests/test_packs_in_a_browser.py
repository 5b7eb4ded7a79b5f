"""From the link of `up` to a finished report as a person sees it: a real Chromium, a real gateway, kills in between."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packs_gateway import Writer, gateway, good

from doubles import Fault
from rig import Gateway, await_true
from rig.browser import chromium
from roadworthy_packs import shelf
from roadworthy_packs.brief import Request, wanted_of
from roadworthy_packs.pack import said
from roadworthy_packs.smoke import BRIEFS

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PACK = shelf.load()["quick_social_basic"]
TEXTS = {said(one.title, "en"): good(wanted_of(PACK, Request(PACK.key, BRIEFS["en"])), one) for one in PACK.sections}
LIMIT_MS = 60_000
SHOT_BYTES = 200_000


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    with Writer() as made:
        yield made


@pytest.fixture(scope="module")
def running(writer: Writer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("browser"), writer, console=True) as made:
        await_true(lambda: made.get("/api/aicmo/packs").status_code == 200)  # the worker starts beside the edge
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Any, running: Gateway, writer: Writer) -> Iterator[Any]:
    """A browser window of somebody who signed in and is on the page."""
    writer.say, writer.faults = TEXTS.__getitem__, None
    context = signed_in(browser, running, viewport={"width": 1280, "height": 900})
    yield context.pages[0]
    context.close()


def signed_in(browser: Any, running: Gateway, **kind: Any) -> Any:
    context = browser.new_context(**kind)
    context.set_default_timeout(LIMIT_MS)
    one = context.new_page()
    link = running.cli("console", "--json").data["url"]
    one.goto(link.split("?")[0] + "?next=/packs&" + link.split("?")[1])
    button(one, "Fill in an example").wait_for()
    return context


def button(one: Any, name: str) -> Any:
    return one.get_by_role("button", name=name)


def choose(one: Any) -> None:
    """The small pack with the example's brief."""
    one.get_by_role("combobox").first.click()
    one.get_by_role("option", name="Quick social plan").click()
    one.get_by_text("Whom we talk to").wait_for()
    button(one, "Fill in an example").click()
    filled = pytest.importorskip("playwright.sync_api").expect(one.get_by_label("Brand"))
    filled.to_have_value("Northwind Coffee", timeout=LIMIT_MS)


def order(one: Any) -> str:
    """Order it; gives the address of the report."""
    choose(one)
    button(one, "Generate").click()
    one.wait_for_url(re.compile("report="))
    return str(one.url)


def passed(one: Any) -> Any:
    return one.locator("section.rw-edge-good")


def test_up_leads_to_the_page_and_the_page_to_a_report(page: Any, running: Gateway, writer: Writer) -> None:
    assert running.told["console_url"].endswith("&next=/packs")
    assert running.told["application"] == "packs"
    writer.faults = Fault("delay", seconds=1.5)
    url = order(page)
    page.get_by_text("being written").first.wait_for()
    other = page.context.new_page()
    other.goto(url)  # a second tab follows the same run
    button(page, "Download md").wait_for()
    button(other, "Download md").wait_for()
    assert passed(page).count() == passed(other).count() == 3
    with page.expect_download() as arriving:
        button(page, "Download md").click()
    text = Path(arriving.value.path()).read_text()
    assert text.startswith("# Quick social plan: Northwind Coffee")
    assert all(said in text for said in TEXTS.values())
    page.reload()
    button(page, "Download pdf").wait_for()
    assert writer.asked.count("Three themes") == 1
    button(page, "Another report").click()
    page.get_by_role("link", name="Quick social plan: Northwind Coffee").first.click()
    page.wait_for_url(re.compile("report="))


def test_it_is_used_by_keyboard_alone(page: Any) -> None:
    page.get_by_label("Brand").focus()
    for word in ("Pier", "perfume", "eau de toilette", "sell it", "travellers"):
        page.keyboard.type(word)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the button behind the last field
    page.wait_for_url(re.compile("report="))
    page.get_by_role("heading", name="Pier").wait_for()


def test_html_of_a_name_runs_nothing(page: Any) -> None:
    said_by_page: list[str] = []
    page.on("dialog", lambda dialog: (said_by_page.append(dialog.message), dialog.dismiss()))
    choose(page)
    page.get_by_label("Brand").fill("<img src=x onerror=alert(1)>Pier")
    button(page, "Generate").click()
    page.get_by_role("heading", name="<img src=x onerror=alert(1)>Pier").wait_for()
    button(page, "Retry failed sections").wait_for()
    assert page.locator("section.rw-section img").count() == 0
    assert not said_by_page


@pytest.mark.parametrize("victim", ["edge-0", "worker", "console"])
def test_a_kill_in_the_middle_loses_nothing_and_writes_nothing_twice(
    page: Any, running: Gateway, writer: Writer, victim: str
) -> None:
    before = len(writer.asked)
    writer.faults = Fault("delay", seconds=2.0)
    order(page)
    passed(page).first.wait_for()
    names = [name for name in running.pids if name.startswith(victim)]
    assert names, running.pids
    for name in names:
        os.kill(running.pids[name], signal.SIGKILL)
    button(page, "Download md").wait_for()
    assert passed(page).count() == 3
    asked = writer.asked[before:]
    under_way = 2 if victim != "console" else 0  # asked when the process died: their answers reached nobody
    assert len(asked) <= 3 + under_way, asked
    assert set(asked) == set(TEXTS)


def test_a_provider_that_is_down_is_told_and_no_text_appears(page: Any, writer: Writer) -> None:
    writer.faults = Fault("close")
    order(page)
    page.get_by_text("3 of 3 sections did not pass.").wait_for()
    assert passed(page).count() == 0
    assert page.locator("section.rw-section").first.inner_text().count("No answer") == 1
    assert page.locator("del").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(browser: Any, running: Gateway, writer: Writer, tmp_path: Path, scheme: str) -> None:
    """Written to the folder that PICTURES names, and nowhere that stays without it."""
    folder = Path(os.environ.get("PICTURES") or tmp_path)
    await_true(lambda: running.get("/health").json()["status"] == "ok")
    context = signed_in(browser, running, viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    one = context.pages[0]
    choose(one)
    shot(one, folder / f"packs-brief-{scheme}.png")
    writer.say, writer.faults = TEXTS.__getitem__, Fault("delay", seconds=3.0)
    button(one, "Generate").click()
    passed(one).first.wait_for()
    shot(one, folder / f"packs-progress-{scheme}.png")
    button(one, "Download md").wait_for()
    shot(one, folder / f"packs-report-{scheme}.png", 1300)
    writer.say = lambda title: "We go viral. " + TEXTS[title] if title == "Three themes" else TEXTS[title]
    writer.faults = None
    button(one, "Another report").click()
    button(one, "Fill in an example").wait_for()
    order(one)
    button(one, "Retry failed sections").wait_for()
    shot(one, folder / f"packs-rejected-{scheme}.png", 1300)
    one.set_viewport_size({"width": 390, "height": 1400})
    shot(one, folder / f"packs-rejected-{scheme}-phone.png", 1400)
    assert one.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def shot(one: Any, path: Path, height: int = 1000) -> None:
    """The same picture in 128 colours: a page has few, and the repository keeps every version."""
    one.set_viewport_size({"width": one.viewport_size["width"], "height": height})
    one.mouse.move(5, 5)
    one.wait_for_timeout(700)
    one.screenshot(path=path)
    image = pytest.importorskip("PIL.Image")
    with image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(128, dither=0)
    reduced.save(path, optimize=True)
    assert 5_000 < path.stat().st_size < SHOT_BYTES, path
