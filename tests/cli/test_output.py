"""What commands print: the envelope, the error shape, and nothing a terminal would act on."""

import dataclasses
import json
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.cli import output
from roadworthy.core.errors import ConfigError


@click.command()
@output.options
@click.argument("text")
def echo(text: str, out: output.Settings) -> None:
    out.say("narration")
    out.detail("detail")
    out.emit({"text": text, "config": out.config, "color": out.color}, text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain 안녕\n\tx", "plain 안녕\n\tx"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("\x1b(Bx\x1bc", "x"),
        ("half \x1b[3", "half [3"),
        ("real line\rfake", "real linefake"),
        ("a\r\nb", "a\nb"),
        ("\x08\x7f\x85\ud800", ""),
    ],
)
def test_clean_takes_out_what_a_terminal_acts_on(text: str, clean: str) -> None:
    assert output.clean(text) == clean


PIECES = st.text(st.characters(), max_size=8) | st.sampled_from(["\x1b", "[2J", "\x9b", "]0;", "\x07"])


@given(st.lists(PIECES))
def test_no_cut_of_a_stream_lets_a_control_character_through(pieces: list[str]) -> None:
    shown = "".join(output.clean(piece) for piece in pieces)
    assert all(char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f") for char in shown)


@given(st.text(st.characters()))
def test_json_is_safe_to_print_and_says_the_same(text: str) -> None:
    line = output.dumps({"text": text})
    assert json.loads(line) == {"text": text}
    assert all(char >= " " and not "\x7f" <= char <= "\x9f" for char in line)


def test_emit_separates_data_from_narration() -> None:
    result = CliRunner().invoke(echo, ["--json", "x\x1b[31m"])
    told = json.loads(result.stdout)
    assert told["data"]["text"] == "x\x1b[31m"
    assert told["as_of"].endswith("Z")
    assert result.stderr == "narration\n"


def test_text_is_cleaned_and_quiet_is_quiet() -> None:
    result = CliRunner().invoke(echo, ["-q", "-v", "x\x1b[31my"])
    assert (result.stdout, result.stderr) == ("xy\n", "")
    assert CliRunner().invoke(echo, ["-v", "x"]).stderr == "narration\ndetail\n"


@pytest.mark.parametrize(
    ("args", "env", "color"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
    ],
)
def test_no_color_is_an_option_or_a_variable(args: list[str], env: dict[str, str], color: bool) -> None:
    told = ["--json", "--config", "a.yaml", *args, "x"]
    result = CliRunner().invoke(echo, told, env={"NO_COLOR": None, **env})
    assert json.loads(result.stdout)["data"] == {"text": "x", "config": "a.yaml", "color": color}


def test_an_error_is_three_lines_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigError("Key is\nwrong.", "Line 3.", "Correct it.")
    output.report(error, as_json=False)
    lines = "error[config_invalid]: Key is wrong.\nwhy: Line 3.\nmend: Correct it.\n"
    assert capsys.readouterr() == ("", lines)
    output.report(error, as_json=True)
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out) == {"error": error.as_dict()}


def test_a_table_aligns_wide_letters_and_shows_the_unknown() -> None:
    lines = output.table(["name", "ms"], [["한글", 1], ["x\ny\x1b[1m", None]]).splitlines()
    assert lines == ["name  ms", "한글  1", "x y   unknown"]


def test_records_become_json_values() -> None:
    class Pair(NamedTuple):
        left: int
        right: object

    @dataclasses.dataclass
    class Record:
        pairs: tuple[Pair, ...]
        at: Path

    record = Record((Pair(1, float("nan")),), Path("/x"))
    assert output.plain(record) == {"pairs": [{"left": 1, "right": None}], "at": "/x"}
    with pytest.raises(TypeError, match="object has no JSON form"):
        output.plain({"x": object()})
