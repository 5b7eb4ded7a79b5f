"""`roadworthy key`: virtual keys, made and taken away directly in the state directory, with or without a gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options, when

if TYPE_CHECKING:
    from pathlib import Path

    from roadworthy.gateway.settings import KeyLimits

R = TypeVar("R")

SCOPES = ("use", "operate", "admin")  # as gateway.keys.SCOPES, whose import costs more than this whole module


_LIMITS = (
    ("usd_per_day", "US dollars a day (UTC)."),
    ("tokens_per_day", "Tokens a day (UTC), prompts and answers together."),
    ("requests_per_minute", "Requests a minute."),
    ("tokens_per_minute", "Tokens a minute."),
    ("concurrent", "Requests at the same time."),
)


def limit_options(command: Callable[..., R]) -> Callable[..., R]:
    """An option for each limit that a key may have."""
    for name, text in reversed(_LIMITS):
        flag = "--" + name.replace("_", "-")
        command = click.option(flag, type=_Limit(name != "usd_per_day"), help=text)(command)
    return command


class _Limit(click.ParamType[float | str]):
    """A number, or `none`; its bounds are the key store's."""

    name = "number|none"

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """The number, or the word `none`."""
        if value == "none":
            return value
        try:
            return int(value) if self._whole else float(value)
        except ValueError:
            self.fail(f"expected {'a whole number' if self._whole else 'a number'} or `none`.", param, ctx)


def _given(limits: Mapping[str, float | str | None]) -> dict[str, float | None]:
    return {name: None if isinstance(value, str) else value for name, value in limits.items() if value is not None}


def _limits(limits: KeyLimits | None) -> str:
    told = [f"{name} {getattr(limits, name)}" for name, _ in _LIMITS if getattr(limits, name, None) is not None]
    return ", ".join(told) or "no limits"


@click.group()
def key() -> None:
    """Create, list, rotate and revoke keys."""


@key.command()
@options
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=["use"],
    show_default=True,
    help="What it allows; may be given several times, admin implies the others.",
)
@click.option("--expires-days", type=click.FloatRange(0, 3650, min_open=True), help="Days until it expires.")
@limit_options
def create(
    name: str,
    scopes: tuple[str, ...],
    expires_days: float | None,
    out: Settings,
    **limits: float | str | None,
) -> None:
    """Make a key and print it, once."""
    from roadworthy.cli.state_file import open_keys

    folder = target.state_dir(out)
    with open_keys(folder) as store:
        expires_s = None if expires_days is None else expires_days * 86_400
        made, secret = store.create(name, scopes, expires_s, _given(limits))
    out.emit({"key": made, "secret": secret}, secret)
    out.say(f"{made.id} {made.name} ({', '.join(made.scopes)}). It is shown this once; only its hash is stored.")
    _tell(folder, out)


@key.command("set")
@options
@click.argument("name_or_id")
@limit_options
def set_limits(name_or_id: str, out: Settings, **limits: float | str | None) -> None:
    """Change what a key may use; `none` takes a limit away. Running gateways follow at once."""
    from roadworthy.cli.state_file import open_keys
    from roadworthy.core.errors import UsageError

    changes = _given(limits)
    if not changes:
        raise UsageError("Nothing is to be changed.", "No limit is given.", "Give one, for example --usd-per-day 5.")
    folder = target.state_dir(out)
    with open_keys(folder) as store:
        limited = store.set_limits(name_or_id, changes)
    out.emit({"key": limited}, f"{limited.id} {limited.name}: {_limits(limited.limits)}.")
    _tell(folder, out)


@key.command("list")
@options
def list_keys(out: Settings) -> None:
    """List all keys, revoked and expired ones too; never the keys themselves."""
    import time

    from roadworthy.cli.state_file import read_keys

    keys, now = read_keys(target.state_dir(out)), time.time()
    rows = [
        (one.id, one.name, ",".join(one.scopes), one.state(now), when(one.created_at),
         "never" if one.expires_at is None else when(one.expires_at), _limits(one.limits))
        for one in keys
    ]  # fmt: skip
    out.emit({"keys": keys}, out.table(["id", "name", "scopes", "state", "created", "expires", "limits"], rows))
    if not keys:
        out.say("No keys yet: `roadworthy key create NAME --scope use`.")


@key.command()
@options
@click.argument("name_or_id")
def revoke(name_or_id: str, out: Settings) -> None:
    """Take a key away, at once and for good."""
    from roadworthy.cli.state_file import open_keys

    folder = target.state_dir(out)
    with open_keys(folder) as store:
        gone = store.revoke(name_or_id)
    out.emit({"key": gone}, f"{gone.id} {gone.name} is revoked.")
    _tell(folder, out)


@key.command()
@options
@click.argument("name_or_id")
@click.option(
    "--overlap-s",
    type=click.FloatRange(0, 30 * 86_400),
    default=0.0,
    show_default=True,
    help="Seconds for which the old key stays valid.",
)
def rotate(name_or_id: str, overlap_s: float, out: Settings) -> None:
    """Replace a key by a new one of the same id and print it, once."""
    from roadworthy.cli.state_file import open_keys

    folder = target.state_dir(out)
    with open_keys(folder) as store:
        kept, secret = store.rotate(name_or_id, overlap_s)
    out.emit({"key": kept, "secret": secret}, secret)
    out.say(f"{kept.id} {kept.name}: the old key is valid for {overlap_s:g} s more.")
    _tell(folder, out)


def _tell(folder: Path, out: Settings) -> None:
    """Have running workers read the keys now; without this they see the change by themselves a moment later."""
    from roadworthy.client.local import LocalClient
    from roadworthy.core.errors import GatewayError

    try:
        out.detail(f"{LocalClient(folder).reload_keys()} workers have read the keys.")
    except GatewayError as error:
        out.detail(f"Nobody to tell: {error.what}")
