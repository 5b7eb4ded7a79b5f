"""The door: exit codes, error shapes, what is imported, and that nothing secret leaves through it."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from roadworthy.cli import main as door
from roadworthy.cli.main import BROKEN_PIPE, NOUNS, cli, run
from roadworthy.core.errors import AuthError, Exit

HEAVY = ("pydantic", "httpx2", "starlette", "uvicorn", "uvloop", "rich", "yaml", "msgspec", "sqlite3", "asyncio", "ssl")
CANARY = "sk-canary0123456789abcdef"


def roadworthy(*args: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NO_COLOR": "1", **environ}
    command = [sys.executable, "-m", "roadworthy", *args]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, timeout=60)


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.option("--json", is_flag=True)
    @click.option("--verbose", "-v", is_flag=True)
    def version(**_: object) -> None:
        raise error

    monkeypatch.setattr("roadworthy.cli.version.version", version)


def test_help_names_every_noun_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['roadworthy', '--help']\nfrom roadworthy.cli.main import main\n"
        f"try:\n    main()\nfinally:\n    print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    print(f"--help: {(time.perf_counter() - start) * 1000:.0f} ms")
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    assert all(f"  {noun} " in done.stdout for noun in NOUNS)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_is_a_command_with_the_five_options(noun: str) -> None:
    command = getattr(importlib.import_module(f"roadworthy.cli.{noun}"), noun)
    leaves = [command]
    while any(isinstance(leaf, click.Group) for leaf in leaves):
        leaves = [c for leaf in leaves for c in (leaf.commands.values() if isinstance(leaf, click.Group) else [leaf])]
    wanted = {"--json", "--config", "--quiet", "--verbose", "--no-color"}
    for leaf in leaves:
        assert leaf.help, leaf.name
        assert wanted <= {opt for param in leaf.params for opt in param.opts}, leaf.name


@pytest.mark.parametrize(
    ("args", "what", "mend"),
    [
        (["gatway"], "No such command 'gatway'", "Did you mean `gateway`?"),
        (["key", "creat"], "No such command 'creat'", "Did you mean `create`"),
        (["version", "--jsn"], "No such option '--jsn'", "Did you mean `--json`?"),
        (["key", "create"], "Missing argument 'NAME'", "See `roadworthy key create --help`."),
        (["key", "create", "a", "--scope", "root"], "'root' is not one of", "See `roadworthy key create --help`."),
        (["zzz"], "No such command 'zzz'", "See `roadworthy --help`."),
    ],
)
def test_misuse_is_told_in_the_one_shape(
    args: list[str], what: str, mend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(args) == Exit.MISUSE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error[invalid_request]: ")
    assert what in shown.err
    assert f"\nmend: {mend}" in shown.err
    assert run([*args, "--json"]) == Exit.MISUSE
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["code"] == "invalid_request"


def test_no_words_at_all_print_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == Exit.MISUSE
    assert "Commands:" in capsys.readouterr().err


def test_an_error_of_ours_ends_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(AuthError("No.", "Why.", "Mend."), monkeypatch)
    assert run(["version"]) == Exit.CONFIGURATION
    assert capsys.readouterr().err == "error[unauthorized]: No.\nwhy: Why.\nmend: Mend.\n"
    assert run(["version", "--json"]) == Exit.CONFIGURATION
    assert json.loads(capsys.readouterr().out)["error"]["what"] == "No."


def test_a_bug_is_masked_and_has_no_traceback_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(ZeroDivisionError(f"with {CANARY} of ann@example.com"), monkeypatch)
    assert run(["version"]) == Exit.OUR_BUG
    shown = capsys.readouterr()
    assert shown.err.startswith("error[unexpected_error]: ")
    assert "ZeroDivisionError" in shown.err
    assert "report it" in shown.err
    assert "Traceback" not in shown.err
    assert run(["version", "--verbose"]) == Exit.OUR_BUG
    verbose = capsys.readouterr()
    assert "Traceback" in verbose.err
    for text in (shown.err, verbose.err):
        assert CANARY not in text
        assert "ann@example.com" not in text


def test_what_cannot_be_masked_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(ZeroDivisionError(CANARY), monkeypatch)
    monkeypatch.setitem(sys.modules, "roadworthy.guard.text.masker", None)
    assert run(["version", "--verbose"]) == Exit.OUR_BUG
    shown = capsys.readouterr().err
    assert CANARY not in shown
    assert "roadworthy doctor" in shown


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_130(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(error, monkeypatch)
    assert run(["version"]) == Exit.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"


def test_words_behind_two_dashes_are_no_options() -> None:
    assert not door._asked(["gateway", "ask", "--", "--json"], "--json")
    assert door._asked(["gateway", "ask", "x", "--json"], "--json")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "roadworthy", "explain"], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(write)
    assert (process.returncode, process.stderr) == (BROKEN_PIPE, "")


def test_the_module_and_the_version_option_work() -> None:
    assert roadworthy("--version").stdout.startswith("roadworthy ")
    assert json.loads(roadworthy("version", "--json").stdout)["data"]["version"]
    assert roadworthy("explain", "1").returncode == 0
    failed = roadworthy("explain", "nothing-like-it")
    assert failed.returncode == Exit.MISUSE
    assert "error[invalid_request]" in failed.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    printed = roadworthy("completion", shell, "-q")
    assert "_ROADWORTHY_COMPLETE" in printed.stdout
    words = {"COMP_WORDS": "roadworthy gat", "COMP_CWORD": "gat" if shell == "fish" else "1"}
    done = roadworthy(_ROADWORTHY_COMPLETE=f"{shell}_complete", **words)
    assert "gateway" in done.stdout


def test_the_help_of_the_group_is_the_help_of_the_commands() -> None:
    context = click.Context(cli)
    assert cli.list_commands(context)[: len(NOUNS)] == list(NOUNS)  # those of installed applications follow
    assert cli.get_command(context, "nothing") is None
