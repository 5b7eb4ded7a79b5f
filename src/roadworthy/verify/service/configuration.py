"""The configuration of the service, and the one of a second edge: doubles instead of providers, times shorter."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import DEFAULT_FILE, load
from roadworthy.runtime.config.tree import Config
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context

STATE_DIR = "s"
"""Relative, because addresses of unix sockets are short."""
_TIMES = {
    "routes": ("deadline_s", "try_timeout_s", "stream_idle_timeout_s", "stream_rate_window_s", "stream_max_s"),
    "modes": ("timeout_s",),
    "downshift": ("p95_s", "latency_window_s"),
    "recovery": ("climb_after_s", "max_climb_after_s", "dwell_s"),
    "objective": ("min_s", "max_s"),
    "hedge": ("after_s",),
    "retry": ("base_s", "cap_s"),
    "breaker": ("open_s",),
    "limits": ("header_timeout_s", "request_timeout_s", "idle_timeout_s", "write_timeout_s", "drain_timeout_s"),
}


class Target(NamedTuple):
    """A provider and a model there."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Line:
    """A name that callers may ask for.

    Attributes:
        name: As it is asked; a pattern is filled in.
        targets: The chain.
        deadline_s: Bound on one request.
        mode: Name of the mode; empty for a route.
    """

    name: str
    targets: tuple[Target, ...]
    deadline_s: float
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a second edge is started with.

    Attributes:
        data: The whole configuration.
        changed: What differs from the service's own, by key: from and to. For the evidence.
        environ: Variables that hold the doubles' keys.
        provider_keys: The doubles' keys by provider.
        profile: The profile in force.
    """

    data: dict[str, Any]
    changed: dict[str, list[Any]]
    environ: dict[str, str]
    provider_keys: dict[str, str]
    profile: str

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every name of a route and of a mode's first role, with the times of the copy."""
        return tuple(_lines(self.data["gateway"]))

    @property
    def max_tries(self) -> int:
        """Tries per target."""
        return int(self.data["gateway"]["retry"]["max_tries"])


def of_service(context: Context) -> Config:
    """The configuration in force: the subject's file with the environment over it, or what holds without a file.

    Raises:
        NotMeasured: It cannot be read, or does not hold.
    """
    named = context.settings.get("config")
    file = context.root / (named or DEFAULT_FILE)
    if named and not file.is_file():
        raise NotMeasured(f"The configuration {named} is not in the subject.")
    if file.exists() and not file.is_file():
        raise NotMeasured(f"{file.name} is no plain file.")  # to read a pipe would never end
    environ = {name: value for name, value in os.environ.items() if name != "ROADWORTHY_CONFIG"}
    try:
        with contextlib.chdir(context.root):  # its relative paths are those of a service that was started there
            return load(file if file.is_file() else None, environ=environ).config
    except ConfigError as problem:
        raise NotMeasured(f"The service's configuration does not hold: {problem.what}") from None


def copy_of(
    config: Config,
    double_url: str,
    root: Path,
    *,
    longest_s: float | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Copy:
    """The same configuration with loopback doubles for providers, and a state of its own.

    Args:
        config: Of the service.
        double_url: Root of the doubles; a provider's path is its name.
        root: Of the subject; relative paths of the configuration become absolute.
        longest_s: The longest deadline is to be this long, and all other times shrink with it; None leaves them.
        changes: Further values by dotted key.
    """
    data = config.model_dump(mode="json")
    data.pop("profile", None)
    copy = Copy(data, {}, {}, {}, config.profile)
    _replace_providers(copy, double_url)
    gateway = data["gateway"]
    for key, value in {
        "gateway.host": "127.0.0.1",
        "gateway.workers": 1,
        "gateway.state_dir": STATE_DIR,
        "journal.database": None,
        "state.url": None,
        "jobs.store": "sqlite",
        "log.requests": True,
    }.items():
        _set(copy, key, value)
    for name, route in gateway["routes"].items():
        if route.get("quality"):
            _set(copy, f"gateway.routes.{name}.quality", None, parts=("gateway", "routes", name, "quality"))
    for key in ("gateway.prompts.folder", "gateway.prices.file"):
        value = _get(data, key.split("."))
        if value:
            _set(copy, key, str((root / value).resolve()))
    if longest_s is not None:
        _shrink(copy, longest_s)
    for key, value in (changes or {}).items():
        _set(copy, key, value)
    return copy


def _replace_providers(copy: Copy, url: str) -> None:
    for number, (name, provider) in enumerate(copy.data["gateway"]["providers"].items()):
        kind = "compatible" if provider["kind"] == "embedded" else provider["kind"]
        variable, key = f"VERIFY_DOUBLE_{number}", f"sk-double-{number}-{os.urandom(12).hex()}"
        was = {"kind": provider["kind"], "base_url": provider.get("base_url")}
        new = {"kind": kind, "base_url": f"{url}/{number}/v1", "api_key": f"env:{variable}"}
        copy.data["gateway"]["providers"][name] = {**new, "connect_timeout_s": provider["connect_timeout_s"]}
        copy.changed[f"gateway.providers.{name}"] = [was, new]
        copy.environ[variable] = key
        copy.provider_keys[name] = key


def _shrink(copy: Copy, longest_s: float) -> None:
    gateway = copy.data["gateway"]
    longest = max([each.deadline_s for each in _lines(gateway)], default=longest_s)
    factor = longest / longest_s
    if factor <= 1:
        return
    _shrink_node(copy, gateway, ("gateway",), factor)


def _shrink_node(copy: Copy, node: Any, path: tuple[str, ...], factor: float) -> None:
    if not isinstance(node, dict):
        return
    known = _TIMES.get(path[-1], ()) or (_TIMES.get(path[-2], ()) if len(path) > 1 else ())
    for name, value in node.items():
        if name in known and isinstance(value, int | float) and not isinstance(value, bool):
            _set(copy, ".".join((*path, name)), max(round(value / factor, 4), 0.01), parts=(*path, name))
        else:
            _shrink_node(copy, value, (*path, name), factor)


def _lines(gateway: Mapping[str, Any]) -> Iterator[Line]:
    routes = gateway["routes"]
    for name, route in routes.items():
        asked = name.replace("*", "probe")
        yield Line(asked, _targets(route["chain"], asked), float(route["deadline_s"]))
    for name, mode in gateway["modes"].items():
        first: list[str] = next(iter(mode["roles"].values()), [])
        chain = [target for each in first for target in (routes[each]["chain"] if each in routes else [each])]
        yield Line(name, _targets(dict.fromkeys(chain), name), float(mode["timeout_s"]), mode=name)


def _targets(chain: Any, asked: str) -> tuple[Target, ...]:
    pairs = (target.split("/", 1) for target in chain)
    return tuple(Target(provider, asked if model == "*" else model) for provider, model in pairs)


def _get(data: Any, parts: Any) -> Any:
    for part in parts:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _set(copy: Copy, key: str, value: Any, parts: tuple[str, ...] | None = None) -> None:
    path = parts or tuple(key.split("."))
    was = _get(copy.data, path)
    if was == value:
        return
    node: Any = copy.data
    for part in path[:-1]:
        if not isinstance(node.get(part), dict):
            node[part] = {}
        node = node[part]
    node[path[-1]] = value
    copy.changed[key] = [copy.changed[key][0] if key in copy.changed else was, value]
