"""What the rules of brn find, and what they leave alone."""

from __future__ import annotations

import pytest
import stdnum.kr.brn

from rig.marked import expected, found
from roadworthy.guard.text.rules.brn import is_business_number

FOUND = [
    "⟦360-45-04267⟧",
    "⟦694-07-06657⟧",
    "⟦164-65-20901⟧",
    "사업자등록번호 ⟦360-45-04267⟧",
    "사업자번호: ⟦3604504267⟧",
    "사업자등록번호 ⟦123-45-67890⟧",
    "brn=⟦6940706657⟧",
    '{"business_reg":"⟦6940706657⟧"}',
    "⟦360 45 04267⟧",
    "⟦360-45-04267⟧로",
    "⟦３６０－４５－０４２６７⟧",
    "(⟦360-45-04267⟧)",
    "biz_reg=⟦3604504267⟧",
    "⟦360–45–04267⟧",
    "⟦220-81-62517⟧",
    "사업자 ⟦220-81-62517⟧, 끝",
]
LEFT = [
    "360-45-04268",
    "123-45-67890",
    "3604504267",
    "사업자번호 3604504268",
    "0360-45-04267",
    "360-45-042671",
    "360-45-04267-1",
    "a-360-45-04267",
    "order 360-45-04267",
    "036-45-04267",
    "360-4-504267",
    "360.45.04267",
    "111-11-11111",
    "1795000000",
    "360-45-0426",
    "uuid 360-45-04267",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("BRN", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "BRN" not in [kind for kind, _ in found(text)]


def test_numbers_of_well_known_companies_are_right() -> None:
    for digits in (b"1248100998", b"2208162517", b"1208147521"):
        assert is_business_number(digits)
        wrong = digits[:9] + b"%d" % ((digits[9] - 47) % 10)
        assert not is_business_number(wrong)


def test_shape_agrees_with_an_oracle() -> None:
    for number in range(2_208_162_000, 2_208_162_600):
        digits = str(number)
        assert stdnum.kr.brn.is_valid(digits) or not is_business_number(digits.encode())
