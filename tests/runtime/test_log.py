"""Log lines: whole, masked, bounded, and never a reason to fail."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from roadworthy.core.clock import ManualClock
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.log import MAX_LINE_BYTES, Log, LogHandler, timestamp

MASKER = TextMasker()


def parsed(text: bytes | str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_json_object_per_line() -> None:
    stream = io.BytesIO()
    log = Log(stream, MASKER, clock=ManualClock(1_760_000_000.25), fields={"worker": 3})
    log.event("info", "breaker.opened", provider="openai", retry_in_s=2.5, nothing=None)
    log.event("error", "journal.refused")
    assert parsed(stream.getvalue()) == [
        {
            "time": "2025-10-09T08:53:20.250Z",
            "level": "info",
            "event": "breaker.opened",
            "worker": 3,
            "provider": "openai",
            "retry_in_s": 2.5,
            "nothing": None,
        },
        {"time": "2025-10-09T08:53:20.250Z", "level": "error", "event": "journal.refused", "worker": 3},
    ]


def test_timestamp_counts_milliseconds() -> None:
    assert timestamp(0.0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1_760_000_000.9996) == "2025-10-09T08:53:20.999Z"


@pytest.mark.parametrize(
    ("level", "written"), [("debug", 5), ("info", 4), ("warning", 3), ("error", 2), ("critical", 1)]
)
def test_level_is_the_threshold(level: Any, written: int) -> None:
    stream = io.BytesIO()
    log = Log(stream, MASKER, level)
    names: list[Any] = ["debug", "info", "warning", "error", "critical"]
    for name in names:
        log.event(name, "x")
    assert len(parsed(stream.getvalue())) == written
    assert [log.enabled(name) for name in names] == [False] * (5 - written) + [True] * written


def test_masks_fields_and_ready_lines() -> None:
    stream = io.BytesIO()
    log = Log(stream, MASKER)
    log.event("error", "provider.unauthorized", detail="key sk-canary-0123456789 of bob@example.com")
    log.lines([b'{"event":"request","detail":"Bearer 0123456789abcdef"}', b'{"event":"request"}'])
    assert b"canary" not in stream.getvalue()
    lines = parsed(stream.getvalue())
    assert lines[0]["detail"] == "key ***MASKED*** of ***EMAIL_MASKED***"
    assert lines[1:] == [{"event": "request", "detail": "Bearer ***MASKED***"}, {"event": "request"}]


def test_a_value_json_does_not_know_is_written_as_text() -> None:
    stream = io.BytesIO()
    Log(stream, MASKER).event("info", "x", path=Path("a/b"))
    assert parsed(stream.getvalue())[0]["path"] == "a/b"


def test_a_value_that_cannot_be_encoded_is_written_escaped() -> None:
    stream = io.BytesIO()
    Log(stream, MASKER).event("info", "x", bad="\ud83d", keys={(1, 2): 3}, good=1)
    (line,) = parsed(stream.getvalue())
    assert (line["bad"], line["good"]) == ("'\\ud83d'", 1)


@pytest.mark.parametrize("value", ["x" * 50_000, ["y" * 400] * 100, {"z": "é" * 20_000}])
def test_long_lines_are_cut_and_say_so(value: object) -> None:
    stream = io.BytesIO()
    Log(stream, MASKER).event("info", "x", long=value, short=1)
    assert len(stream.getvalue()) <= MAX_LINE_BYTES
    (line,) = parsed(stream.getvalue())
    assert line["truncated"] is True
    assert line["short"] == 1


def test_many_long_fields_leave_the_name_of_the_event() -> None:
    stream = io.BytesIO()
    Log(stream, MASKER).event("info", "x", **{f"field{n}": "v" * 100 for n in range(400)})
    (line,) = parsed(stream.getvalue())
    assert (line["event"], line["truncated"]) == ("x", True)


def test_a_secret_at_the_cut_does_not_leak_its_head() -> None:
    stream = io.BytesIO()
    text = "a " * 507 + "sk-canarycanarycanary " + "b" * 20_000
    Log(stream, MASKER).event("info", "x", text=text)
    assert b"canary" not in stream.getvalue()


def test_a_ready_line_that_is_too_long_is_dropped_and_counted() -> None:
    stream = io.BytesIO()
    log = Log(stream, MASKER)
    log.lines([b'{"n":1}', b'{"x":"' + b"y " * 20_000 + b'"}', b'{"n":2}'])
    lines = parsed(stream.getvalue())
    assert [line.get("n") for line in lines if line.get("event") != "log.lines_dropped"] == [1, 2]
    assert log.dropped_total == 1


def test_text_streams_work() -> None:
    stream = io.StringIO()
    Log(stream, MASKER).event("info", "x", text="한글")
    assert parsed(stream.getvalue())[0]["text"] == "한글"


class Flaky(io.RawIOBase):
    """A stream that refuses while `broken`."""

    def __init__(self) -> None:
        self.broken: Exception | None = None
        self.text = b""

    def fileno(self) -> int:
        raise OSError("no descriptor")

    def write(self, text: Any) -> int:
        if self.broken:
            raise self.broken
        self.text += text
        return len(text)


@pytest.mark.parametrize(
    "problem", [BrokenPipeError(), OSError(28, "No space left"), BlockingIOError(), ValueError("closed")]
)
def test_a_stream_that_is_gone_costs_lines_not_the_caller(problem: Exception) -> None:
    stream = Flaky()
    log = Log(stream, MASKER)
    log.event("info", "first")
    stream.broken = problem
    log.event("info", "lost")
    log.lines([b"{}", b"{}"])
    stream.broken = None
    log.event("info", "back")
    log.event("info", "on")
    lines = parsed(stream.text)
    assert [line["event"] for line in lines] == ["first", "log.lines_dropped", "back", "on"]
    assert lines[1]["dropped"] == 3
    assert log.dropped_total == 3


def test_a_closed_pipe_costs_lines_not_the_caller() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        log = Log(stream, MASKER)
        os.close(reader)
        log.event("info", "lost")
    assert log.dropped_total == 1


def test_a_batch_larger_than_a_pipe_write_arrives_whole() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        Log(stream, MASKER).lines([b'{"n":%d,"x":"%s"}' % (n, b"v" * (n * 37 % 5000)) for n in range(20)])
    with os.fdopen(reader, "rb") as source:
        assert [line["n"] for line in parsed(source.read())] == list(range(20))


def test_a_file_gets_one_write_for_a_batch(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stream:
        Log(stream, MASKER).lines([b'{"n":1}', b'{"n":2}'])
        assert (tmp_path / "log").read_bytes() == b'{"n":1}\n{"n":2}\n'


def test_bridges_the_standard_library() -> None:
    stream = io.BytesIO()
    logger = logging.Logger("uvicorn.error")
    logger.addHandler(LogHandler(Log(stream, MASKER)))
    logger.debug("too low")
    logger.warning("from %s", "bob@example.com")
    logger.info("bad %d", "format")
    try:
        raise RuntimeError("sk-canary-0123456789")
    except RuntimeError:
        logger.critical("failed", exc_info=sys.exc_info())
    lines = parsed(stream.getvalue())
    assert [(line["level"], line["event"], line["logger"], line["msg"]) for line in lines] == [
        ("warning", "log", "uvicorn.error", "from ***EMAIL_MASKED***"),
        ("info", "log", "uvicorn.error", "bad %d"),
        ("critical", "log", "uvicorn.error", "failed"),
    ]
    assert "RuntimeError: ***MASKED***" in lines[2]["exception"]
