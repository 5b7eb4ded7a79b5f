"""Which rules are asked about which line."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.line import Line
from roadworthy.guard.text.rules.all import RULES
from roadworthy.guard.text.scanner import Scanner

SCANNER = Scanner(RULES)


@pytest.mark.parametrize("text", ["-----BEGIN PRIVATE KEY-----", "%01 of %zz", "nothing", ""])
def test_a_line_without_a_rules_form_is_searched_for_none(text: str) -> None:
    assert list(SCANNER.matching(Line(text.encode()))) == []


def test_a_line_is_searched_for_what_its_forms_are() -> None:
    names = {rule.rule.name for rule in SCANNER.matching(Line(b"bob@example.com, -----BEGIN PRIVATE KEY-----"))}
    assert names == {"email"}
