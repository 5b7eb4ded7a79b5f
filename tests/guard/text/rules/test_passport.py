"""What the rules of passport find, and what they leave alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "⟦M123A4567⟧",
    "여권번호 ⟦M12345678⟧",
    "여권 ⟦M12345678⟧입니다",
    "passport ⟦M12345678⟧",
    "passport no. ⟦123456789⟧",
    "Passport Number: ⟦C01X00T47⟧",
    "passport: ⟦A1234567⟧",
    "passeport n° ⟦12AB12345⟧",
    "pasaporte ⟦AAA123456⟧",
    "passaporto ⟦YA1234567⟧",
    "Reisepass ⟦C01X00T47⟧",
    "paspoort ⟦NWR123456⟧",
    "旅券番号 ⟦TK1234567⟧",
    "パスポート：⟦TK1234567⟧",
    "护照 ⟦E12345678⟧",
    "护照号码：⟦EA1234567⟧",
    "паспорт ⟦4510 123456⟧",
    '{"passport":"⟦M12345678⟧"}',
    '{"passport_no":"⟦m12345678⟧"}',
    "passportNumber=⟦M12345678⟧",
    "paszport ⟦ZS1234567⟧",
    "⟦S123B4567⟧",
    "passport is ⟦340007237⟧",
]
LEFT = [
    "M12345678",
    "A1234567",
    "123456789",
    "passport required",
    "passport office opens 20270101",
    "passport-jwt 4.0.1",
    "passport expires",
    "order M123A4567",
    "xM123A4567",
    "M123A45678",
    "X123A4567",
    "m123a4567",
    "passport: 20261121",
    "passport: 111111111",
    "M123-A4567",
    "passport.js 12345678",
    "여권 신청 3건",
    "SKU M123A4567",
    "S1234567",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("PASSPORT", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "PASSPORT" not in [kind for kind, _ in found(text)]
