"""Which gateway a command talks to, and with which key. Keys come from the environment alone, never from an option,
because command lines are visible to every user of a machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from roadworthy.cli.output import Settings
from roadworthy.core.errors import ConfigError

if TYPE_CHECKING:
    from roadworthy.client.admin import AdminClient
    from roadworthy.client.batch import BatchClient
    from roadworthy.client.gateway import GatewayClient
    from roadworthy.client.local import LocalClient
    from roadworthy.runtime.config.tree import Config

R = TypeVar("R")

KEY_VARIABLE = "ROADWORTHY_API_KEY"
ADMIN_KEY_VARIABLE = "ROADWORTHY_ADMIN_KEY"
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared with, not bound


def url_option(command: Callable[..., R]) -> Callable[..., R]:
    """`--url` for commands that use the public API."""
    text = "Address of the gateway; the configuration's when left out."
    return click.option("--url", envvar="ROADWORTHY_URL", show_envvar=True, help=text)(command)


def control_option(command: Callable[..., R]) -> Callable[..., R]:
    """`--control-url` for commands that look after the gateway."""
    text = (
        f"Address of the admin API; needs {ADMIN_KEY_VARIABLE}. When left out and no admin key is set, the gateway of "
        "the state directory is asked through its workers' sockets."
    )
    return click.option("--control-url", help=text)(command)


def load_config(out: Settings) -> Config:
    """The configuration in force; its warnings are narrated.

    Raises:
        ConfigError: `config_invalid`, `secret_ref_invalid`.
    """
    from roadworthy.runtime.config.load import load

    loaded = load(out.config)
    for warning in loaded.warnings:
        out.say(f"warning: {warning}")
    return loaded.config


def address(host: str, port: int) -> str:
    """URL of a listener of this machine; a listener on every address is asked over loopback."""
    name = reachable(host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def reachable(host: str) -> str:
    """The name under which this machine reaches a listener."""
    return _ANY.get(host, host)


def gateway_client(out: Settings, url: str | None, timeout_s: float = 120.0, *, fresh: bool = False) -> GatewayClient:
    """A client of the public API.

    Args:
        out: For `--config`.
        url: Given address; None for that of the configuration.
        timeout_s: Longest silence while an answer is awaited, in seconds.
        fresh: Take no answer out of the gateway's cache.
    """
    from roadworthy.client.gateway import GatewayClient

    return GatewayClient(_public(out, url), os.environ.get(KEY_VARIABLE) or None, timeout_s=timeout_s, fresh=fresh)


def batch_client(out: Settings, url: str | None) -> BatchClient:
    """The same with files and batches."""
    from roadworthy.client.batch import BatchClient

    return BatchClient(_public(out, url), os.environ.get(KEY_VARIABLE) or None)


def _public(out: Settings, url: str | None) -> str:
    if url is not None:
        return url
    gateway = load_config(out).gateway
    return address(gateway.host, gateway.port)


def default_model(out: Settings, url: str | None, client: GatewayClient) -> str:
    """The route to ask when none is named: the configuration's, or with `--url` the first that the gateway lists.

    Raises:
        ConfigError: `config_invalid` when there is none.
    """
    if url is None:
        from roadworthy.serve.wiring import default_route

        route = default_route(load_config(Settings(config=out.config, quiet=True)))
    else:
        names = [model.id for model in client.models()]
        route = next((name for name in names if "/" not in name), next(iter(names), None))
    if route is None:
        raise ConfigError("There is no route to ask.", "Every route is a pattern.", "Name one with --model.")
    return route


def operator(out: Settings, control_url: str | None) -> AdminClient | LocalClient:
    """Who to ask about workers and breakers: the admin API with a key, else this machine's own gateway."""
    key = os.environ.get(ADMIN_KEY_VARIABLE) or None
    if control_url is None and key is None:
        from roadworthy.client.local import LocalClient

        return LocalClient(state_dir(out))
    from roadworthy.client.admin import AdminClient

    if control_url is None:
        control = load_config(out).control
        control_url = address(control.host, control.port)
    return AdminClient(control_url, key)


def state_dir(out: Settings) -> Path:
    """The state directory of the configuration."""
    return Path(load_config(out).gateway.state_dir)
