"""`roadworthy console`: a link that signs its owner in to the console in a browser."""

from __future__ import annotations

import contextlib

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options


@click.command()
@options
def console(out: Settings) -> None:
    """Print a link that signs in to the console, once and within ten minutes.

    Only whoever owns the state directory can make one.
    """
    from roadworthy.cli.state_file import STATE_FILE, open_keys
    from roadworthy.core.errors import AuthError
    from roadworthy.gateway.console_session import TICKET_S, SessionStore

    config = target.load_config(out)
    folder = target.state_dir(out)
    with open_keys(folder) as keys:
        if not keys.has_admin():
            raise AuthError(
                "The console is off.",
                "No admin key exists, so the admin API is off, which the console stands on.",
                "Make a key: `roadworthy key create NAME --scope admin`.",
                code="admin_disabled",
            )
        with contextlib.closing(SessionStore(folder / STATE_FILE, keys)) as sessions:
            ticket = sessions.new_ticket()
    root = target.address(config.console.host, config.console.port)
    url = f"{root}/sign-in?ticket={ticket}"
    out.emit({"url": url, "expires_s": TICKET_S}, url)
    out.say("It works once, within ten minutes, on this machine or through a tunnel to it.")
    if not _listens(config.console.host, config.console.port):
        out.say(f"Nothing listens at {root} yet: start it with `roadworthy up`.")


def _listens(host: str, port: int) -> bool:
    import socket

    try:
        with socket.create_connection((target.reachable(host), port), timeout=1.0):
            return True
    except OSError:
        return False
