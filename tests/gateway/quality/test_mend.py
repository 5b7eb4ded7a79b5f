"""Which part mends the whole."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.gateway.quality import judge
from roadworthy.gateway.quality.mend import Part, choose


def part(brands: int, length: int, **rules: Any) -> Part:
    return Part(" ".join(["Acme"] * brands + ["word"] * (length - brands)), rules)


BRANDS = {"terms": ["Acme"], "min": 1, "max": 4}
PARTS = {
    "a": part(1, 10, brand_mentions=BRANDS, words={"min": 5, "max": 20}),
    "b": part(3, 30, brand_mentions=BRANDS, words={"min": 5, "max": 40}),
}


@pytest.mark.parametrize(
    ("issues", "part_", "rules"),
    [
        ({"brand_mentions": {"found": 4, "min": 6, "max": None, "terms": ["Acme"]}}, "a", {"min": 3, "max": 4}),
        ({"brand_mentions": {"found": 4, "min": 0, "max": 3, "terms": ["Acme"]}}, "b", {"min": 1, "max": 2}),
        ({"word_count": [{"section": None, "found": 40, "min": 48, "max": None}]}, "a", {"min": 18, "max": 20}),
        ({"word_count": [{"section": None, "found": 40, "min": None, "max": 30}]}, "b", {"min": 5, "max": 20}),
    ],
)
def test_the_part_with_the_most_room_is_held_to_what_is_missing(issues: Any, part_: str, rules: dict[str, int]) -> None:
    mend = choose(issues, PARTS, "en")
    assert mend is not None
    assert mend.part == part_
    [(name, rule)] = mend.rules.items()
    assert {**rule, "terms": ["Acme"]} == {**rules, "terms": ["Acme"]}
    assert "Your last answer cannot be used" in mend.message
    assert judge(PARTS[part_].text, {name: rule}).keys() == issues.keys()


@pytest.mark.parametrize(
    "issues",
    [
        {"brand_mentions": {"found": 4, "min": 9, "max": None, "terms": ["Acme"]}},
        {"word_count": [{"section": None, "found": 40, "min": 90, "max": None}]},
        {"word_count": [{"section": "a", "found": 40, "min": 90, "max": None}]},
        {"language": {"expected": "en", "found": "ko"}},
        {"forbidden_terms": ["x"]},
    ],
)
def test_what_no_part_can_mend_within_its_bounds(issues: Any) -> None:
    assert choose(issues, PARTS, "ko") is None
