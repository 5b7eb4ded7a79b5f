"""The command `roadworthy`: a group whose nouns are modules imported on use, and the door where errors end."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from roadworthy import __version__
from roadworthy.core.errors import ConfigError, Exit, RoadworthyError, UnexpectedError, UsageError

if TYPE_CHECKING:
    from roadworthy.runtime.entry_point import Offer

BROKEN_PIPE = 141
"""Exit code when the reader of stdout went away: 128 + SIGPIPE, as the shell says it."""

COMMANDS = "roadworthy.commands"
"""Entry point group of nouns: a click command each, named as the noun; its help line is the package's summary."""

NOUNS = {
    "up": "Start the gateway and everything it needs, and run a self-test.",
    "init": "Write roadworthy.yaml to start from.",
    "config": "Show, check and explain the configuration.",
    "gateway": "Ask a running gateway and look after it.",
    "console": "Print a link that signs in to the console in a browser.",
    "key": "Create, list, rotate and revoke keys.",
    "backup": "Copy the state of the service while it runs, and put a copy back.",
    "guard": "Find and mask personal data and secrets.",
    "verify": "Verify a project or a service, and gate deployments on the signed verdict.",
    "doctor": "Check this installation and say how to mend it.",
    "explain": "Explain an error code, an exit code or a header.",
    "completion": "Print the completion script of a shell.",
    "version": "Print the version.",
}
"""Noun and its line in the help; module and command object carry the noun's name."""


def installed() -> dict[str, Offer]:
    """Nouns of installed applications; reads the metadata of every package."""
    from roadworthy.runtime.entry_point import offered

    return offered(COMMANDS)


class Nouns(click.Group):
    """A group that knows its commands by name and imports a command only when it is used.

    Attributes:
        added: Gives the nouns of installed applications; asked only for the help and for a noun that is not ours.
    """

    added: Callable[[], Mapping[str, Offer]] = staticmethod(installed)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The nouns in the order of the help."""
        return [*NOUNS, *(noun for noun in self.added() if noun not in NOUNS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the noun's module; None for an unknown noun.

        Raises:
            ConfigError: `extra_missing`: an application's command cannot be loaded.
        """
        if cmd_name not in NOUNS:
            offer = self.added().get(cmd_name)
            return None if offer is None else _loaded(offer)
        command = getattr(importlib.import_module(f"roadworthy.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the noun, or say which one may have been meant."""
        noun = args[0]
        if not noun.startswith("-") and noun not in NOUNS and not ctx.resilient_parsing:
            added = self.added()
            if noun not in added:
                raise click.exceptions.NoSuchCommand(noun, possibilities=[*NOUNS, *added], ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of nouns without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))
        added = self.added()
        if added:
            with formatter.section("Applications"):
                formatter.write_dl([(noun, _line(noun, offer)) for noun, offer in added.items()])


def _line(noun: str, offer: Offer) -> str:
    if noun in NOUNS:
        return f"Not usable: {offer.package} offers a noun that is taken."
    return offer.summary or f"Of {offer.package}."


def _loaded(offer: Offer) -> click.Command:
    try:
        command = offer.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The command `{offer.name}` cannot be loaded.",
            f"{type(error).__name__} in the package {offer.package}.",
            "Install the package again, with what it needs.",
            code="extra_missing",
        ) from error
    if not isinstance(command, click.Command):
        raise ConfigError(
            f"The command `{offer.name}` cannot be used.",
            f"What the package {offer.package} names is no command.",
            "Tell its author.",
            code="extra_missing",
        )
    return command


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Run LLM systems in production and prove that they are fit for it."""


def main() -> NoReturn:
    """Entry point of the command: runs it and exits with its code."""
    instruction = os.environ.get("_ROADWORTHY_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, "roadworthy", "_ROADWORTHY_COMPLETE", instruction))
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; whatever goes wrong is told in the one error shape.

    Args:
        args: The words after the name of the program.
    """
    as_json = _asked(args, "--json")
    try:
        with cli.make_context("roadworthy", list(args)) as context:
            cli.invoke(context)
        sys.stdout.flush()
        return Exit.GOOD
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message(), err=True)
        return Exit.MISUSE
    except click.ClickException as misuse:
        return _tell(_as_error(misuse), as_json)
    except RoadworthyError as error:
        return _tell(error, as_json)
    except BrokenPipeError:
        # What is still buffered has no reader; without this the interpreter complains on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as bug:  # The door: nothing but a masked line leaves here.
        return _tell(_as_bug(bug, _asked(args, "--verbose", "-v")), as_json)


def _asked(args: Sequence[str], *flags: str) -> bool:
    words = list(args)
    own = words[: words.index("--")] if "--" in words else words
    return any(flag in own for flag in flags)


def _tell(error: RoadworthyError, as_json: bool) -> int:
    from roadworthy.cli.output import report

    report(error, as_json=as_json)
    return error.spec.exit_code


def _as_error(misuse: click.ClickException) -> UsageError:
    """Click's complaint in our shape; its guess at what was meant becomes the way to mend it."""
    context = getattr(misuse, "ctx", None)
    path = context.command_path if context is not None else "roadworthy"
    guesses = getattr(misuse, "possibilities", None)
    if guesses:
        what, mend = misuse.message, f"Did you mean {' or '.join(f'`{guess}`' for guess in guesses)}?"
    else:
        what, mend = misuse.format_message(), f"See `{path} --help`."
    return UsageError(what, "", mend)


def _as_bug(bug: Exception, verbose: bool) -> UnexpectedError:
    """A request to report, with the masked message; the traceback goes to stderr when it was asked for."""
    try:
        from roadworthy.guard.text.masker import TextMasker
    except ImportError:  # a damaged installation: what cannot be masked is not shown
        return UnexpectedError(
            "Something failed, and the installation is damaged.",
            f"{type(bug).__name__}; its message is not shown because the masker cannot be loaded.",
            "Run `roadworthy doctor`.",
        )
    mask = TextMasker().mask
    if verbose:
        import traceback

        click.echo(mask("".join(traceback.format_exception(bug))), err=True, nl=False)
    return UnexpectedError(
        "Something failed that should not have: a bug of ours.",
        mask(f"{type(bug).__name__}: {bug}"),
        "Please report it with what you ran and the output of the same command with --verbose.",
    )
