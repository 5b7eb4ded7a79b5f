"""Commands of installed applications beside ours: listed, loaded on use, refused when their noun is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.applications import install, on_path
from roadworthy.core.errors import Exit

COMMAND = '''
import click
from roadworthy.cli.output import Settings, options
from roadworthy.core.errors import UsageError

@click.group()
def stall() -> None:
    """Look after the stall."""

@stall.command("open")
@click.argument("name")
@options
def open_(name: str, out: Settings) -> None:
    """Open the stall."""
    if name == "none":
        raise UsageError("There is no such stall.")
    out.emit({"open": name}, f"{name} is open.")

NONE = "no command"
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nouns")
    nouns = {"stall": "stall_command:stall", "config": "stall_command:stall", "lost": "nowhere:x",
             "odd": "stall_command:NONE"}  # fmt: skip
    install(folder, "stalls", applications={}, commands=nouns, modules={"stall_command": COMMAND}, summary="Stalls.")
    return folder


def roadworthy(site: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **on_path(site), "NO_COLOR": "1", **environ}
    return subprocess.run([sys.executable, "-m", "roadworthy", *words], capture_output=True, text=True, env=env)


def test_they_are_listed_after_ours_and_not_imported(site: Path) -> None:
    done = roadworthy(site, "--help")
    assert done.returncode == 0
    ours, _, added = done.stdout.partition("Applications:")
    assert "version " in ours
    assert "  stall" not in ours
    assert {"config", "lost", "odd", "stall"} <= {line.split()[0] for line in added.strip().splitlines()}
    assert "config  Not usable: stalls offers a noun that is taken." in added
    assert "stall   Stalls." in added


def test_they_speak_as_ours_do(site: Path) -> None:
    done = roadworthy(site, "stall", "open", "north", "--json")
    assert (done.returncode, json.loads(done.stdout)["data"]) == (0, {"open": "north"})
    refused = roadworthy(site, "stall", "open", "none", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["error"]["code"]) == (Exit.MISUSE, "invalid_request")
    assert "Did you mean `stall`?" in roadworthy(site, "stal").stderr


def test_a_noun_of_ours_stays_ours(site: Path) -> None:
    assert "configuration" in roadworthy(site, "config", "--help").stdout


@pytest.mark.parametrize("noun", ["lost", "odd"])
def test_a_command_that_cannot_be_loaded_is_told(site: Path, noun: str) -> None:
    done = roadworthy(site, noun)
    assert done.returncode == Exit.CONFIGURATION
    assert "error[extra_missing]" in done.stderr
    assert "stalls" in done.stderr
    assert "Traceback" not in done.stderr


def test_completion_knows_them(site: Path) -> None:
    asked = {"_ROADWORTHY_COMPLETE": "bash_complete", "COMP_WORDS": "roadworthy sta", "COMP_CWORD": "1"}
    assert "plain,stall" in roadworthy(site, **asked).stdout
