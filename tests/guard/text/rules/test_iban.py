"""What the rules of iban find, and what they leave alone."""

from __future__ import annotations

import pytest
import stdnum.iban

from rig.marked import expected, found
from roadworthy.guard.text.rules.iban import is_iban

FOUND = [
    "⟦GB82 WEST 1234 5698 7654 32⟧",
    "⟦GB82WEST12345698765432⟧",
    "⟦gb82west12345698765432⟧",
    "⟦DE89 3704 0044 0532 0130 00⟧ and then",
    "⟦DE89370400440532013000⟧",
    "⟦DE89-3704-0044-0532-0130-00⟧",
    "⟦FR14 2004 1010 0505 0001 3M02 606⟧",
    "⟦NL91 ABNA 0417 1643 00⟧",
    "⟦ES91 2100 0418 4502 0005 1332⟧",
    "⟦IT60 X054 2811 1010 0000 0123 456⟧",
    "⟦NO9386011117947⟧",
    "⟦BE68 5390 0754 7034⟧",
    "⟦MT84MALT011000012345MTLCAST001S⟧",
    "⟦PL61 1090 1014 0000 0712 1981 2874⟧",
    "⟦CH93 0076 2011 6238 5295 7⟧",
    "IBAN:⟦DE89370400440532013000⟧이고",
    "iban=⟦DE89%203704%200044%200532%200130%2000⟧",
    '{"iban":"⟦DE89370400440532013000⟧"}',
    "⟦PT50000201231234567890154⟧",
    "⟦TR330006100519786457841326⟧",
    "⟦BR1800360305000010009795493C1⟧",
    "⟦SA0380000000608010167519⟧",
    "(⟦DE89370400440532013000⟧)",
]
LEFT = [
    "GB82 WEST 1234 5698 7654 33",
    "DE89370400440532013001",
    "DE8937040044053201300",
    "DE893704004405320130000",
    "XX89370400440532013000",
    "US89370400440532013000",
    "de12abcdef0123456789ab",
    "xDE89370400440532013000",
    "DE89370400440532013000x",
    "DE-89370400440532013000",
    "sha DE89ABCDEF",
    "ES9121000418",
    "de89 is a word here",
    "GB82 was a good year 1234",
    "AE07",
    "ad12ad12ad12ad12ad12ad12",
    "id_DE89370400440532013000",
    "BE68 5390 0754 7035",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("IBAN", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "IBAN" not in [kind for kind, _ in found(text)]


@pytest.mark.parametrize("marked", FOUND)
def test_agrees_with_an_oracle(marked: str) -> None:
    value = "".join(expected("IBAN", marked)[1][0][1].replace("%20", " ").replace("-", " ").split()).upper()
    assert stdnum.iban.is_valid(value, check_country=False)
    for place in range(4, len(value)):
        wrong = value[:place] + ("1" if value[place] != "1" else "2") + value[place + 1 :]
        assert is_iban(wrong.encode()) == stdnum.iban.is_valid(wrong, check_country=False)
