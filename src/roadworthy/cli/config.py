"""`roadworthy config`: look at the configuration in force, and at who set what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roadworthy.cli.output import Settings, options
from roadworthy.core.errors import ConfigError

if TYPE_CHECKING:
    from roadworthy.serve.config_check import Checked


@click.group()
def config() -> None:
    """Show, check and explain the configuration."""


@config.command()
@options
def show(out: Settings) -> None:
    """Print the configuration in force, every default filled in. Secrets stand as references."""
    from roadworthy.runtime.config import load, view
    from roadworthy.runtime.config.prices import table_date

    loaded = load.load(out.config)
    tree = _shown(view.effective(loaded))
    source = loaded.path or "built-in defaults"
    table = table_date(loaded.config.gateway.prices)
    head = f"# {source}, profile {tree.pop('profile')}, price table of {table}"
    out.emit({**tree, "profile": loaded.config.profile, "price_table": table}, f"{head}\n{view.as_yaml(tree)}")


@config.command()
@click.option("--file", type=click.Path(path_type=Path), help="File to check; the one in force when left out.")
@options
def check(out: Settings, file: Path | None) -> None:
    """Check the configuration without starting anything; exit 3 when it is not valid."""
    result = _checked(out, file or out.config)
    lines = [f"warning: {warning}" for warning in result.warnings]
    count = f", {len(lines)} warning{'s' * (len(lines) != 1)}" if lines else ""
    data = {
        "file": result.file,
        "profile": result.profile,
        "profiles_checked": result.profiles_checked,
        "warnings": [warning._asdict() for warning in result.warnings],
    }
    out.emit(data, "\n".join([*lines, f"{result.file or 'built-in defaults'}: good ({result.profile}{count})"]))


@config.command()
@options
def schema(out: Settings) -> None:
    """Print the JSON schema of the file, for editors."""
    import json

    from roadworthy.runtime.config.schema import json_schema

    tree = json_schema()
    out.emit(tree, json.dumps(tree, indent=2))


@config.command()
@click.argument("key")
@options
def get(out: Settings, key: str) -> None:
    """Print the value in force of KEY, for example gateway.port."""
    from roadworthy.runtime.config import load, report, view

    path, value = view.look_up(load.load(out.config), key)
    value = _shown(value)
    out.emit({"key": report.render(path), "value": value}, view.as_yaml(value))


@config.command()
@click.argument("key")
@options
def where(out: Settings, key: str) -> None:
    """Say which layer set KEY: flag, environment variable, profile, file with line, or default."""
    from roadworthy.runtime.config import load, report, view

    loaded = load.load(out.config)
    path, value = view.look_up(loaded, key)
    found = [(report.render(leaf), loaded.where(leaf)) for leaf in view.leaves(value, path)]
    data = [{"key": name, "layer": o.layer, "where": o.text, "file": o.file, "line": o.line} for name, o in found]
    out.emit(data, "\n".join(f"{name}: {origin.text}" for name, origin in found))


def _shown(value: Any) -> Any:
    """The value with secrets masked that someone wrote into an address or another plain text."""
    from roadworthy.guard.text.kind import SECRETS
    from roadworthy.guard.text.masker import TextMasker
    from roadworthy.guard.text.rules.all import RULES

    mask = TextMasker([rule for rule in RULES if rule.kind in SECRETS]).mask

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shown(item) for name, item in value.items()}
        if isinstance(value, list):
            return [shown(item) for item in value]
        return mask(value) if isinstance(value, str) else value

    return shown(value)


def _checked(out: Settings, path: Path | None) -> Checked:
    """The result of the check; several problems are told one a line instead of all in one."""
    from roadworthy.runtime.config.report import ConfigInvalid
    from roadworthy.serve.config_check import check as check_all

    try:
        return check_all(path)
    except ConfigInvalid as error:
        if len(error.problems) == 1 or out.json or out.quiet:
            raise
        for problem in error.problems:
            out.say(f"problem: {problem}")
        raise ConfigError(
            f"The configuration has {len(error.problems)} problems.", "They are listed above.", code=error.code
        ) from error
