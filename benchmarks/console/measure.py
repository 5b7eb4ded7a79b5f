"""What the console costs and how long it takes, printed and not judged: python benchmarks/console/measure.py

Starts `roadworthy up` with the embedded model in a folder of its own, and chromium by Playwright. First content
is measured in a fresh browser profile each time (nothing in its cache); the first of them also finds a console that has
served nobody. Ten tabs look at the page Now at rest; their CPU is that of the console process, and of all processes of
the product, from /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
PORTS = ("GATEWAY__PORT", "CONTROL__PORT", "CONSOLE__PORT")


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Product:
    """A running `roadworthy up`."""

    def __init__(self, folder: Path, first_port: int) -> None:
        self.folder = folder
        ports = {f"ROADWORTHY_{name}": str(first_port + place) for place, name in enumerate(PORTS)}
        self.environ = {**os.environ, **ports}
        self.command = [sys.executable, "-m", "roadworthy"]
        self.process = subprocess.Popen(
            [*self.command, "up", "--json"], cwd=folder, env=self.environ, stdout=subprocess.PIPE,
            stderr=(folder / "log").open("wb"),
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit((folder / "log").read_text())
        self.told = json.loads(line)["data"]

    def link(self) -> str:
        """A fresh link that signs in."""
        made = subprocess.run(
            [*self.command, "console", "--json"], cwd=self.folder, env=self.environ, capture_output=True, check=True
        )
        return str(json.loads(made.stdout)["data"]["url"])

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        told = json.loads((self.folder / ".roadworthy/run/processes.json").read_text())
        return {one["name"]: one["pid"] for one in told["children"] if one["pid"]}

    def stop(self) -> None:
        """Ask it to end."""
        self.process.terminate()
        self.process.wait(60)


def first_content(browser: Any, product: Product, asked: list[str]) -> float:
    """Seconds from opening the link to the first page, in a fresh profile."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.on("request", lambda request: asked.append(request.url))
    page, url = context.new_page(), product.link()
    begin = time.perf_counter()
    page.goto(url)
    page.locator("h1:has-text('Now')").wait_for(timeout=60_000)
    took = time.perf_counter() - begin
    context.close()
    return took


WATCH = """() => {
  document.addEventListener('click', () => { window.clicked = performance.now(); window.seen = null; }, true);
  new MutationObserver(() => {
    if (window.seen) return;
    for (const head of document.querySelectorAll('h2'))
      if (head.innerText.startsWith(window.wanted)) window.seen = performance.now();
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def clicks(page: Any, times: int) -> list[float]:
    """Milliseconds from a click on a filter of the journal to what it shows: no model, one call of the admin API.

    Both moments are taken in the page, by its own clock: what drives the browser needs as long again for itself.
    """
    found = []
    page.get_by_role("link", name="Journal", exact=True).click()
    page.locator("h1:has-text('Journal')").wait_for()
    page.locator("h2:has-text('Requests')").wait_for()
    page.evaluate(WATCH)
    for number in range(times):
        wanted = ["Other entries", "Requests"][number % 2]
        page.wait_for_timeout(300)
        page.evaluate("wanted => { window.wanted = wanted; }", wanted)
        page.get_by_role("radio", name=wanted).or_(page.get_by_role("button", name=wanted)).first.click()
        page.locator(f"h2:has-text('{wanted}')").wait_for()
        found.append(page.evaluate("() => window.seen - window.clicked"))
    return found


def at_rest(
    context: Any, base: str, product: Product, tabs: int, settle_s: float, seconds: float
) -> tuple[float, float]:
    """Cores that the console, and the whole product, use while tabs look at Now and nothing happens."""
    for _ in range(tabs):
        page = context.new_page()
        page.goto(base)
        page.locator("h1:has-text('Now')").wait_for(timeout=60_000)
    time.sleep(settle_s)
    pids = product.pids()
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    used = {name: (cpu_s(pid) - before[name]) / seconds for name, pid in pids.items()}
    return used["console"], sum(used.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=18_080, help="first of three ports")
    parser.add_argument("--times", type=int, default=5, help="first contents that are measured")
    parser.add_argument("--tabs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long tabs at rest are measured")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("chromium is not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        product = Product(Path(folder), given.port)
        base = f"http://127.0.0.1:{given.port + 2}"
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"console before anybody looked: {memory_mb(product.pids()['console']):.0f} MB")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        asked: list[str] = []
        first = [first_content(browser, product, asked) for _ in range(given.times)]
        print("first content, fresh profile, s: " + " ".join(f"{one:.2f}" for one in first))
        away = [url for url in asked if not url.startswith((base, "data:", "blob:"))]
        print(f"requests of one first content: {len(asked) // given.times}; off the site: {len(away)}")
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(product.link())
        page.locator("h1:has-text('Now')").wait_for()
        took = clicks(page, 21)[1:]
        print(f"click to answer, ms: median {statistics.median(took):.0f}, most {max(took):.0f} of {len(took)}")
        page.close()
        for settle in (5.0, 40.0):
            console, whole = at_rest(context, base, product, given.tabs if settle == 5.0 else 0, settle, given.seconds)
            when = "from their first minute on" if settle == 5.0 else "when nothing changed for longer"
            print(f"{given.tabs} tabs at rest, {when}: console {console:.2f} cores, whole product {whole:.2f}")
        print(f"console with {given.tabs} tabs: {memory_mb(product.pids()['console']):.0f} MB")
        browser.close()
        product.stop()


if __name__ == "__main__":
    main()
