"""A mode's parameters in a request: filled in where the caller left them out; the token limit caps his own."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.settings import Parameters

Given = tuple[int | None, int | None, float | None, float | None]
"""What the caller gave: max_tokens, max_completion_tokens, temperature, top_p; None where he left it out."""


def given(request: ChatRequest) -> Given:
    """Read it before the first `fill`."""
    view = request.view
    return view.max_tokens, view.max_completion_tokens, view.temperature, view.top_p


class Filler:
    """The parameters of one mode, encoded once.

    Args:
        parameters: Of the mode.
    """

    __slots__ = ("_limit", "_raw_limit", "_raw_temperature", "_raw_top_p", "_temperature", "_top_p")

    def __init__(self, parameters: Parameters) -> None:
        self._limit = parameters.max_new_tokens
        self._temperature = parameters.temperature
        self._top_p = parameters.top_p
        self._raw_limit, self._raw_temperature, self._raw_top_p = map(_raw, msgspec.structs.astuple(parameters))

    def fill(self, request: ChatRequest, asked: Given) -> None:
        """Change the request to this mode, whichever mode it was filled for before.

        Args:
            request: Changed in place.
            asked: What the caller gave.
        """
        view, fields = request.view, request.fields
        max_tokens, max_completion_tokens, temperature, top_p = asked
        if temperature is None:
            view.temperature = self._temperature
            if (raw := self._raw_temperature) is not None:
                fields["temperature"] = raw
            else:
                fields.pop("temperature", None)
        if top_p is None:
            view.top_p = self._top_p
            if (raw := self._raw_top_p) is not None:
                fields["top_p"] = raw
            else:
                fields.pop("top_p", None)
        if max_tokens is None and max_completion_tokens is None:
            self._fill_tokens(request)
            return
        if max_tokens is not None:
            view.max_tokens = bounded = self._bounded(max_tokens)
            fields["max_tokens"] = Raw(b"%d" % bounded)
        if max_completion_tokens is not None:
            view.max_completion_tokens = bounded = self._bounded(max_completion_tokens)
            fields["max_completion_tokens"] = Raw(b"%d" % bounded)

    def _fill_tokens(self, request: ChatRequest) -> None:
        request.view.max_tokens = self._limit
        request.tokens_filled = self._raw_limit is not None
        if self._raw_limit is not None:
            request.fields["max_tokens"] = self._raw_limit
        else:
            request.fields.pop("max_tokens", None)

    def _bounded(self, asked: int) -> int:
        return asked if self._limit is None else min(asked, self._limit)


def _raw(value: float | None) -> Raw | None:
    return None if value is None else Raw(msgspec.json.encode(value))
