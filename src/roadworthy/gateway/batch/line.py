"""One line of a batch file: what it must be. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from roadworthy.gateway.batch.record import LineFault

ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings")
MAX_LINES = 50_000
MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_ID_CHARS = 256


class Wanted(NamedTuple):
    """A request to send.

    Attributes:
        number: Of the line, from 1.
        custom_id: The caller's name for it.
        body: JSON body, as it came.
    """

    number: int
    custom_id: str
    body: bytes


class _Line(msgspec.Struct):
    custom_id: str
    url: str
    body: dict[str, msgspec.Raw]
    method: str = "POST"


_decode = msgspec.json.Decoder(_Line).decode


class Bad(Exception):
    """The line cannot be sent.

    Args:
        fault: Why.
        custom_id: The caller's name for it, when it could be read.
    """

    def __init__(self, fault: LineFault, custom_id: str | None = None) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.custom_id = custom_id


def read_line(number: int, raw: bytes, endpoint: str, seen: set[str]) -> Wanted:
    """Check one line.

    Args:
        number: From 1.
        raw: Without the line feed.
        endpoint: Of the batch; every line must name it as `url`.
        seen: `custom_id`s of the lines before; this one's is added.

    Raises:
        Bad: With a fault that names the line and never repeats its text.
    """
    if len(raw) > MAX_LINE_BYTES:
        raise _bad(number, "request_too_large", f"The line is longer than {MAX_LINE_BYTES} bytes.")
    try:
        line = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        known = isinstance(error, msgspec.ValidationError)
        what = "an object with custom_id, method, url and body" if known else "JSON"
        raise _bad(number, "invalid_request", f"The line is not {what}.") from None
    name = line.custom_id
    if not 0 < len(name) <= MAX_ID_CHARS or "\n" in name:
        raise _bad(number, "invalid_request", f"custom_id must have 1 to {MAX_ID_CHARS} characters.", "custom_id")
    if name in seen:
        raise _bad(number, "invalid_request", "Another line before has the same custom_id.", "custom_id")
    seen.add(name)
    if line.method != "POST" or line.url != endpoint:
        raise _bad(number, "invalid_request", f"method must be POST and url {endpoint}, as the batch.", "url", name)
    if line.body.get("stream", b"false") not in (b"false", b"null"):
        raise _bad(number, "unsupported_parameter", "A line of a batch cannot be streamed.", "stream", name)
    return Wanted(number, name, msgspec.json.encode(line.body))


def _bad(number: int, code: str, message: str, param: str | None = None, name: str | None = None) -> Bad:
    return Bad(LineFault(code, f"Line {number}: {message}", number, param), name)
