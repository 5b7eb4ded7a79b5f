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
    "Mi número de pasaporte es ⟦JN245989⟧, por favor",
    "pasaport numarası ⟦U12345678⟧",
    "Benim pasaport numaram: ⟦U12345678⟧",
    "nomor paspor saya ⟦A1234567⟧",
    "numer paszportu to ⟦ZS1234567⟧",
    "Mitt passnummer är ⟦WE502994⟧",
    "Mitt pass nr är ⟦12345678⟧",
    "Meine Passnummer lautet ⟦C01X00T47⟧",
    "numéro de passeport est ⟦12AB12345⟧",
    "Il passaporto è ⟦YA1234567⟧",
    "O meu passaporte é ⟦CA123456⟧",
    "Mijn paspoortnummer is ⟦NWR123456⟧",
    "номер паспорта: ⟦76 8469438⟧",
    "Мой загранпаспорт ⟦768469438⟧",
    "رقم جواز السفر: ⟦PS890036⟧",
    "جواز السفر هو ⟦A71252153⟧ يرجى",
    "เลขที่หนังสือเดินทางของฉันคือ ⟦AA1234567⟧",
    "พาสปอร์ต: ⟦AA1234567⟧",
    "số hộ chiếu của tôi là ⟦B1234567⟧",
    "Hộ chiếu: ⟦C1234567⟧",
    "मेरा पासपोर्ट नंबर ⟦A1234567⟧ है",
    "请把护照号改为⟦EA1234567⟧",
    "passport: ⟦20439458⟧",
    "Passport (US): ⟦123456789⟧",
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
    "Mot de passe oublié 12345678 fois",
    "bypass no 12345678",
    "паспорт получен 20240229",
    "passport: 19991231",
    "pasaport ofisi 3 numara",
    "passport (see page 3) 12345",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("PASSPORT", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "PASSPORT" not in [kind for kind, _ in found(text)]
