"""A mode's parameters in a request: filled in where the caller left them out; the token limit caps his own."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Raw

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.settings import Parameters


class Given(NamedTuple):
    """What the caller asked for himself; None where he left it out."""

    max_tokens: int | None
    max_completion_tokens: int | None
    temperature: float | None
    top_p: float | None


def given(request: ChatRequest) -> Given:
    """Read it before the first `fill`."""
    view = request.view
    return Given(view.max_tokens, view.max_completion_tokens, view.temperature, view.top_p)


class Filler:
    """The parameters of one mode, encoded once.

    Args:
        parameters: Of the mode.
    """

    __slots__ = ("_limit", "_raw_limit", "_sampling")

    def __init__(self, parameters: Parameters) -> None:
        self._limit = parameters.max_new_tokens
        self._raw_limit = Raw(b"%d" % (self._limit or 0))
        self._sampling = tuple(
            (name, value, Raw(repr(float(value)).encode()) if value is not None else None)
            for name, value in (("temperature", parameters.temperature), ("top_p", parameters.top_p))
        )

    def fill(self, request: ChatRequest, asked: Given) -> None:
        """Change the request to this mode, whichever mode it was filled for before.

        Args:
            request: Changed in place.
            asked: What the caller gave.
        """
        view, fields = request.view, request.fields
        for (name, value, raw), own in zip(self._sampling, (asked.temperature, asked.top_p), strict=True):
            if own is not None:
                continue
            setattr(view, name, value)
            if raw is None:
                fields.pop(name, None)
            else:
                fields[name] = raw
        self._limit_tokens(request, asked)

    def _limit_tokens(self, request: ChatRequest, asked: Given) -> None:
        view, fields, limit = request.view, request.fields, self._limit
        if asked.max_tokens is None and asked.max_completion_tokens is None:
            view.max_tokens = limit
            request.tokens_filled = limit is not None
            if limit is None:
                fields.pop("max_tokens", None)
            else:
                fields["max_tokens"] = self._raw_limit
            return
        for name, own in (
            ("max_tokens", asked.max_tokens), ("max_completion_tokens", asked.max_completion_tokens),
        ):
            if own is not None:
                bounded = own if limit is None else min(own, limit)
                setattr(view, name, bounded)
                fields[name] = Raw(b"%d" % bounded)
