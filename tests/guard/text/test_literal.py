"""Known values are found however they are written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from roadworthy.guard.text.literal import Literals
from roadworthy.guard.text.masker import TextMasker

VALUES = ["plain-looking-value", "wörter/und+zeichen=&?", 'quote"back\\slash', "비밀번호값입니다"]


@pytest.mark.parametrize("value", VALUES)
def test_every_way_to_write_it(value: str) -> None:
    literals = Literals()
    assert literals.add(value)
    masker = TextMasker(literals=literals)
    encoded = base64.b64encode(value.encode()).decode()
    for form in (value, quote(value, safe=""), json.dumps(value), json.dumps(value, ensure_ascii=False), encoded):
        shown = masker.mask(f"before {form} after")
        assert "***MASKED***" in shown, form
        assert value not in shown
        assert shown.startswith("before ")
        assert shown.endswith(" after")


def test_short_values_are_refused() -> None:
    literals = Literals()
    assert not literals.add("short")
    assert TextMasker(literals=literals).mask("a short text") == "a short text"


def test_the_longest_of_two_that_overlap_is_covered() -> None:
    literals = Literals()
    literals.add("common-prefix")
    literals.add("common-prefix-and-more")
    assert TextMasker(literals=literals).mask("common-prefix-and-more!") == "***MASKED***!"


def test_many_values_keep_the_newest() -> None:
    literals = Literals()
    for number in range(2_000):
        literals.add(f"value-number-{number:05d}")
    assert literals.scan(b"value-number-01999")
