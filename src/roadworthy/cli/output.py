"""How every command speaks: data to stdout, narration to stderr, one JSON envelope, one shape for errors.

Public for the commands of applications: `options`, and the `Settings` that it hands over.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from roadworthy.core.errors import RoadworthyError

R = TypeVar("R")

# A terminal acts on these and on bare control characters; a model's text may hold any of them.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two-character escapes
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without what a terminal would act on: escape sequences, control characters, lone surrogates.

    Newlines and tabs stay. A sequence cut in two by a stream loses its escape character, so it cannot act.
    """
    return _CONTROL.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))


class Styled(str):
    """Text that was cleaned piece by piece and then coloured by us; `Settings.emit` prints it as it is."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What the options that every command has were set to, and the ways to speak.

    Args:
        json: Print the JSON envelope instead of text.
        config: Configuration file named with `--config`, None for the usual search.
        quiet: Narrate nothing.
        verbose: Narrate more, and show tracebacks of bugs.
        color: Whether colours are wanted; they are used only where the stream is a terminal.
    """

    json: bool = False
    config: Path | None = None
    quiet: bool = False
    verbose: bool = False
    color: bool = True

    def emit(self, data: object, text: str) -> None:
        """Print the result to stdout: `{"as_of": …, "data": data}` with `--json`, else the text.

        Args:
            data: JSON values; dataclasses, named tuples, msgspec structs and paths are turned into such.
            text: The same for people. Cleaned of terminal escapes unless it is `Styled`.
        """
        if self.json:
            click.echo(dumps({"as_of": now(), "data": data}))
        elif text:
            click.echo(text if isinstance(text, Styled) else clean(text), color=self._tty(sys.stdout))

    def write(self, piece: str) -> None:
        """Print a piece of a streamed answer to stdout at once, cleaned; nothing with `--json`."""
        if not self.json:
            click.echo(clean(piece), nl=False)

    def say(self, line: str) -> None:
        """Tell one line on stderr, cleaned; nothing with `--quiet`."""
        if not self.quiet:
            click.echo(clean(line), err=True)

    def detail(self, line: str) -> None:
        """Tell one line on stderr only with `--verbose`."""
        if self.verbose:
            self.say(line)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
        """Columns padded to the widest cell; None is shown as `unknown`."""
        return table(heads, rows)

    def paint(self, text: str, color: str) -> Styled:
        """The cleaned text in a colour (click's names), or plain when colours are off."""
        text = clean(text)
        return Styled(click.style(text, fg=color) if self._tty(sys.stdout) else text)

    def _tty(self, stream: Any) -> bool:
        return self.color and stream.isatty()


def options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command `--json --config -q -v --no-color`; it receives them as the keyword `out: Settings`.

    Place it directly below `@click.command(...)`.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
    @click.option("--config", type=click.Path(path_type=Path), help="Configuration file.")
    @click.option("-q", "--quiet", is_flag=True, help="Only the result, no narration.")
    @click.option("-v", "--verbose", is_flag=True, help="More narration; tracebacks of bugs.")
    @click.option("--no-color", is_flag=True, help="No colours (as with NO_COLOR).")
    @functools.wraps(command)
    def with_settings(
        *args: Any,
        as_json: bool,
        config: Path | None,
        quiet: bool,
        verbose: bool,
        no_color: bool,
        **kwargs: Any,
    ) -> R:
        color = not no_color and not os.environ.get("NO_COLOR")
        return command(*args, out=Settings(as_json, config, quiet, verbose, color), **kwargs)

    return with_settings


def report(error: RoadworthyError, *, as_json: bool) -> None:
    """Show an error: `{"error": {code, what, why, mend}}` on stdout, else three lines on stderr."""
    if as_json:
        click.echo(dumps({"error": error.as_dict()}))
        return
    click.echo(clean(f"error[{error.code}]: {_one_line(error.what)}"), err=True)
    if error.why:
        click.echo(clean(f"why: {_one_line(error.why)}"), err=True)
    click.echo(clean(f"mend: {_one_line(error.mend)}"), err=True)


def now() -> str:
    """The time of day as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(seconds: float) -> str:
    """Seconds since the Unix epoch as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def dumps(value: object) -> str:
    """One line of JSON that is safe to print: what a terminal would act on is escaped."""
    text = json.dumps(plain(value), ensure_ascii=False)
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def plain(value: object) -> object:
    """Dataclasses, named tuples, msgspec structs, sets and paths as JSON values.

    Raises:
        TypeError: The value, or one inside it, has no JSON form.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    names = getattr(value, "_fields", None) or getattr(value, "__struct_fields__", None)
    if names:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns padded to the widest cell, cells cleaned and kept on one line; None is shown as `unknown`."""
    lines = [list(heads)] + [[_cell(value) for value in row] for row in rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join("  ".join(map(_pad, line, widths)).rstrip() for line in lines)


def _cell(value: object) -> str:
    return "unknown" if value is None else _one_line(clean(str(value)))


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    seen = [char for char in text if not unicodedata.combining(char)]
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in seen)


def _one_line(text: str) -> str:
    return " ".join(text.split())
