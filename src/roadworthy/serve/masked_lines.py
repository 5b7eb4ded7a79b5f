"""Log lines of processes beside the edge: one masked line each, no tracebacks, whose last line may quote anything."""

from __future__ import annotations

import logging
import sys

from roadworthy.guard.text.masker import TextMasker


class MaskedLines(logging.Handler):
    """Writes one masked line to standard error for each record.

    Args:
        process: Name of the process, as in `processes.json`.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process
        self._mask = TextMasker().mask

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        sys.stderr.write(f"{self._process}: {record.levelname.lower()}: {self._mask(record.getMessage())}\n")
