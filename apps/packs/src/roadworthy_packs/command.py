"""`roadworthy pack`: look at packs and check files of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from roadworthy.cli.output import Settings, options

if TYPE_CHECKING:
    from roadworthy_packs.pack import Pack


@click.group()
def pack() -> None:
    """Packs: reports of sections that are written, judged and exported."""


@pack.command(name="list")
@options
def list_packs(out: Settings) -> None:
    """List the packs there are."""
    import msgspec

    from roadworthy_packs.pack import said

    found = [*_packs(out).values()]
    rows = [(one.key, one.version, one.language, len(one.sections), said(one.title, one.languages[0])) for one in found]
    told = out.table(["pack", "version", "language", "sections", "title"], rows)
    out.emit({"packs": [msgspec.to_builtins(one) for one in found]}, told)


@pack.command()
@options
@click.argument("key")
def show(key: str, out: Settings) -> None:
    """Show one pack as its file says it."""
    import msgspec

    from roadworthy_packs.shelf import pick

    found = msgspec.to_builtins(pick(_packs(out), key))
    out.emit(found, msgspec.yaml.encode(found).decode())


@pack.command()
@options
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...], out: Settings) -> None:
    """Check pack FILES, else those that ship and those of applications.packs.folder."""
    from roadworthy.runtime.config.report import ConfigInvalid, Problem
    from roadworthy_packs.shelf import read_pack

    good: list[str] = []
    problems: list[Problem] = []
    for file in files:
        try:
            good.append(read_pack(file).key)
        except ConfigInvalid as error:
            problems += error.problems
    if problems:
        raise ConfigInvalid(problems)
    good = good or [*_packs(out)]
    out.emit({"packs": good}, f"Good: {', '.join(good)}.")


def _packs(out: Settings) -> dict[str, Pack]:
    from roadworthy.runtime.config.load import load
    from roadworthy_packs import shelf

    settings = load(out.config).config.applications.get("packs")
    folder = None if settings is None else settings.settings().get("folder")
    return shelf.load(None if folder is None else Path(str(folder)))
