"""`roadworthy verify`: a go / no-go verdict that can be believed. Each subcommand is imported when it is used."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "run": ("roadworthy.cli.verify_run", "Run the checks, keep the evidence, and give a verdict."),
    "scan": ("roadworthy.cli.verify_scan", "Judge model files by their bytes; nothing is loaded."),
    "gate": ("roadworthy.cli.verify_gate", "Judge a signed report before a deployment; trusts no number in it."),
    "report": ("roadworthy.cli.verify_run", "Print a report that was made before, in any form."),
    "sign": ("roadworthy.cli.verify_gate", "Sign a report."),
    "keygen": ("roadworthy.cli.verify_gate", "Make a pair of keys for signing."),
    "baseline": ("roadworthy.cli.verify_tests", "Write how many tests there are, for later runs to be compared with."),
    "nightly": ("roadworthy.cli.verify_tests", "Ask the same questions again and compare with the last good night."),
    "probes": ("roadworthy.cli.verify_run", "List the checks and what implements them."),
    "manifest": (
        "roadworthy.cli.verify_integrity",
        "Make a signed manifest of model files, and check files against it.",
    ),
    "sbom": ("roadworthy.cli.verify_supply", "Write the bill of materials of what is installed, and of the models."),
    "advisories": ("roadworthy.cli.verify_supply", "Import advisories, and look installed packages up in them."),
}
"""Subcommand: module that holds a click command of that name, and the line in the help. One line adds one."""


class Commands(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; None for an unknown command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if not args[0].startswith("-") and args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=list(COMMANDS), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Commands)
def verify() -> None:
    """Verify a project or a running service, and gate deployments on the signed verdict."""
