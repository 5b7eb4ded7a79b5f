"""The control process: the admin API on a port of its own, loopback by default.

python -m roadworthy.serve.control --settings-fd N
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from roadworthy.core.errors import RoadworthyError, UnexpectedError, UsageError
from roadworthy.gateway.console_session import SessionStore
from roadworthy.gateway.keys import KeyStore
from roadworthy.gateway.settings import KeyLimits, State
from roadworthy.gateway.shared.allowance import allowances_of
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.serve.control_access import AdminOnly, error_response
from roadworthy.serve.control_console import ConsoleDesk, TargetSettings
from roadworthy.serve.control_jobs import AdminJobs
from roadworthy.serve.control_routes import AdminApi
from roadworthy.serve.control_workers import Workers
from roadworthy.serve.masked_lines import MaskedLines

_BACKLOG = 64
_GRACE_S = 5


class ControlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the control process needs to know.

    Attributes:
        host: Address to listen on.
        port: TCP port.
        state_dir: Absolute path of the state directory.
        workers: Number of edge workers.
        profile: Name of the profile in force.
        budget: Limits of keys that have none of their own.
        state: What replicas share, None when they share nothing.
        targets: What routes can be served by, for the console.
    """

    host: str
    port: int
    state_dir: str
    workers: int
    profile: str = "development"
    budget: KeyLimits = KeyLimits()
    state: State | None = None
    targets: tuple[TargetSettings, ...] = ()


def create_app(settings: ControlSettings, keys: KeyStore, journal: SqliteJournal) -> Starlette:
    """The admin API as an ASGI application.

    Args:
        settings: See `ControlSettings`; host and port are not used here.
        keys: The key store.
        journal: What the journal routes read, and where what admins do is written.
    """
    state_dir = Path(settings.state_dir)
    workers = Workers(state_dir, settings.workers)
    shared = None if settings.state is None else allowances_of(settings.state)
    api = AdminApi(state_dir, settings.profile, workers, keys, journal, settings.budget, shared)
    sessions = SessionStore(state_dir / "state.db", keys, journal)
    desk = ConsoleDesk(keys, sessions, workers, settings.targets)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        sessions.close()
        await workers.close()

    return Starlette(
        routes=[*api.routes(), *AdminJobs(state_dir, journal).routes(), *desk.routes()],
        lifespan=lifespan,
        middleware=[Middleware(AdminOnly, keys=keys)],
        exception_handlers={RoadworthyError: _known, HTTPException: _http, Exception: _bug},
    )


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, RoadworthyError)
    return error_response(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    response = error_response(request, UsageError("The admin API does not serve this request.", code=code))
    response.headers.update(error.headers or {})
    return response


async def _bug(request: Request, error: Exception) -> Response:
    """The door of this process: Starlette hands every bug here, and it leaves as an answer without details."""
    number = request.state.request_id
    logging.getLogger("roadworthy.control").error("bug in request %s: %s: %s", number, type(error).__name__, error)
    return error_response(request, UnexpectedError("Something failed that should not have: a bug of ours."))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on a port that the supervisor holds reserved."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(_BACKLOG)
    return listener


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM.

    Returns:
        Exit code: 0 after an orderly end, that of the error when the process cannot start.
    """
    parser = argparse.ArgumentParser(prog="python -m roadworthy.serve.control", description=__doc__)
    parser.add_argument("--settings-fd", type=int, required=True, help="file descriptor to read the settings from")
    with open(parser.parse_args(argv).settings_fd, "rb") as pipe:
        settings = msgspec.json.decode(pipe.read(), type=ControlSettings)
    logging.basicConfig(level=logging.WARNING, handlers=[MaskedLines("control")])
    try:
        app = _open_app(settings)
    except RoadworthyError as error:
        print(f"control: {error} {error.mend}", file=sys.stderr)
        return int(error.spec.exit_code)
    server = uvicorn.Server(uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=True, ws="none", proxy_headers=False,
        limit_concurrency=_BACKLOG, timeout_graceful_shutdown=_GRACE_S,
    ))  # fmt: skip
    server.run(sockets=[listen(settings.host, settings.port)])
    return 0


def _open_app(settings: ControlSettings) -> Starlette:
    state = Path(settings.state_dir) / "state.db"
    journal = SqliteJournal(state, TextMasker())
    return create_app(settings, KeyStore(state, journal), journal)


if __name__ == "__main__":
    sys.exit(main())
