"""Header lines between the edge and the worker."""

from __future__ import annotations

from starlette.requests import Request

TENANT = "rw-tenant"
"""Of a request: public id of the caller's key."""

SERVED_BY = "rw-application"
"""Of an answer: the application that it is from; for the edge's metrics alone."""


def served_by(request: Request) -> dict[str, str]:
    """The line `SERVED_BY`; nothing when the request was for no application."""
    name = getattr(request.state, "application", None)
    return {} if name is None else {SERVED_BY: name}
