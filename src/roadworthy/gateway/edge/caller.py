"""Who waits for an answer, as an exchange sees it."""

from __future__ import annotations

from typing import Protocol


class Caller(Protocol):
    """Whoever waits for the answer. Exactly one of `answer`, or `begin` … `end`/`cut`, is called."""

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer; `lines` are header lines without Content-Type and Content-Length."""
        ...

    def begin(self, lines: bytes) -> None:
        """The header of a stream."""
        ...

    def write(self, data: bytes) -> None:
        """Bytes of a stream."""
        ...

    def end(self) -> None:
        """The stream is complete."""
        ...

    def cut(self) -> None:
        """The stream is not complete: close without the end mark of the transfer coding."""
        ...
