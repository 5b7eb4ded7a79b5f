"""The corpus's values held against other people's code: python-stdnum, phonenumbers, and published examples.

The oracles look at values before they are put into carriers.
"""

from __future__ import annotations

import base64
import importlib
import ipaddress
import json
import re
from random import Random

import phonenumbers
import pytest
import stdnum.iban
import stdnum.luhn

from roadworthy.guard.corpus import check_digit
from roadworthy.guard.corpus.generate import MAKERS
from roadworthy.guard.corpus.national import NUMBERS
from roadworthy.guard.corpus.sample import Value
from roadworthy.guard.text.kind import Kind

TIMES = 300
STDNUM = {
    "ES DNI": ("stdnum.es.dni", "stdnum.es.nie"),
    "FR NIR": ("stdnum.fr.nir",),
    "DE Steuer-ID": ("stdnum.de.idnr",),
    "IT codice fiscale": ("stdnum.it.codicefiscale",),
    "NL BSN": ("stdnum.nl.bsn",),
    "PL PESEL": ("stdnum.pl.pesel",),
    "BR CPF": ("stdnum.br.cpf",),
    "CN identity": ("stdnum.cn.ric",),
    "JP my number": ("stdnum.jp.in_",),
    "IN Aadhaar": ("stdnum.in_.aadhaar",),
    "IN PAN": ("stdnum.in_.pan",),
    "TR TCKN": ("stdnum.tr.tckimlik",),
    "ID NIK": ("stdnum.id.nik",),
    "TH citizen": ("stdnum.th.pin",),
    "SE personnummer": ("stdnum.se.personnummer",),
}
UNKNOWN_TO_STDNUM = {"GB NINO", "VN CCCD", "RU SNILS", "JP my number"}


def values(kind: Kind) -> list[Value]:
    return [MAKERS[kind](Random(f"oracle {number}")) for number in range(TIMES)]


def text(value: Value) -> str:
    return "".join(part.text for part in value.parts if part.kind)


@pytest.mark.parametrize("name", sorted(NUMBERS.keys() - UNKNOWN_TO_STDNUM))
def test_national_numbers(name: str) -> None:
    oracles = [importlib.import_module(module) for module in STDNUM[name]]
    for number in range(TIMES):
        made = NUMBERS[name].make(Random(f"oracle {number}"))
        assert any(oracle.is_valid(made) for oracle in oracles), made


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("GB NINO", r"[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]"),
        ("VN CCCD", r"\d{12}"),
        ("RU SNILS", r"\d{3}-\d{3}-\d{3} \d\d"),
    ],
)
def test_national_numbers_without_an_oracle(name: str, pattern: str) -> None:
    for number in range(TIMES):
        assert re.fullmatch(pattern, NUMBERS[name].make(Random(f"oracle {number}")))


def test_published_examples() -> None:
    """Numbers that authorities and standards print as examples."""
    assert check_digit.luhn_digit("411111111111111") == "1"
    assert check_digit.luhn_digit("7992739871") == "3"
    assert check_digit.mod97_digits("GB", "NWBK60161331926819") == "29"
    assert check_digit.mod97_digits("DE", "370400440532013000") == "89"
    assert check_digit.verhoeff_digit("236") == "3"
    assert check_digit.business_digit("220816251") == "7"
    assert check_digit.weighted("112233445", range(9, 0, -1)) % 101 % 100 == 95  # the SNILS in the fund's leaflet


def test_cards() -> None:
    for value in values(Kind.CARD):
        number = re.sub(r"\D", "", text(value))
        assert stdnum.luhn.is_valid(number), value
        assert 13 <= len(number) <= 19


def test_ibans() -> None:
    for value in values(Kind.IBAN):
        assert stdnum.iban.is_valid(text(value), check_country=False), value


def test_korean_numbers() -> None:
    from stdnum.kr import brn, rrn

    for value in values(Kind.BRN):
        assert brn.is_valid(text(value)), value
    for value in values(Kind.RRN):
        number = re.sub(r"\D", "", text(value))
        assert len(number) == 13
        if value.form == "citizen":
            assert rrn.is_valid(number), value


def test_foreigners_numbers_differ_from_citizens_by_two() -> None:
    payload = "900101512345"
    assert int(check_digit.resident_digit(payload, True)) == (int(check_digit.resident_digit(payload, False)) + 2) % 10


def test_social_security_numbers() -> None:
    from stdnum.us import ssn

    for value in values(Kind.SSN):
        number = re.sub(r"\D", "", text(value))
        assert ssn.is_valid(f"{number[:3]}-{number[3:5]}-{number[5:]}"), value


def test_phones() -> None:
    for value in values(Kind.PHONE):
        country, written = value.form.split()[0], text(value)
        if written.startswith("00"):
            written = "+" + written[2:]
        parsed = phonenumbers.parse(written, country)
        assert phonenumbers.is_valid_number(parsed), value


def test_addresses() -> None:
    for value in values(Kind.IP):
        assert ipaddress.ip_address(text(value)), value


def test_tokens() -> None:
    for value in values(Kind.JWT):
        head, *rest = text(value).split(".")
        assert "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        assert len(rest) in (2, 4)


def test_private_keys_are_armoured() -> None:
    for value in values(Kind.PRIVATE_KEY):
        lines = text(value).split("\n")
        assert re.fullmatch(r"-----BEGIN [A-Z ]+-----", lines[0])
        assert (lines[-1] == lines[0].replace("BEGIN", "END")) != value.form.endswith("cut off")


def test_mails() -> None:
    for value in values(Kind.EMAIL):
        local, host = text(value).split("@")
        assert re.fullmatch(r"[A-Za-z0-9._+-]{1,64}", local)
        host.encode("idna")
        assert "." in host
