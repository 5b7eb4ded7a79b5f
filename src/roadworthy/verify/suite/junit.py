"""Reads a JUnit file that another test runner wrote. Entities are refused, names are kept as text."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.suite.record import ERROR, FAILED, PASSED, SKIPPED, Suite, Test

MOST_BYTES = 64 * 1024 * 1024


def suite(file: Path, runner: str, exit_code: int, seconds: float) -> Suite:
    """The tests of a JUnit file.

    Raises:
        NotMeasured: It is not there, too large, or no JUnit file, or its own sums do not agree with its cases.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError:
        raise NotMeasured(f"{runner} wrote no JUnit file.") from None
    if len(content) > MOST_BYTES or re.search(rb"<!(DOCTYPE|ENTITY)", content):
        raise NotMeasured(f"The JUnit file of {runner} is too large or declares entities.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  entities are refused above
    except ElementTree.ParseError:
        raise NotMeasured(f"What {runner} wrote is no JUnit file.") from None
    tests = tuple(_test(case) for case in root.iter("testcase"))
    said = sum(int(each.get("tests") or 0) for each in root.iter("testsuite") if not each.findall("testsuite"))
    if said != len(tests):
        raise NotMeasured(f"The JUnit file of {runner} names {said} tests and holds {len(tests)}.")
    return Suite(runner=runner, exit_code=exit_code, tests=tests, seconds=seconds)


def _test(case: ElementTree.Element) -> Test:
    name = f"{case.get('file') or case.get('classname') or ''}::{case.get('name') or ''}"
    for tag, state in (("failure", FAILED), ("error", ERROR), ("skipped", SKIPPED)):
        told = case.find(tag)
        if told is not None:
            return Test(id=name, state=state, reason=(told.get("message") or told.text or "").strip()[:500])
    return Test(id=name, state=PASSED)
