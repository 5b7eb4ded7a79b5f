"""What the rules of national_id find, and what they leave alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "⟦113.586.606-62⟧",
    "cpf ⟦11358660662⟧",
    "CPF: ⟦511.708.397-03⟧",
    '{"cpf":⟦29734077538⟧}',
    "⟦42.111.374/0001-24⟧",
    "CNPJ ⟦82352253000199⟧",
    "⟦12.ABC.345/01DE-35⟧",
    "DNI ⟦47791764H⟧",
    "⟦56018938T⟧",
    "⟦X9517702A⟧",
    "nie ⟦y2795410g⟧",
    "⟦99.304.306-N⟧",
    "⟦110101195602219158⟧",
    "身份证 ⟦110101199108093746⟧",
    "⟦11010519491231002X⟧",
    "⟦2736 6549 4004⟧",
    "aadhaar ⟦733204686777⟧",
    "आधार: ⟦7221 1596 4616⟧",
    "⟦RSSMRA85T10A562S⟧",
    "codice fiscale ⟦rssmra85t10a562s⟧",
    "⟦2 10 06 75 803 623 25⟧",
    "⟦246077578794386⟧",
    "bsn ⟦347048006⟧",
    "BSN: ⟦5961.29.385⟧",
    "pesel ⟦85051053795⟧",
    "PESEL: ⟦85100627203⟧",
    "⟦AB123456C⟧",
    "NI ⟦AB 12 34 56 C⟧",
    "nino=⟦ab123456c⟧",
    "マイナンバー ⟦123456789018⟧",
    "個人番号：⟦1234-5678-9018⟧",
    "⟦A123456789⟧",
    "居留證 ⟦A800000014⟧",
]
LEFT = [
    "113.586.606-63",
    "11358660662",
    "111.111.111-11",
    "cpf 11358660663",
    "42.111.374/0001-25",
    "42111374000124",
    "47791764A",
    "47791764h",
    "20261121Z",
    "X9517702B",
    "110101195613219158",
    "110101199108093747",
    "1101011991080937461",
    "2736 6549 4005",
    "1111 2736 6549 4004",
    "2736 6549 4004 1111",
    "273665494004",
    "order 2736 6549 4004",
    "RSSMRA85T10A562T",
    "aRSSMRA85T10A562S",
    "246077578794387",
    "347048006",
    "bsn 347048007",
    "85051053795",
    "pesel 85131053795",
    "BG123456C",
    "AB123456E",
    "GB123456C",
    "123456789018",
    "マイナンバー 123456789019",
    "A123456788",
    "sku A123456789",
    "ab123456c",
    "20261121T100000Z",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("NATIONAL_ID", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "NATIONAL_ID" not in [kind for kind, _ in found(text)]
