"""What the rules of rrn find, and what they leave alone."""

from __future__ import annotations

import pytest
import stdnum.kr.rrn

from rig.marked import expected, found
from roadworthy.guard.text.rules.rrn import is_resident_number

FOUND = [
    "⟦900101-1234568⟧",
    "⟦9001011234568⟧",
    "⟦900101 1234568⟧",
    "⟦900101 - 1234568⟧",
    "주민번호 ⟦201105-3123456⟧입니다",
    "⟦201105-4123456⟧",
    "⟦２０１１０５－３１２３４５６⟧",
    "⟦850424-2591810⟧",
    "⟦8109102565257⟧",
    "주민등록번호: ⟦900101-1234567⟧",
    "외국인등록번호 ⟦750323-6368546⟧",
    "rrn=⟦670126-2907431⟧",
    '{"rrn":"⟦670126-2907431⟧"}',
    "⟦900101–1234568⟧",
    "jumin=⟦900101-1234568⟧&x",
    "⟦900101-1234568⟧은",
    "(⟦900101-1234568⟧)",
    "주민번호%3A⟦900101-1234568⟧",
    "주민번호: ⟦2102073749416⟧",
    "제 외국인등록번호 ⟦1705174134136⟧로",
    "고객 주민번호(⟦9211272379727⟧)가",
    "RRN: ⟦5601292074256⟧",
    "resident registration number ⟦700712 1042096⟧",
    "residentNo: ⟦8704301291113⟧",
]
LEFT = [
    "9013011234568",
    "901301-1234568",
    "900230-1234568",
    "900101-9234568",
    "900101-0234568",
    "900101-1******",
    "900101-1234567",
    "9001011234567",
    "0900101-1234568",
    "900101-12345681",
    "1760000000123",
    "900101-123456",
    "991231-5",
    "2026-0101-1234568",
    "x900101-1234568",
    "110111-1234567",
    "9001011234568.5",
    "주민번호: 9213272379727",
    "case 434795-0260548",
    "RRN: 9211279379727",
    "the resident 8704301291113",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("RRN", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "RRN" not in [kind for kind, _ in found(text)]


def test_agrees_with_an_oracle_on_check_digits() -> None:
    for number in range(9_001_011_234_000, 9_001_011_234_400):
        digits = str(number)
        assert is_resident_number(digits.encode()) == stdnum.kr.rrn.is_valid(digits)
