"""Masks what a Python program logs: a filter and a record factory for `logging`, a processor for structlog.

masking = MaskedLogging()
masking.install()                    # logging: every handler that there is, every record that comes
structlog.configure(processors=[..., masking.processor, structlog.processors.JSONRenderer()])
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

from roadworthy.core.ports import Masker
from roadworthy.guard.text.kind import Kind, mark
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.tree import UNTELLABLE, is_secret_name, masked_tree, text_of

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOTHING = (None, "", True, False)
_MARKED = "_roadworthy_masked"


class MaskedLogging(logging.Filter):
    """Masks log records: message with its arguments, extra fields, exception and stack texts. Never drops one.

    A message whose arguments do not fit it, or have no text, is shown with them side by side, masked.

    Args:
        masker: Masks texts; `TextMasker()` when None.
    """

    def __init__(self, masker: Masker | None = None) -> None:
        super().__init__()
        self._masker = TextMasker() if masker is None else masker
        self._formatter = logging.Formatter()

    def install(self, root: logging.Logger | None = None) -> int:
        """Protect every handler of every logger, and every record that is made from now on.

        Handlers that are added later see masked messages and exceptions, because records are masked when they are made;
        call this again, or add the filter to them, so that their extra fields are masked too.

        Args:
            root: Where to begin; all loggers when None.

        Returns:
            The number of handlers that have the filter now.
        """
        made = logging.getLogRecordFactory()
        if not isinstance(getattr(made, "__self__", None), MaskedLogging):
            logging.setLogRecordFactory(_Factory(self, made))
        count = 0
        for handler in _handlers(root):
            if self not in handler.filters:
                handler.addFilter(self)
            count += 1
        return count

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; always True."""
        self.mask_record(record)
        for name in record.__dict__.keys() - _OWN:
            if name != _MARKED:
                self._mask_extra(record, name)
        return True

    def mask_record(self, record: logging.LogRecord) -> None:
        """Mask message, arguments, exception and stack of a record, once."""
        if record.__dict__.get(_MARKED):
            return
        record.msg = self._masker.mask(_message(record))
        record.args = None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self._masker.mask(record.exc_text or self._formatter.formatException(record.exc_info))
            record.exc_info = None  # a formatter of its own would write the text anew
        if record.stack_info:
            record.stack_info = self._masker.mask(record.stack_info)
        record.__dict__[_MARKED] = True

    def processor(self, logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A structlog processor; place it last before the renderer, so that it sees what every other one added."""
        info = event.pop("exc_info", None)
        if info:
            event["exception"] = self._formatter.formatException(_exception(info))
        masked = masked_tree(dict(event), self._masker)
        assert isinstance(masked, dict)
        return masked

    def _mask_extra(self, record: logging.LogRecord, name: str) -> None:
        value = record.__dict__[name]
        if is_secret_name(name) and value not in _NOTHING:
            record.__dict__[name] = mark(Kind.PASSWORD).decode()
        else:
            record.__dict__[name] = masked_tree(value, self._masker)


class _Factory:
    """A record factory that masks what the one before it made."""

    def __init__(self, owner: MaskedLogging, made: Any) -> None:
        self.__self__ = owner
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._made(*args, **kwargs)
        self.__self__.mask_record(record)
        return record


def _handlers(root: logging.Logger | None) -> Iterator[logging.Handler]:
    start = logging.getLogger() if root is None else root
    yield from start.handlers
    prefix = "" if start.name == "root" else f"{start.name}."
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.startswith(prefix):
            yield from logger.handlers


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except UNTELLABLE:
        return f"{text_of(record.msg)} {text_of(record.args)}"


def _exception(info: object) -> Any:
    import sys

    if isinstance(info, BaseException):
        return type(info), info, info.__traceback__
    return info if isinstance(info, tuple) else sys.exc_info()
