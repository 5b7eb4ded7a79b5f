"""The console as a person sees it: a real `roadworthy up`, a real Chromium, every page, and no request off the site."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig import Gateway, await_true, needs_model
from rig.browser import chromium

pytestmark = [pytest.mark.browser, needs_model, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CONFIG = """
version: 1
gateway:
  default_route: chat
  providers:
    embedded: {kind: embedded}
    gone: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}
  routes:
    chat: {chain: [embedded/smollm2-135m-instruct], quality: {words: {min: 3}}}
    rescued: {chain: [gone/large, embedded/smollm2-135m-instruct]}
  modes:
    creative: {roles: {writer: [gone/large]}}
    fast: {roles: {writer: [embedded/smollm2-135m-instruct]}}
"""
PAGES = {"Now": "/", "Verify": "/verify", "Journal": "/journal", "Admin": "/admin"}
LIMIT_MS = 60_000
SHOT_BYTES = 200_000


class Looker:
    """A browser window that notes what it asked for."""

    def __init__(self, browser: Any, gateway: Gateway, **kind: Any) -> None:
        self.base = f"http://127.0.0.1:{gateway.console_port}"
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **kind})
        self.context.set_default_timeout(LIMIT_MS)
        self.asked: list[str] = []
        self.said: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _note(self, message: Any) -> None:
        """Keep errors; but a page below the root looks for its server below itself first, and is told 404."""
        probe = "404" in message.text and "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not probe:
            self.said.append(message.text)

    def sign_in(self, gateway: Gateway) -> float:
        """Through a fresh link; seconds until the first page shows."""
        url = gateway.cli("console", "--json").data["url"]
        begin = time.perf_counter()
        self.page.goto(url)
        self.see("Now")
        return time.perf_counter() - begin

    def see(self, title: str) -> None:
        """Wait for a page."""
        self.page.locator(f"h1:has-text('{title}')").wait_for()

    def visit(self, title: str) -> None:
        """Open a page by its address."""
        self.page.goto(self.base + PAGES[title])
        self.see(title)

    @property
    def elsewhere(self) -> list[str]:
        """Requests that left the site."""
        return [url for url in self.asked if not url.startswith((self.base, "data:", "blob:", "about:"))]


def verdict(folder: Path) -> None:
    """A verdict as `verify run` leaves one, and a page that tries what a hostile project could."""
    checks = [
        {"id": "SEC-02", "title": "No credential is easily guessed", "status": "fail", "blocker": True,
         "reason": "1 weak credential.", "remediation": "Take the default out and read it from a secret store.",
         "findings": [{"severity": "critical", "message": "DATABASE_PASSWORD has a value that anybody would guess.",
                       "location": {"path": "src/citrus/sort.py", "line": 6}}]},
        {"id": "QUA-02", "title": "Branches are tested", "status": "fail", "reason": "37.5 % of 80 %.",
         "remediation": "Write tests for the files with the least coverage.",
         "findings": [{"severity": "medium", "message": "The tests reach 37.5 % of the branches; 80 % are asked."}]},
        {"id": "REL-01", "title": "No stub is served when every provider is down", "status": "not_measured",
         "blocker": True, "reason": "No running service was named; give its address with `--service`."},
        {"id": "PER-01", "title": "The 95th percentile holds its limit", "status": "not_measured",
         "reason": "No running service was named; give its address with `--service`."},
        *({"id": f"ART-0{n}", "title": "Model files are what they claim", "status": "pass"} for n in range(1, 8)),
    ]  # fmt: skip
    now = time.time()
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    report = {
        "schema": "roadworthy.readiness/v1", "number": 7, "subject": [{"name": "citrus"}],
        "finished": time.strftime(stamp, time.gmtime(now - 1500)),
        "valid_until": time.strftime(stamp, time.gmtime(now + 28 * 86_400)),
        "verdict": {"decision": "NO-GO", "blockers": ["SEC-02", "REL-01"],
                    "reasons": ["1 blocker failed: SEC-02.", "1 blocker not measured: REL-01.",
                                "Only 71 % of what applies was measured; 90 % is needed."]},
        "score": {"overall": 58.2, "coverage": 0.712}, "checks": checks,
        "previous": {"decision": "NO-GO", "overall": 61.0, "number": 6,
                     "deltas": [{"check": "SEC-02", "before": "pass", "after": "fail"}]},
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(report))
    hostile = "<script>parent.document.title='taken';document.title='taken'</script>"
    (folder / "report.html").write_text(
        f'<p id=inside>the whole report</p>{hostile}<img src=x onerror="{hostile[8:-9]}">'
    )


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    pytest.importorskip("streamlit")
    folder = tmp_path_factory.mktemp("console")
    verdict(folder / ".roadworthy" / "verify")
    with Gateway(folder, CONFIG, workers=2, jobs=True, console=True) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def looker(browser: Any, gateway: Gateway) -> Iterator[Looker]:
    made = Looker(browser, gateway)
    yield made
    made.context.close()


def test_the_link_of_up_signs_in_once(browser: Any, gateway: Gateway) -> None:
    # Where an application is installed that has a page, the link leads there; the page Now is what is looked for here.
    url = gateway.told["console_url"].partition("&")[0]
    first, second = Looker(browser, gateway), Looker(browser, gateway)
    first.page.goto(url)
    first.see("Now")
    assert "ticket" not in first.page.url
    second.page.goto(url)
    second.page.get_by_text("This sign-in link is not valid.").wait_for()
    second.page.goto(second.base + "/journal")
    assert second.page.url.endswith("/sign-in?next=/journal")
    second.page.get_by_label("Admin key").fill(gateway.told["admin_key"])
    second.page.keyboard.press("Enter")
    second.see("Journal")
    for each in (first, second):
        each.context.close()


def test_every_page_opens_and_nothing_leaves_the_site(looker: Looker, gateway: Gateway) -> None:
    print(f"\nfirst content after {looker.sign_in(gateway):.2f} s")
    for title in PAGES:
        begin = time.perf_counter()
        looker.page.get_by_role("link", name=title, exact=True).click()
        looker.see(title)
        print(f"{title} after {1000 * (time.perf_counter() - begin):.0f} ms")
    looker.visit("Journal")
    looker.page.get_by_role("button", name="Check the chain").click()
    looker.page.get_by_text("The chain is whole.").wait_for()
    looker.visit("Now")
    looker.page.get_by_role("button", name="Check LLM Health").click()
    looker.page.get_by_text("llm_ready").wait_for()
    looker.page.locator(".rw-chart img").first.wait_for()
    assert len(looker.asked) > 50
    assert looker.elsewhere == []
    assert looker.said == []


def test_a_hostile_report_runs_no_script(looker: Looker, gateway: Gateway) -> None:
    looker.sign_in(gateway)
    looker.visit("Verify")
    title = looker.page.title()
    looker.page.get_by_text("Read it here").click()
    looker.page.frame_locator("iframe").locator("#inside").wait_for()
    looker.page.wait_for_timeout(500)
    assert looker.page.title() == title
    assert looker.said
    assert all("Content Security Policy" in one or "404" in one or "Failed to load" in one for one in looker.said)


def test_it_is_used_by_keyboard_alone(looker: Looker, gateway: Gateway) -> None:
    looker.sign_in(gateway)
    for _ in range(40):
        looker.page.keyboard.press("Tab")
        if looker.page.evaluate("document.activeElement.textContent").strip() == "Check LLM Health":
            break
    looker.page.keyboard.press("Enter")
    looker.page.get_by_text("llm_ready").wait_for()
    looker.visit("Journal")
    looker.page.locator("summary").first.focus()
    looker.page.keyboard.press("Enter")
    looker.page.locator(".rw-tries").first.wait_for()


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any, gateway: Gateway) -> None:
    phone = Looker(browser, gateway, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.sign_in(gateway)
    for title in PAGES:
        phone.visit(title)
        phone.page.wait_for_timeout(500)
        assert phone.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390, title
    phone.context.close()


def test_a_killed_console_comes_back_and_nobody_signs_in_again(looker: Looker, gateway: Gateway) -> None:
    looker.sign_in(gateway)
    looker.visit("Journal")
    before = gateway.pids["console"]
    os.kill(before, signal.SIGKILL)
    await_true(lambda: gateway.pids.get("console", before) != before)
    looker.page.get_by_role("button", name="Look again").wait_for()
    # The page reconnects by itself; what it shows then comes from the new process.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        looker.page.wait_for_timeout(1000)
        looker.page.get_by_role("button", name="Check the chain").click()
        if looker.page.get_by_text("The chain is whole.").count():
            break
    assert looker.page.get_by_text("The chain is whole.").count() == 1
    assert "sign-in" not in looker.page.url
    looker.visit("Now")


def test_signing_out_ends_every_tab(looker: Looker, gateway: Gateway) -> None:
    looker.sign_in(gateway)
    other = looker.context.new_page()
    other.goto(looker.base + "/journal")
    other.locator("h1:has-text('Journal')").wait_for()
    looker.page.get_by_role("link", name="Sign out").click()
    looker.page.get_by_role("button", name="Sign out").click()
    looker.page.get_by_text("You are signed out.").wait_for()
    other.reload()
    other.get_by_text("Sign in to the console").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "tail"), [(1280, ""), (390, "-phone")])
def test_pictures(browser: Any, gateway: Gateway, tmp_path: Path, scheme: str, width: int, tail: str) -> None:
    """Looks of every page; they are written to the folder that PICTURES names, and nowhere that stays without it."""
    folder = Path(os.environ.get("PICTURES") or tmp_path)
    looker = Looker(browser, gateway, viewport={"width": width, "height": 900}, color_scheme=scheme)
    looker.sign_in(gateway)
    for _ in range(3):
        gateway.ask(model="rescued", max_tokens=12)
    for title in PAGES:
        looker.visit(title)
        if title == "Now":
            looker.page.get_by_role("button", name="Check LLM Health").click()
            looker.page.get_by_text("llm_ready").wait_for()
            looker.page.mouse.move(5, 5)
            looker.page.locator(".rw-chart img").first.wait_for()
        if title == "Journal":
            looker.page.locator("summary").nth(1).click()
        looker.page.wait_for_timeout(1500)
        height = looker.page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
        looker.page.set_viewport_size({"width": width, "height": max(900, min(int(height), 2200))})
        looker.page.wait_for_timeout(400)
        path = folder / f"console-{title.lower()}-{scheme}{tail}.png"
        looker.page.screenshot(path=path)
        looker.page.set_viewport_size({"width": width, "height": 900})
        _smaller(path)
        assert 5_000 < path.stat().st_size < SHOT_BYTES, path
    looker.context.close()


def _smaller(path: Path) -> None:
    """The same picture in 256 colours: a page has few, and the repository keeps every version."""
    image = pytest.importorskip("PIL.Image")
    with image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(256, dither=0)
    reduced.save(path, optimize=True)
