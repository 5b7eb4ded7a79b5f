"""The commands of packs beside a real gateway: files, exit codes, live check, smoke run, nightly regression."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from packs_gateway import Writer, gateway, good

from doubles import Fault
from rig import Gateway, await_true
from rig.gateway import COMMAND
from roadworthy_packs import shelf
from roadworthy_packs.brief import Request, wanted_of
from roadworthy_packs.pack import said
from roadworthy_packs.smoke import BRIEFS

pytestmark = pytest.mark.slow

PACK = shelf.load()["quick_social_basic"]
TEXTS = {
    said(one.title, language): good(wanted_of(PACK, Request(PACK.key, BRIEFS[language])), one)
    for one in PACK.sections
    for language in PACK.languages
}
NIGHTLY = Path(__file__).parents[1] / "nightly.yaml"
BRANDS = "Northwind Coffee, Morning Pier and Plain Wheel are named here. "


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    with Writer() as made:
        yield made


@pytest.fixture(scope="module")
def running(writer: Writer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("commands"), writer) as made:
        await_true(lambda: made.get("/api/aicmo/packs").status_code == 200)  # the worker starts beside the edge
        (made.folder / "brief.yaml").write_text(
            "\n".join(f"{name}: {getattr(BRIEFS['en'], name)}" for name in BRIEFS["en"].__struct_fields__)
        )
        yield made


def test_a_report_as_a_file_and_on_stdout(running: Gateway, writer: Writer) -> None:
    writer.say = TEXTS.__getitem__
    told = running.cli("pack", "generate", "quick_social_basic", "--brief", "brief.yaml", "-o", "report.pdf")
    assert (told.code, told.out) == (0, ""), told
    assert "Three themes: passed by double/gpt-4.1-mini" in told.err
    assert (running.folder / "report.pdf").read_bytes().startswith(b"%PDF")
    told = running.cli("pack", "generate", "quick_social_basic", "--brief", "brief.yaml")
    assert told.code == 0
    assert TEXTS["Three themes"] in told.out


def test_exit_codes_tell_the_gate_from_a_provider_that_is_down(running: Gateway, writer: Writer) -> None:
    order = ("pack", "generate", "quick_social_basic", "--brief", "brief.yaml", "-o", "none.md")
    writer.say = lambda title: "Too short."
    told = running.cli(*order)
    assert (told.code, told.out) == (1, ""), told
    writer.say, writer.faults = TEXTS.__getitem__, Fault("status", status=500)
    told = running.cli(*order)
    writer.faults = None
    assert (told.code, told.out) == (4, ""), told
    assert not (running.folder / "none.md").exists()


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (["no_such_pack", "--brief", "brief.yaml"], "There is no such pack."),
        (["quick_social_basic", "--brand", "Pier"], "client_brief.industry"),
        (["quick_social_basic", "--brief", "brief.yaml", "-o", "report.txt"], "names no format"),
    ],
)
def test_misuse_is_told_before_anything_is_asked(running: Gateway, writer: Writer, given: list[str], word: str) -> None:
    asked = len(writer.asked)
    told = running.cli("pack", "generate", *given)
    assert told.code not in {0, 1}
    assert word in told.err
    assert "Traceback" not in told.err
    assert len(writer.asked) == asked


def test_the_live_check_is_good_only_when_both_reports_passed(running: Gateway, writer: Writer) -> None:
    await_true(lambda: running.ask().status_code == 200)  # the breaker of the test before
    writer.say = TEXTS.__getitem__
    assert running.cli("pack", "live-check").code == 0
    writer.say = lambda title: "Too short." if title == "Three themes" else TEXTS[title]
    assert running.cli("pack", "live-check").code == 1


def test_a_smoke_run_asks_before_it_costs_money(running: Gateway, writer: Writer) -> None:
    writer.say = TEXTS.__getitem__
    asked = len(writer.asked)
    refused = running.cli("pack", "smoke", "quick_social_basic")
    assert refused.code != 0
    assert len(writer.asked) == asked
    told = running.cli("pack", "smoke", "quick_social_basic", "--yes", "--json")
    assert told.code == 0, told
    assert [(one["name"], one["state"]) for one in told.data["reports"]] == [("quick_social_basic", "passed")] * 2


@pytest.mark.parametrize("words", ["smoke quick_social_basic --yes", "generate quick_social_basic --brief brief.yaml"])
def test_ctrl_c_ends_the_command_and_says_how_to_end_the_work(running: Gateway, writer: Writer, words: str) -> None:
    writer.say, writer.faults = TEXTS.__getitem__, Fault("delay", seconds=2.0)
    try:
        with (running.folder / "told").open("wb+") as told:
            command = subprocess.Popen(
                [*COMMAND, "pack", *words.split()], cwd=running.folder, env=running.environ, stdout=told, stderr=told
            )
            await_true(lambda: "  " in (running.folder / "told").read_text())
            command.send_signal(signal.SIGINT)
            assert command.wait(20) == 130
        said = (running.folder / "told").read_text()
        assert "goes on without this command" in said
        assert "Traceback" not in said
        order = said.partition("To end it: roadworthy ")[2].splitlines()[0].split()
        stopped = running.cli(*order, "--json")
        assert (stopped.code, stopped.data["state"]) == (0, "cancelled"), stopped
        again = running.cli(*order)
        assert (again.code, again.out.strip()) == (0, f"{order[-1]} is cancelled."), again
    finally:
        writer.faults = None


def test_the_nightly_regression_asks_packs_in_openais_shape(running: Gateway, writer: Writer) -> None:
    writer.say = lambda title: BRANDS + TEXTS[title].replace("Northwind Coffee", "The brand")
    order = ("verify", "nightly", str(NIGHTLY), "--service", f"{running.url}/api/aicmo", "--take-as-good")
    first = running.cli(*order)
    assert first.code in {0, 4}, first
    second = running.cli(*order[:-1])
    assert second.code == 0, second
