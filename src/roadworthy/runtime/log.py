"""Structured logs: one JSON object per line, masked at the door, at most 16 KiB, never an error for the caller."""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO, Any, Literal

import msgspec

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.ports import Masker

Level = Literal["debug", "info", "warning", "error", "critical"]

LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
MAX_LINE_BYTES = 16_384
"""Longest line, its line feed included; longer ones lose the ends of their long fields and say `"truncated":true`."""

_SURELY_SHORT_BYTES = MAX_LINE_BYTES // 16  # masking makes nothing 16 times as long
_MAX_FIELD_CHARS = 1_024
_PIPE_BYTES = 4_096  # POSIX PIPE_BUF: a write of at most so many bytes is never mixed with another process's


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC with milliseconds."""
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1000):03d}Z"


class Log:
    """Writes events to a stream. Safe for threads; never raises because of the stream.

    When the stream refuses (closed, full, gone) lines are dropped and counted; the first line that goes through
    again is preceded by `{"event":"log.lines_dropped","dropped":n}`.

    Args:
        stream: Where lines go; standard error when None. A stream with a file descriptor is written to directly.
        masker: Masks every line, as the last step before it is written.
        level: Events below it are not written.
        clock: For the `time` of each line.
        fields: Constant fields of each line of `event`, for example `worker=0`.
    """

    def __init__(
        self,
        stream: IO[Any] | None,
        masker: Masker,
        level: Level = "info",
        *,
        clock: Clock | None = None,
        fields: dict[str, object] | None = None,
    ) -> None:
        self._stream: IO[Any] = sys.stderr if stream is None else stream
        self._masker = masker
        self._threshold = LEVELS[level]
        self._clock = clock or SystemClock()
        self.fields: dict[str, object] = fields or {}
        """Fields that every line of `event` carries."""
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self._lock = threading.Lock()
        self._fd, self._is_pipe = _descriptor(self._stream)
        self._unreported = 0
        self.dropped_total = 0
        """Lines that could not be written since the start."""

    def enabled(self, level: Level) -> bool:
        """Whether events of this level are written."""
        return LEVELS[level] >= self._threshold

    def event(self, level: Level, event: str, /, **fields: object) -> None:
        """Write one event.

        Args:
            level: How much it matters.
            event: Dotted name from a closed vocabulary, for example `breaker.opened`.
            fields: Values that JSON can hold; anything else is written as its text.
        """
        if LEVELS[level] < self._threshold:
            return
        record = {"time": timestamp(self._clock.wall()), "level": level, "event": event, **self.fields, **fields}
        self.lines([self._encoded(record)])

    def lines(self, lines: Sequence[bytes]) -> None:
        """Write whole JSON objects, one per line, as they are but masked; one write for all on a file.

        Args:
            lines: Each a JSON object without a line feed; lines above `MAX_LINE_BYTES` are dropped and counted.
        """
        if not lines:
            return
        text = self._masker.mask_bytes(b"\n".join(lines) + b"\n")
        count = len(lines)
        if max(map(len, lines)) > _SURELY_SHORT_BYTES:
            kept = [line for line in text.splitlines(keepends=True) if len(line) <= MAX_LINE_BYTES]
            text = b"".join(kept)
            self._count_dropped(count - len(kept))
            count = len(kept)
        with self._lock:
            notice = self._notice()
            try:
                self._write(notice + text)
            except (OSError, ValueError):  # ValueError: the stream was closed
                self._count_dropped(count)
            else:
                if notice:
                    self._unreported = 0

    def _count_dropped(self, count: int) -> None:
        self.dropped_total += count
        self._unreported += count

    def _notice(self) -> bytes:
        if not self._unreported:
            return b""
        record = {
            "time": timestamp(self._clock.wall()),
            "level": "error",
            "event": "log.lines_dropped",
            **self.fields,
            "dropped": self._unreported,
        }
        return self._encode(record) + b"\n"

    def _write(self, text: bytes) -> None:
        if self._fd is None:
            try:
                self._stream.write(text)
            except TypeError:  # a text stream
                self._stream.write(text.decode("utf-8", "replace"))
            self._stream.flush()
            return
        for piece in _whole_lines(text, _PIPE_BYTES) if self._is_pipe else (text,):
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def _encoded(self, record: dict[str, object]) -> bytes:
        try:
            line = self._encode(record)
        except (TypeError, ValueError):  # lone surrogates, keys that JSON does not know
            record = {key: value if _is_plain(value) else ascii(value) for key, value in record.items()}
            line = self._encode(record)
        if len(line) < MAX_LINE_BYTES:
            return line
        # Masked before it is cut: half a secret would no longer look like one.
        for limit in (_MAX_FIELD_CHARS, 64):
            short = {key: self._shortened(value, limit) for key, value in record.items()}
            line = self._encode({**short, "truncated": True})
            if len(line) < MAX_LINE_BYTES:
                return line
        return self._encode({key: record[key] for key in ("time", "level", "event")} | {"truncated": True})

    def _shortened(self, value: object, limit: int) -> object:
        if _is_plain(value):
            return value
        text = value if isinstance(value, str) else self._encode(value).decode()
        return self._masker.mask(text)[:limit]


class LogHandler(logging.Handler):
    """Passes what other libraries log with `logging` on to a `Log`.

    Args:
        log: Where it goes.
        level: Lowest level taken, as `logging` numbers them.
    """

    def __init__(self, log: Log, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._log = log
        self._exceptions = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as event `log`; a record whose message cannot be formatted is shown unformatted."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)
        fields: dict[str, object] = {"logger": record.name, "msg": message}
        if record.exc_info:
            fields["exception"] = self._exceptions.formatException(record.exc_info)
        self._log.event(_level_of(record.levelno), "log", **fields)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _level_of(number: int) -> Level:
    names: tuple[Level, ...] = ("critical", "error", "warning", "info")
    return next((name for name in names if number >= LEVELS[name]), "debug")


def _descriptor(stream: IO[Any]) -> tuple[int | None, bool]:
    """The stream's file descriptor, if it has one, and whether it is a pipe."""
    try:
        fd = stream.fileno()
        return fd, stat.S_ISFIFO(os.fstat(fd).st_mode)
    except (OSError, ValueError, AttributeError):
        return None, False


def _whole_lines(text: bytes, limit: int) -> list[bytes]:
    """The text in pieces of at most `limit` bytes that end at line ends; a longer line is a piece of its own."""
    pieces: list[bytes] = []
    start = 0
    while len(text) - start > limit:
        end = text.rfind(b"\n", start, start + limit) + 1
        if end == 0:
            end = text.index(b"\n", start) + 1
        pieces.append(text[start:end])
        start = end
    if start < len(text):
        pieces.append(text[start:])
    return pieces
