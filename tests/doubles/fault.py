"""What can go wrong between a provider and its caller, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "hang",  # takes the request, never answers
    "close",  # closes the connection without an answer
    "reset",  # the same with a TCP reset
    "cut",  # closes after `after` text events of a stream; a plain answer is cut in the middle
    "stall",  # goes silent after `after` text events, connection open; a plain answer stalls in the middle
    "drip",  # waits `seconds` before each event of a stream, or before each byte of a plain answer
    "delay",  # waits `seconds` before the first byte
    "end_early",  # ends the stream as HTTP demands after `after` events, but without the API's own end mark
    "error_event",  # sends the API's error event after `after` text events
    "keep_alive",  # comment lines between events, empty lines before a plain body (as DeepSeek documents)
    "html",  # 200 with a page of a proxy
    "not_json",  # 200 whose body is no JSON
    "no_choices",  # 200 with an object that has no choices (no content blocks)
    "empty_body",  # 200 with content-length 0
    "empty",  # 200 with empty text
    "whitespace",  # 200 with text of white space only
    "truncated_json",  # 200 whose text is the first half of a JSON object
    "truncated_body",  # 200 whose body is the first half, with a fitting content-length
    "wrong_length",  # content-length larger than the body, then the connection closes
    "huge_header",  # a header line of `size` bytes
    "gzip",  # content-encoding: gzip, asked for or not
    "filtered",  # the provider's content filter
    "length",  # the first half of the text, finish_reason length: the token limit was reached
    "status",  # the API's own error for `status`, with `headers` on top
]


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        kind: What goes wrong.
        after: For cut, stall, end_early, error_event: number of text events that still come.
        seconds: For delay and drip.
        status: For status.
        code: For status: the error code inside the body where the API has several, such as `insufficient_quota`.
        headers: For status: more header lines, for example `{"retry-after": "7"}`.
        size: For huge_header, in bytes.
    """

    kind: Kind
    after: int = 2
    seconds: float = 0.05
    status: int = 500
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 70_000


Faults = Fault | Sequence[Fault | None] | None
"""One fault for every request, or one for each request in order (None: healthy; after the last: healthy)."""
