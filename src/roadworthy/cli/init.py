"""`roadworthy init`: write a configuration file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

PROVIDERS = ("openai", "anthropic", "perplexity", "deepseek")
"""What --provider takes; a test holds it to the template's own list, whose import is too slow for --help."""


@click.command()
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--provider", "wanted", multiple=True, type=click.Choice(PROVIDERS), help="Provider to put first; may repeat."
)
@options
def init(out: Settings, force: bool, wanted: tuple[str, ...]) -> None:
    """Write roadworthy.yaml: the providers whose keys are in the environment, then the embedded model."""
    import os

    from roadworthy.runtime.config import template

    path = out.config or Path("roadworthy.yaml")
    providers = template.choose_providers(os.environ, wanted)
    schema = template.write_files(path, template.render_file(providers), force=force)
    chain = [*providers, "embedded"]
    out.say(f"Chain of the route chat: {' -> '.join(chain)}.")
    for variable in template.missing_variables(os.environ, providers):
        out.say(f"Set {variable} before you start.")
    out.emit({"file": path, "schema": schema, "chain": chain}, str(path))
    out.say("Next: roadworthy up" + (f" --config {path}" if out.config else ""))
