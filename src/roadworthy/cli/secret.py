"""`roadworthy guard secret`: where secrets come from, and their rotation. No command shows a value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options

if TYPE_CHECKING:
    from roadworthy.serve.secret_desk import Done, SecretDesk

REFERENCE = click.argument("reference")


@click.group()
def secret() -> None:
    """Where secrets come from, how old they are, and their rotation.

    REFERENCE is as in the configuration, such as vault:secret/openai#api_key, or the name of a provider.
    """


@secret.command("list")
@options
def list_secrets(out: Settings) -> None:
    """List the secrets of the configuration and how a running gateway sees them. No store is asked."""
    uses = _desk(out).uses()
    rows = [
        (one.reference, ", ".join(one.used_by), one.state, one.source, one.version, _age(one.age_s)) for one in uses
    ]
    out.emit({"secrets": uses}, out.table(["reference", "used by", "state", "source", "version", "age"], rows))
    if not uses:
        out.say("The configuration needs no secret.")


@secret.command()
@options
@REFERENCE
def show(reference: str, out: Settings) -> None:
    """Fetch a secret and say where it came from: source, version, age. Never the value."""
    found = _desk(out).show(reference)
    lines = [
        f"{found.reference}: {found.source}, version {_known(found.version)}, {_age(found.age_s) or 'age unknown'}"
    ]
    if found.used_by:
        lines.append(f"Used by {', '.join(found.used_by)}.")
    if found.passed_over:
        lines.append(f"Passed over because they do not serve: {', '.join(found.passed_over)} (only in development).")
    out.emit(found, "\n".join(lines))


@secret.command()
@options
def check(out: Settings) -> None:
    """Ask every source whether it serves, and fetch every secret of the configuration.

    Exit 0 when all is well, 3 when a login, a file or a secret is at fault, 4 when a store does not answer.
    """
    from roadworthy.serve.secret_desk import exit_code

    found = _desk(out).check()
    rows = [(one.name, "ok" if one.ok else one.code, one.evidence) for one in found]
    out.emit({"ok": all(one.ok for one in found), "checks": found}, out.table(["what", "state", "evidence"], rows))
    for one in found:
        if one.mend:
            out.say(f"{one.name}: {one.mend}")
    click.get_current_context().exit(exit_code(found))


@secret.command()
@options
@click.option("--generate", is_flag=True, help="Make a random value of 256 bits instead of asking for one.")
@click.option("--try", "try_it", is_flag=True, help="Ask the provider with the new value first; a refusal stops it.")
@REFERENCE
def rotate(reference: str, generate: bool, try_it: bool, out: Settings) -> None:
    """Write a new version into the store where the secret lies. The value is read from standard input.

    The version before stays valid for secrets.grace_s. A running gateway takes the new one over without a restart.
    """
    desk = _desk(out)
    value = desk.generated() if generate else _value()
    done = desk.rotate(reference, value, try_it=try_it)
    out.emit(done, _changed(done))
    out.say(f"The version before stays valid for {done.grace_s / 3600:g} h. {_taken(done.taken)}")


@secret.command()
@options
@REFERENCE
def rollback(reference: str, out: Settings) -> None:
    """Make the version before the current one current again."""
    done = _desk(out).roll_back(reference)
    out.emit(done, _changed(done))
    out.say(_taken(done.taken))


@secret.command()
@options
@click.option("--now", "at_once", is_flag=True, help="Even while its grace time runs.")
@REFERENCE
def retire(reference: str, at_once: bool, out: Settings) -> None:
    """Make the version before unreadable in its store, once its grace time is over."""
    done = _desk(out).retire(reference, at_once=at_once)
    out.emit({"reference": reference, "retired": done}, "Retired." if done else "There is no version before.")


def _desk(out: Settings) -> SecretDesk:
    import os

    from roadworthy.serve.secret_desk import SecretDesk

    return SecretDesk(target.load_config(out), os.environ)


def _value() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("New value", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.read(65_537)


def _age(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} old"
    return f"{seconds:.0f} s old"


def _known(version: str | None) -> str:
    return "unknown" if version is None else version


def _changed(done: Done) -> str:
    return f"{done.reference}: version {_known(done.old_version)} → {_known(done.new_version)} in {done.source}."


def _taken(taken: bool | None) -> str:
    if taken is None:
        return "No gateway runs here."
    return "The running gateway uses it." if taken else "The running gateway has not taken it over yet; see its log."
