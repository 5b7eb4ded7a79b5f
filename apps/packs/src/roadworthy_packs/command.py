"""`roadworthy pack`: look at packs, check one's own, have reports written, and prove that it works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from roadworthy.cli.output import Settings, options
from roadworthy.cli.target import gateway_client, url_option

if TYPE_CHECKING:
    from roadworthy_packs.client import PacksClient
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


@pack.command()
@options
@click.argument("key")
@click.option("--brief", type=click.Path(path_type=Path), help="YAML or JSON file of the brief's fields.")
@click.option("--brand", "brand_name", help="Name of the brand; this and the next ones instead of --brief.")
@click.option("--industry")
@click.option("--goal", "primary_goal")
@click.option("--product", "product_service")
@click.option("--audience", "target_audience")
@click.option("--language", type=click.Choice(["en", "ko"]))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, .md, .html, .docx or .pdf.")
@url_option
def generate(key: str, brief: Path | None, output: Path | None, url: str | None, out: Settings, **told: str) -> None:
    """Have a report of pack KEY written; exit code 0 passed, 1 the gate kept it back, 4 it could not be written."""
    from roadworthy.cli.report_command import follow, form_of, hand_out

    if output is not None:
        form_of(output)
    fields = {**_brief_of(brief), **{name: value for name, value in told.items() if value}}
    client = _client(out, url)
    hand_out(client, follow(client, client.generate(key, fields), out), out, output)


@pack.command()
@options
@click.argument("keys", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask before it costs money.")
@url_option
def smoke(keys: tuple[str, ...], yes: bool, url: str | None, out: Settings) -> None:
    """Write a report of every pack, or of KEYS, by the standard briefs; exit code 0 only when all passed."""
    from roadworthy.cli import report_command

    report_command.smoke(_client(out, url), {"packs": list(keys)}, out, yes)


@pack.command()
@options
@click.argument("name")
@url_option
def stop(name: str, url: str | None, out: Settings) -> None:
    """End the report or smoke run of id NAME; what is written stays."""
    from roadworthy.cli import report_command

    report_command.stop(_client(out, url), name, out)


@pack.command(name="live-check")
@options
@click.option("--pack", "key", default="quick_social_basic", show_default=True, help="A pack in both languages.")
@url_option
def live_check(key: str, url: str | None, out: Settings) -> None:
    """Write two realistic reports; exit code 0 only with stub_used=false and quality_passed=true."""
    from roadworthy.cli import report_command

    client = _client(out, url)
    briefs = client.packs().examples.values()
    report_command.live_check(client, [client.generate(key, brief) for brief in briefs], out)


def _client(out: Settings, url: str | None) -> PacksClient:
    from roadworthy_packs.client import PacksClient

    return PacksClient(gateway_client(out, url))


def _brief_of(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    from msgspec import to_builtins

    from roadworthy.runtime.config.yaml_struct import read_checked
    from roadworthy_packs.brief import Brief

    told = to_builtins(read_checked(file, Brief, lambda _: ()))
    return {name: value for name, value in told.items() if value is not None}


def _packs(out: Settings) -> dict[str, Pack]:
    from roadworthy.runtime.config.load import load
    from roadworthy_packs import shelf

    settings = load(out.config).config.applications.get("packs")
    folder = None if settings is None else settings.settings().get("folder")
    return shelf.load(None if folder is None else Path(str(folder)))
