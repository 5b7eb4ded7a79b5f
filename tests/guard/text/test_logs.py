"""Nothing that a program logs leaves unmasked, whichever way it was put into the record."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from roadworthy.guard.text.logs import MaskedLogging

MAIL = "bob.smith@example.com"
PASSWORD = "hun" + "ter2-long"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """A logger `masked` whose handler writes all fields of a record as JSON, masked."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Everything())
    logger = logging.getLogger("masked")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    before = logging.getLogRecordFactory()
    MaskedLogging().install()
    yield stream
    logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


class _Everything(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({**vars(record), "text": super().format(record)}, default=repr)


class _Person:
    def __str__(self) -> str:
        return f"Person({MAIL})"


class _Untellable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def _log_exception(logger: logging.Logger) -> None:
    try:
        raise ValueError(f"no such user {MAIL}")
    except ValueError:
        logger.exception("failed")


@pytest.mark.parametrize(
    "log",
    [
        lambda logger: logger.info(f"mail {MAIL}"),
        lambda logger: logger.info("mail %s", MAIL),
        lambda logger: logger.info("mail %(who)s", {"who": MAIL}),
        lambda logger: logger.info("mail %s", [MAIL]),
        lambda logger: logger.info("mail %s", _Person()),
        lambda logger: logger.info("misfit %d", MAIL),
        lambda logger: logger.info(_Person()),
        lambda logger: logger.info("%s " + MAIL, _Untellable()),
        lambda logger: logger.info("extra", extra={"who": MAIL}),
        lambda logger: logger.info("extra", extra={"who": {"deep": [("a", {MAIL: 1})]}}),
        lambda logger: logger.info("extra", extra={"who": _Person()}),
        lambda logger: logger.info("extra", extra={"who": MAIL.encode()}),
        lambda logger: logger.info(*["too many", MAIL]),
        _log_exception,
        lambda logger: logger.warning("chained", exc_info=ValueError(MAIL)),
    ],
)
def test_no_way_past_the_filter(log: object, output: io.StringIO) -> None:
    assert callable(log)
    log(logging.getLogger("masked"))
    assert MAIL not in output.getvalue()
    assert "***EMAIL_MASKED***" in output.getvalue()


@pytest.mark.parametrize(
    "extra", [{"password": PASSWORD}, {"headers": {"Authorization": PASSWORD}}, {"api_key": 12345}]
)
def test_a_secret_name_is_enough(extra: dict[str, object], output: io.StringIO) -> None:
    logging.getLogger("masked").info("extra", extra=extra)
    assert PASSWORD not in output.getvalue()
    assert "12345" not in output.getvalue()
    assert "***MASKED***" in output.getvalue()


def test_what_is_harmless_stays(output: io.StringIO) -> None:
    logging.getLogger("masked").info("took %.3f ms for %s", 1.5, "req_0123", extra={"tokens": 256, "ok": True})
    record = json.loads(output.getvalue())
    assert record["text"] == "took 1.500 ms for req_0123"
    assert (record["tokens"], record["ok"]) == (256, True)


def test_a_later_handler_gets_masked_messages(output: io.StringIO) -> None:
    later = io.StringIO()
    handler = logging.StreamHandler(later)
    logging.getLogger("masked").addHandler(handler)
    try:
        _log_exception(logging.getLogger("masked"))
    finally:
        logging.getLogger("masked").removeHandler(handler)
    assert MAIL not in later.getvalue()
    assert "ValueError" in later.getvalue()


def test_structlog_processor() -> None:
    event = {"event": f"mail {MAIL}", "user": {"phone": "010-1234-5678", "password": PASSWORD}, "n": 3}
    shown = MaskedLogging().processor(None, "info", event)
    assert shown == {
        "event": "mail ***EMAIL_MASKED***",
        "user": {"phone": "***PHONE_MASKED***", "password": "***MASKED***"},
        "n": 3,
    }


def test_structlog_exception() -> None:
    try:
        raise ValueError(MAIL)
    except ValueError as error:
        shown = MaskedLogging().processor(None, "error", {"event": "x", "exc_info": error})
    assert MAIL not in str(shown)
    assert "ValueError" in shown["exception"]


def test_what_is_nested_without_end_is_cut() -> None:
    value: list[object] = [MAIL]
    for _ in range(1000):
        value = [value]
    value2: list[object] = []
    value2.append(value2)
    shown = MaskedLogging().processor(None, "info", {"event": "x", "deep": value, "loop": value2})
    assert MAIL not in json.dumps(shown)
