"""Incremental parser of server-sent events.

Source: WHATWG HTML Living Standard, section "Server-sent events" (event stream interpretation). The fields `id` and
`retry` are of no use here and skipped.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 1024 * 1024


LINE_FEED = 0x0A  # as a number: looking for a byte is eight times faster than looking for a bytes object


class EventTooLarge(Exception):
    """An event without end: more than `MAX_EVENT_BYTES` without an empty line."""


class EventParser:
    """Turns the bytes of one stream, cut anywhere, into (event, data) pairs."""

    __slots__ = ("_more", "_rest", "_size")

    def __init__(self) -> None:
        self._rest = b""
        self._more: list[bytes] = []  # what followed `_rest` without a line end, not yet joined to it
        self._size = 0

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The events that are complete now.

        Raises:
            EventTooLarge: The unfinished event is over the limit.
        """
        if self._rest:
            if b"\n" not in data and b"\r" not in data and not self._rest.endswith(b"\r"):
                self._keep(data)
                return []
            data = b"".join((self._rest, *self._more, data))
            self._more.clear()
        held = b""
        if b"\r" in data:
            if data.endswith(b"\r"):  # may be half of a CRLF
                data, held = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        blocks = data.split(b"\n\n")
        self._rest = blocks.pop() + held
        self._size = len(self._rest)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLarge
        events: list[tuple[bytes, bytes]] = []
        for block in blocks:
            if block.startswith(b"data: ") and LINE_FEED not in block:
                events.append((b"", block[6:]))
            else:
                event = _read(block)
                if event is not None:
                    events.append(event)
        return events

    def _keep(self, data: bytes) -> None:
        """A piece in the middle of a line: joining each to all before it would cost time with the square of both."""
        self._more.append(data)
        self._size += len(data)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLarge


def _read(block: bytes) -> tuple[bytes, bytes] | None:
    name = b""
    data: list[bytes] = []
    for line in block.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return (name, b"\n".join(data)) if data else None
