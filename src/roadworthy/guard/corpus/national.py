"""Fresh national identity and tax numbers of persons, by the issuing states' rules."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from roadworthy.guard.corpus import check_digit as check
from roadworthy.guard.corpus.draw import UPPER, chars, day, digits
from roadworthy.guard.corpus.sample import Value, plain
from roadworthy.guard.text.kind import Kind


def nino(rng: Random) -> str:
    """United Kingdom, National Insurance number (HMRC NIM39110)."""
    while True:
        prefix = rng.choice("ABCEGHJKLMNOPRSTWXYZ") + rng.choice("ABCEGHJKLMNPRSTWXYZ")
        if prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}:
            break
    number = digits(rng, 6)
    if rng.random() < 0.5:
        return f"{prefix} {number[:2]} {number[2:4]} {number[4:]} {rng.choice('ABCD')}"
    return f"{prefix}{number}{rng.choice('ABCD')}"


def dni(rng: Random) -> str:
    """Spain, DNI or NIE: number modulo 23 gives the letter."""
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    if rng.random() < 0.3:
        first, rest = rng.choice("XYZ"), digits(rng, 7)
        return f"{first}{rest}{letters[int(str('XYZ'.index(first)) + rest) % 23]}"
    number = digits(rng, 8)
    return f"{number}{rng.choice(('', '-'))}{letters[int(number) % 23]}"


def nir(rng: Random) -> str:
    """France, NIR: sex, year, month, department, commune, order, and a key modulo 97."""
    born = day(rng)
    department = rng.choice([number for number in range(1, 96) if number != 20])
    number = f"{rng.randint(1, 2)}{born:%y%m}{department:02d}{rng.randint(1, 989):03d}{rng.randint(1, 999):03d}"
    key = f"{97 - int(number) % 97:02d}"
    if rng.random() < 0.5:
        return f"{number[0]} {number[1:3]} {number[3:5]} {number[5:7]} {number[7:10]} {number[10:]} {key}"
    return number + key


def steuer_id(rng: Random) -> str:
    """Germany, tax number of persons: one digit twice among the first ten, ISO 7064 MOD 11,10."""
    order = rng.sample("0123456789", 10)
    order[rng.randrange(1, 10)] = order[0]
    rng.shuffle(order)
    while order[0] == "0":
        rng.shuffle(order)
    payload = "".join(order)
    number = payload + check.mod11_10_digit(payload)
    return number if rng.random() < 0.5 else f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"


_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(UPPER, (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True)
)  # fmt: skip


def codice_fiscale(rng: Random) -> str:
    """Italy, codice fiscale (decree of 23 December 1976)."""
    born, woman = day(rng), rng.random() < 0.5
    consonants = "BCDFGLMNPRSTVZ"
    payload = chars(rng, consonants, 6) + f"{born:%y}{'ABCDEHLMPRST'[born.month - 1]}{born.day + 40 * woman:02d}"
    payload += rng.choice("ABCDEFGHIL") + rng.choice(("501", "703", "839", "219", "345"))
    total = sum(_ODD[char] if place % 2 == 0 else int(char, 36) - 10 * char.isalpha()
                for place, char in enumerate(payload))  # fmt: skip
    return payload + UPPER[total % 26]


def bsn(rng: Random) -> str:
    """Netherlands, citizen service number: the eleven test."""
    while True:
        payload = digits(rng, 8, "123456789")
        rest = check.weighted(payload, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
        if rest < 10:
            return payload + str(rest)


def pesel(rng: Random) -> str:
    """Poland, PESEL: the century is in the month."""
    born = day(rng)
    payload = f"{born:%y}{born.month + 20 * (born.year >= 2000):02d}{born:%d}{digits(rng, 4)}"
    return payload + str(-check.weighted(payload, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def cpf(rng: Random) -> str:
    """Brazil, CPF: two check digits modulo 11."""
    number = digits(rng, 9)
    for _ in range(2):
        rest = check.weighted(number, range(len(number) + 1, 1, -1)) % 11
        number += "0" if rest < 2 else str(11 - rest)
    return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}" if rng.random() < 0.7 else number


def resident_identity(rng: Random) -> str:
    """China, GB 11643-1999: area, birth date, order, ISO 7064 MOD 11-2."""
    area = rng.choice(("110101", "110105", "110108", "310101", "310104", "310110", "120101"))
    payload = f"{area}{day(rng):%Y%m%d}{rng.randint(1, 999):03d}"
    rest = check.weighted(payload, [2 ** (17 - place) % 11 for place in range(17)]) % 11
    return payload + "10X98765432"[rest]


def my_number(rng: Random) -> str:
    """Japan, individual number (ministry order 85 of 2014, article 5)."""
    payload = digits(rng, 11)
    rest = check.weighted(payload, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    number = payload + str(0 if rest <= 1 else 11 - rest)
    return number if rng.random() < 0.5 else f"{number[:4]}-{number[4:8]}-{number[8:]}"


def aadhaar(rng: Random) -> str:
    """India, Aadhaar: twelve digits, the first 2 to 9, Verhoeff; no palindrome."""
    while True:
        payload = digits(rng, 11, "23456789")
        number = payload + check.verhoeff_digit(payload)
        if number != number[::-1]:
            return number if rng.random() < 0.4 else f"{number[:4]} {number[4:8]} {number[8:]}"


def pan(rng: Random) -> str:
    """India, permanent account number of a person: the fourth letter is P."""
    return f"{chars(rng, UPPER, 3)}P{chars(rng, UPPER, 1)}{rng.randint(1, 9999):04d}{chars(rng, UPPER, 1)}"


def tckn(rng: Random) -> str:
    """Turkey, identity number: tenth digit from odd and even sums, eleventh from the first ten."""
    number = digits(rng, 9, "123456789")
    odd, even = sum(map(int, number[::2])), sum(map(int, number[1::2]))
    number += str((odd * 7 - even) % 10)
    return number + str(sum(map(int, number)) % 10)


def nik(rng: Random) -> str:
    """Indonesia, NIK: area, birth date (women plus 40), serial; no check digit."""
    born = day(rng)
    area = rng.choice(("317401", "327305", "357801", "337402", "517103"))
    return f"{area}{born.day + 40 * rng.randint(0, 1):02d}{born:%m%y}{rng.randint(1, 9999):04d}"


def thai(rng: Random) -> str:
    """Thailand, citizen number: weights 13 to 2, modulo 11."""
    payload = digits(rng, 12, "12345678")
    number = payload + str((11 - check.weighted(payload, range(13, 1, -1)) % 11) % 10)
    if rng.random() < 0.5:
        return number
    return f"{number[0]}-{number[1:5]}-{number[5:10]}-{number[10:12]}-{number[12]}"


def cccd(rng: Random) -> str:
    """Viet Nam, citizen card: province, century and sex, year, serial; no check digit."""
    born = day(rng)
    province = rng.choice(("001", "079", "048", "031", "092", "038"))
    return f"{province}{2 * (born.year >= 2000) + rng.randint(0, 1)}{born:%y}{digits(rng, 6)}"


def snils(rng: Random) -> str:
    """Russia, SNILS: weights 9 to 1, modulo 101."""
    payload = digits(rng, 9, "123456789")
    key = check.weighted(payload, range(9, 0, -1)) % 101 % 100
    return f"{payload[:3]}-{payload[3:6]}-{payload[6:]} {key:02d}"


def personnummer(rng: Random) -> str:
    """Sweden, personal identity number: Luhn over the ten last digits."""
    born: datetime.date = day(rng)
    payload = f"{born:%y%m%d}{rng.randint(1, 999):03d}"
    last = payload[6:] + check.luhn_digit(payload)
    return f"{born:%Y%m%d}-{last}" if rng.random() < 0.5 else f"{born:%y%m%d}-{last}"


class _Number(NamedTuple):
    make: Callable[[Random], str]
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    fields: tuple[str, ...]


NUMBERS: dict[str, _Number] = {
    "GB NINO": _Number(nino, ("en",), ("National Insurance number", "NI number"), ("nino", "ni_number")),
    "ES DNI": _Number(dni, ("es",), ("DNI", "DNI/NIE", "NIF"), ("dni", "nif")),
    "FR NIR": _Number(nir, ("fr",), ("numéro de sécurité sociale", "NIR"), ("nir", "num_secu")),
    "DE Steuer-ID": _Number(steuer_id, ("de",), ("Steuer-ID", "Steueridentifikationsnummer"), ("steuer_id", "idnr")),
    "IT codice fiscale": _Number(codice_fiscale, ("it",), ("codice fiscale", "CF"), ("codice_fiscale",)),
    "NL BSN": _Number(bsn, ("nl",), ("BSN", "burgerservicenummer"), ("bsn",)),
    "PL PESEL": _Number(pesel, ("pl",), ("PESEL", "numer PESEL"), ("pesel",)),
    "BR CPF": _Number(cpf, ("pt",), ("CPF",), ("cpf",)),
    "CN identity": _Number(
        resident_identity, ("zh",), ("身份证号", "身份证号码"), ("id_card", "idcard_no")
    ),
    "JP my number": _Number(
        my_number, ("ja",), ("マイナンバー", "個人番号"), ("my_number", "mynumber")
    ),
    "IN Aadhaar": _Number(
        aadhaar, ("hi", "en"), ("Aadhaar", "Aadhaar number", "आधार"), ("aadhaar", "aadhaar_no")
    ),
    "IN PAN": _Number(pan, ("hi", "en"), ("PAN", "PAN card"), ("pan", "pan_no")),
    "TR TCKN": _Number(tckn, ("tr",), ("TC kimlik no", "T.C. Kimlik Numarası"), ("tckn", "tc_kimlik_no")),
    "ID NIK": _Number(nik, ("id",), ("NIK", "nomor KTP"), ("nik", "no_ktp")),
    "TH citizen": _Number(
        thai, ("th",), ("เลขประจำตัวประชาชน",),
        ("citizen_id", "national_id"),
    ),
    "VN CCCD": _Number(cccd, ("vi",), ("CCCD", "số CCCD", "căn cước công dân"), ("cccd", "so_cccd")),
    "RU SNILS": _Number(snils, ("ru",), ("СНИЛС",), ("snils",)),
    "SE personnummer": _Number(personnummer, ("sv",), ("personnummer",), ("personnummer", "personal_number")),
}  # fmt: skip
"""Every number by its name."""


def national_id(rng: Random) -> Value:
    """A national number of some state, to stand behind its name."""
    form = rng.choice(tuple(NUMBERS))
    number = NUMBERS[form]
    return plain(
        Kind.NATIONAL_ID, number.make(rng), form, labels=number.labels, fields=number.fields, bare=False,
        languages=number.languages,
    )  # fmt: skip
