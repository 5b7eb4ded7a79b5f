"""Starts the installed applications in the worker and finds the route for a request."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from roadworthy.core.application import GROUP, PREFIX, Platform, Route, Service
from roadworthy.core.errors import ConfigError, GatewayError, RoadworthyError, UsageError
from roadworthy.core.job import Json
from roadworthy.core.ports import JobHandler
from roadworthy.runtime.entry_point import Offer

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}")
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")

log = logging.getLogger("roadworthy.applications")


class Hosted(NamedTuple):
    """One application of this installation.

    Attributes:
        name: Of its entry point.
        version: Of its package; None when nobody says.
        routes: What it serves; empty when it is not available.
        handlers: Of its jobs.
        fault: Why it is not available; None when it is.
    """

    name: str
    version: str | None
    routes: tuple[Route, ...] = ()
    handlers: Mapping[str, JobHandler] = {}
    fault: RoadworthyError | None = None

    def view(self) -> dict[str, Json]:
        """As `GET /api` shows it."""
        fault = self.fault
        return {
            "name": self.name,
            "version": self.version,
            "state": "ready" if fault is None else "unavailable",
            "routes": [f"{route.method} {route.path}" for route in self.routes],
            "error": None if fault is None else _told(fault),
        }


def _told(fault: RoadworthyError) -> dict[str, Json]:
    return {"code": fault.code, "what": fault.what, "why": fault.why, "mend": fault.mend}


class Found(NamedTuple):
    """A route for a request.

    Attributes:
        application: Whose.
        route: The route.
        values: Of the path's parameters.
    """

    application: str
    route: Route
    values: dict[str, str]


def start_all(
    names: Iterable[str], offers: Mapping[str, Offer], platform_of: Callable[[str], Platform]
) -> tuple[Hosted, ...]:
    """Start applications in the order of their names; one that cannot be is told, and hurts no other.

    Args:
        names: Of those that are switched on.
        offers: Of the group, by name.
        platform_of: What an application may use, by its name.
    """
    hosted: list[Hosted] = []
    taken: dict[str, str] = {}
    for name in sorted(names):
        one = _start(name, offers.get(name), platform_of, taken)
        if one.fault is not None:
            log.error(
                "application %s is not available: error[%s]: %s why: %s mend: %s",
                name, one.fault.code, one.fault.what, one.fault.why, one.fault.mend,
            )  # fmt: skip
        hosted.append(one)
    return tuple(hosted)


def _start(name: str, entry: Offer | None, platform_of: Callable[[str], Platform], taken: dict[str, str]) -> Hosted:
    version = (entry.version or None) if entry is not None else None
    try:
        if entry is None:
            raise ConfigError("The application is not installed.", f"No package offers `{name}` under {GROUP}.")
        application = entry.load()
        service: Service = application.start(platform_of(name))
        _check(name, application.name, service, taken)
    except RoadworthyError as error:
        return Hosted(name, version, fault=error)
    except (Exception, SystemExit) as error:  # door: a bug of an application must not end the worker of all
        return Hosted(name, version, fault=_broken(error))
    taken.update({part_of(route): name for route in service.routes})
    return Hosted(name, version, tuple(service.routes), dict(service.handlers))


def _check(name: str, told: str, service: Service, taken: Mapping[str, str]) -> None:
    """Hold an application to the contract.

    Raises:
        ConfigError: `config_invalid`.
    """
    if told != name or not NAME.fullmatch(name):
        raise _breach(f"Its name is not that of its entry point, {name}, or none of an application.")
    for route in service.routes:
        segments = route.path.removeprefix(PREFIX).split("/")
        if not route.path.startswith(PREFIX) or not all(map(_SEGMENT.fullmatch, segments)) or "{" in segments[0]:
            raise _breach(f"The route {route.path} is none below {PREFIX}PART/.")
        if (owner := taken.get(part_of(route))) is not None:
            raise _breach(f"The route {route.path} belongs to the application {owner}.")
    for kind in service.handlers:
        if not kind.startswith(f"{name}."):
            raise _breach(f"The kind of job {kind} does not begin with {name}.")


def part_of(route: Route) -> str:
    """The segment of a route's path that is its application's own."""
    return route.path.removeprefix(PREFIX).partition("/")[0]


def _breach(why: str) -> ConfigError:
    return ConfigError("The application breaks its contract.", why, "Tell its author, or switch it off.")


def _broken(error: BaseException) -> ConfigError:
    """Its type and place, never its text, which may quote anything."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return ConfigError(
        "The application cannot be started.",
        f"{type(error).__name__} in {place}.",
        "Install its package again, or tell its author.",
    )


class RouteTable:
    """Finds the route for a request.

    Args:
        hosted: All applications.
    """

    def __init__(self, hosted: Sequence[Hosted]) -> None:
        self._routes = [(one.name, route, route.path.split("/")) for one in hosted for route in one.routes]
        self._parts = {part_of(route) for _, route, _ in self._routes}
        self._missing = [one.name for one in hosted if one.fault is not None]

    def find(self, method: str, raw_path: bytes) -> Found:
        """The first route that fits.

        Args:
            method: Of the request.
            raw_path: As sent, without the query: a slash that is written as `%2F` separates nothing.

        Raises:
            UsageError: `not_found`, `method_not_allowed`.
            GatewayError: `application_unavailable`: the path may be one of an application that did not start.
        """
        segments = [_decoded(segment) for segment in raw_path.split(b"/")]
        other: list[str] = []
        for application, route, pattern in self._routes:
            values = _match(pattern, segments)
            if values is not None and route.method == method:
                return Found(application, route, values)
            if values is not None:
                other.append(route.method)
        if other:
            raise MethodNotAllowed(sorted(set(other)))
        part = segments[2] if len(segments) > 2 else None
        if self._missing and part and part not in self._parts:
            raise GatewayError(
                "Nothing is served under this path at the moment.",
                f"Not available: {', '.join(self._missing)}.",
                code="application_unavailable",
            )
        raise UsageError("Nothing is served under this path.", code="not_found")


class MethodNotAllowed(UsageError):
    """The path takes other methods.

    Args:
        methods: Those.
    """

    def __init__(self, methods: Sequence[str]) -> None:
        self.methods = tuple(methods)
        super().__init__(f"The path takes {' or '.join(methods)} only.", code="method_not_allowed")


def _decoded(segment: bytes) -> str | None:
    """A segment's text; None for one that no parameter may be."""
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return None
    return None if text in {".", ".."} or _UNSAFE.search(text) else text


def _match(pattern: Sequence[str], segments: Sequence[str | None]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    values: dict[str, str] = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if given is None:
            return None
        if wanted[:1] == "{":
            if not given:
                return None
            values[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return values
