"""`roadworthy completion SHELL`."""

from __future__ import annotations

import click

from roadworthy.cli.output import Settings, Styled, options

HINTS = {
    "bash": 'eval "$(roadworthy completion bash)"',
    "zsh": 'eval "$(roadworthy completion zsh)"',
    "fish": "roadworthy completion fish | source",
}


@click.command()
@options
@click.argument("shell", type=click.Choice(sorted(HINTS)))
def completion(shell: str, out: Settings) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    from roadworthy.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    source = kind(cli, {}, "roadworthy", "_ROADWORTHY_COMPLETE").source()
    out.emit({"shell": shell, "script": source}, Styled(source))
    out.say(f"To switch it on, add to your shell's start file: {HINTS[shell]}")
