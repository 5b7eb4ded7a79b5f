"""The same results here and in processes; a process that is killed is told."""

from __future__ import annotations

import signal

import pytest

from roadworthy.core.errors import SubjectError
from roadworthy.runtime.executor import InlineExecutor, ProcessExecutor

NUMBERS = range(50)


def test_here() -> None:
    assert list(InlineExecutor().map(hex, NUMBERS)) == [hex(number) for number in NUMBERS]


def test_in_processes_in_order() -> None:
    assert list(ProcessExecutor(2).map(hex, NUMBERS)) == [hex(number) for number in NUMBERS]


def test_a_killed_process_is_told_and_nothing_hangs() -> None:
    results = ProcessExecutor(2).map(signal.raise_signal, [0, signal.SIGKILL, 0])
    assert next(results) is None
    with pytest.raises(SubjectError, match="was killed"):
        list(results)
