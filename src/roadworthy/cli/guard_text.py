"""What `roadworthy guard mask` and `guard scan` do."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from roadworthy.cli.output import Settings
from roadworthy.core.errors import ConfigError, Exit, SubjectError, UsageError
from roadworthy.guard.text.document import Masked, Place, Step, mask_file, mask_stream, opened
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.policy import LEAST_KEY_BYTES, Action, Policy
from roadworthy.guard.text.spans import span_lines
from roadworthy.guard.text.sweep import Swept, files, sweep
from roadworthy.runtime.executor import InlineExecutor, ProcessExecutor

FEW_FILES = 8
"""So few files are looked through here: starting processes would take longer."""
_SHOWN_ROWS = 200


def chosen_masker(actions: Mapping[str, Sequence[str]], key_place: str | None) -> TextMasker:
    """The masker that the options ask for.

    Args:
        actions: Name of an action → names of kinds.
        key_place: Reference to the key of hashes.

    Raises:
        UsageError: A kind is unknown or named twice, or hashes have no key.
        ConfigError: The key is not there.
    """
    chosen: dict[Kind, Action] = {}
    for action, names in actions.items():
        for name in names:
            kind = _kind(name)
            if kind in chosen:
                raise UsageError(f"{kind} is named twice.", "", "Choose one of --keep, --last4 and --hash for it.")
            chosen[kind] = Action(action)
    key = b""
    if Action.HASH in chosen.values():
        key = _key(key_place)
    return TextMasker(policy=Policy(chosen, key)) if chosen else TextMasker()


def _kind(name: str) -> Kind:
    try:
        return Kind(name.upper().replace("-", "_"))
    except ValueError:
        raise UsageError("There is no such kind.", "", f"Kinds are {', '.join(Kind)}.") from None


def _key(place: str | None) -> bytes:
    from roadworthy.runtime.secret import parse_reference, resolve

    if place is None:
        raise UsageError("--hash needs a key.", "", "Add --key env:NAME or --key file:PATH.")
    key = resolve(parse_reference(place), os.environ).encode()
    if len(key) < LEAST_KEY_BYTES:
        raise ConfigError(
            "The key of the hashes is too short.",
            f"It has fewer than {LEAST_KEY_BYTES} characters.",
        )
    return key


def print_spans(named: Sequence[Path], masker: TextMasker) -> None:
    """For each line of the files, or of standard input, where its findings are."""
    for file in _inputs(named):
        sys.stdout.buffer.writelines(span_lines(file, masker))
    sys.stdout.buffer.flush()


def print_masked(named: Sequence[Path], masker: TextMasker, out: Settings) -> None:
    """The masked files, or standard input, to standard output."""
    total: Counter[Kind] = Counter()
    names = [path.name for path in named] or ["standard input"]
    for name, file in zip(names, _inputs(named), strict=True):
        total.update(mask_stream(file, sys.stdout.buffer, masker, name=name).findings)
    sys.stdout.buffer.flush()
    out.detail(_told(total))


def _inputs(named: Sequence[Path]) -> Iterator[IO[bytes]]:
    if not named:
        yield sys.stdin.buffer
    for path in named:
        with opened(path) as file:
            yield file


def mask_files(named: Sequence[Path], folder: Path | None, masker: TextMasker, out: Settings) -> None:
    """Masked copies into a folder, or in the place of the files; one that fails does not keep the others from it."""
    if not named:
        raise UsageError("No files are named.", "", "Name files, or leave --in-place and --out-dir out.")
    targets = [path if folder is None else folder / path.name for path in named]
    if len(set(targets)) < len(targets):
        raise UsageError("Two of the files have the same name.", "", "Mask them into different folders.")
    done: list[tuple[str, str, Masked]] = []
    failed: list[tuple[str, str]] = []
    with _progress(out, sum(path.stat().st_size for path in named), "bytes") as step:
        for path, target in zip(named, targets, strict=True):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                done.append((str(path), str(target), mask_file(path, target, masker, step)))
            except SubjectError as error:
                failed.append((str(path), str(error)))
            except OSError as error:
                failed.append((str(path), f"{target} cannot be written: {error.strerror or 'input/output error'}."))
    out.emit(
        {
            "files": [{"file": path, "masked": to, **masked._asdict()} for path, to, masked in done],
            "failed": [{"file": path, "why": why} for path, why in failed],
        },
        out.table(["file", "masked", "findings"], [(path, to, _told(masked.findings)) for path, to, masked in done]),
    )
    for name, why in failed:
        out.say(f"Not masked, left as it was: {name}: {why}")
    if failed:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)


def scan_paths(paths: Sequence[Path], secrets_only: bool, processes: int | None, out: Settings) -> None:
    """Look through files, show what was found, and end with the exit code that says it."""
    named = list(files(paths))
    few = len(named) <= FEW_FILES and processes is None
    executor = InlineExecutor() if few or processes == 1 else ProcessExecutor(processes)
    swept: list[Swept] = []
    with _progress(out, len(named), "files") as step:
        for each in sweep(named, executor, secrets_only=secrets_only):
            swept.append(each)
            step(1)
    unread = [each for each in swept if each.unread is not None and not each.binary]
    rows = [(each.path, place) for each in swept for place in each.places]
    out.emit(_report(swept), _shown(rows, out))
    counted = Counter(place.kind for _, place in rows)
    binary = sum(each.binary for each in swept)
    out.say(f"{len(named) - len(unread) - binary} files looked through: {_told(counted)}.")
    if binary:
        out.say(f"{binary} binary files were not searched.")
    for each in unread:
        out.say(f"Not looked into: {each.path}: {each.unread}")
    if rows:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)
    if unread:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)


def _report(swept: Sequence[Swept]) -> dict[str, object]:
    return {
        "files": len(swept),
        "findings": [{"path": each.path, **place._asdict()} for each in swept for place in each.places],
        "unread": [{"path": each.path, "why": each.unread} for each in swept if each.unread and not each.binary],
        "binary": [each.path for each in swept if each.binary],
    }


def _shown(rows: Sequence[tuple[str, Place]], out: Settings) -> str:
    if not rows:
        return ""
    cells = [(f"{path}:{place.line}:{place.column}", place.kind, place.shown) for path, place in rows[:_SHOWN_ROWS]]
    more = len(rows) - _SHOWN_ROWS
    return out.table(["place", "kind", "line"], cells) + (f"\n… and {more} more (--json shows all)" if more > 0 else "")


def _told(counted: Mapping[Kind, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counted.items())) or "nothing found"


@contextmanager
def _progress(out: Settings, total: int, unit: str) -> Iterator[Step]:
    if out.quiet or out.json or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(unit), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, no_color=not out.color), transient=True) as progress:
        task = progress.add_task(unit, total=total)
        yield lambda done: progress.advance(task, done)
