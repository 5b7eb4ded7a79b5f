"""What a request says about JSON: its schema, and the same in words for APIs that cannot be told otherwise."""

from __future__ import annotations

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import ChatRequest, Message
from roadworthy.gateway.quality.schema import Schema, SchemaInvalid, compiled

_encode = msgspec.json.Encoder(order="deterministic").encode


def request_schema(ask: ChatRequest) -> Schema | None:
    """The compiled schema of `response_format`; None when it has none.

    Raises:
        UsageError: `invalid_request`: no answer could be held against it.
    """
    raw = _raw_schema(ask)
    if raw is None:
        return None
    try:
        return compiled(raw)
    except SchemaInvalid as error:
        raise UsageError(
            "The JSON schema of the response format cannot be used.",
            f"{str(error).capitalize()}.",
            param="response_format.json_schema.schema",
        ) from None


def asked_in_words(ask: ChatRequest) -> ChatRequest:
    """The same request with its response format as a system message in front."""
    raw = _raw_schema(ask)
    words = "Answer with one JSON value alone: no words before or after it, and no code block around it."
    if raw is None:
        words += " It must be a JSON object."
    else:
        words += f" It must satisfy this JSON schema:\n{raw.decode()}"
    return ask.without("response_format").preceded(Message("system", words))


def _raw_schema(ask: ChatRequest) -> bytes | None:
    form = ask.view.response_format
    if form is None or form.json_schema is None or form.json_schema.schema is None:
        return None
    return _encode(form.json_schema.schema)
