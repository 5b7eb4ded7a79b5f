"""Check digits of identity numbers, against python-stdnum."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import stdnum.br.cnpj
import stdnum.br.cpf
import stdnum.cn.ric
import stdnum.de.idnr
import stdnum.es.dni
import stdnum.es.nie
import stdnum.fr.nir
import stdnum.in_.aadhaar
import stdnum.it.codicefiscale
import stdnum.luhn
import stdnum.nl.bsn
import stdnum.pl.pesel
import stdnum.ru.inn
import stdnum.se.personnummer
import stdnum.th.pin
import stdnum.tr.tckimlik
import stdnum.verhoeff

from roadworthy.guard.text.checks.digits import luhn
from roadworthy.guard.text.checks.weights import verhoeff
from roadworthy.guard.text.rules.aadhaar import is_aadhaar
from roadworthy.guard.text.rules.bsn import is_bsn
from roadworthy.guard.text.rules.cn_resident_id import is_resident_id
from roadworthy.guard.text.rules.cnpj import is_cnpj
from roadworthy.guard.text.rules.codice_fiscale import is_codice_fiscale
from roadworthy.guard.text.rules.cpf import is_cpf
from roadworthy.guard.text.rules.dni import is_dni
from roadworthy.guard.text.rules.inn import is_inn
from roadworthy.guard.text.rules.nir import is_nir
from roadworthy.guard.text.rules.personnummer import is_personnummer
from roadworthy.guard.text.rules.pesel import is_pesel
from roadworthy.guard.text.rules.steuer_id import is_steuer_id
from roadworthy.guard.text.rules.tckn import is_tckn
from roadworthy.guard.text.rules.thai_id import is_thai_id

# ours, the oracle, a right value, places that are changed
ORACLES: list[tuple[Callable[[bytes], bool], Callable[[str], bool], str, range]] = [
    (is_cpf, stdnum.br.cpf.is_valid, "11358660662", range(11)),
    (is_cnpj, stdnum.br.cnpj.is_valid, "42111374000124", range(14)),
    (is_dni, stdnum.es.dni.is_valid, "47791764H", range(8)),
    (is_dni, stdnum.es.nie.is_valid, "X9517702A", range(1, 8)),
    (is_resident_id, stdnum.cn.ric.is_valid, "110101199108093746", range(14, 17)),
    (is_aadhaar, stdnum.in_.aadhaar.is_valid, "273665494004", range(1, 12)),
    (is_codice_fiscale, stdnum.it.codicefiscale.is_valid, "RSSMRA85T10A562S", range(12, 15)),
    (is_nir, stdnum.fr.nir.is_valid, "246077578794386", range(7, 15)),
    (is_bsn, stdnum.nl.bsn.is_valid, "347048006", range(1, 9)),
    (is_pesel, stdnum.pl.pesel.is_valid, "85051053795", range(6, 11)),
    (is_steuer_id, stdnum.de.idnr.is_valid, "38461907552", range(11)),
    (is_tckn, stdnum.tr.tckimlik.is_valid, "53686713122", range(11)),
    (is_thai_id, stdnum.th.pin.is_valid, "2595170606208", range(1, 13)),
    (is_personnummer, stdnum.se.personnummer.is_valid, "195102152377", range(8, 12)),
    (is_inn, stdnum.ru.inn.is_valid, "500100732259", range(12)),
    (luhn, stdnum.luhn.is_valid, "4111111111111111", range(16)),
    (verhoeff, stdnum.verhoeff.is_valid, "273665494004", range(12)),
]


@pytest.mark.parametrize(("ours", "oracle", "value", "places"), ORACLES)
def test_agrees(ours: Callable[[bytes], bool], oracle: Callable[[str], bool], value: str, places: range) -> None:
    assert ours(value.encode())
    assert oracle(value)
    chance = random.Random(7)
    verdicts = set()
    for _ in range(600):
        changed = list(value)
        for _ in range(chance.randint(1, 2)):
            changed[chance.choice(places)] = chance.choice("0123456789")
        text = "".join(changed)
        verdicts.add(ours(text.encode()))
        assert ours(text.encode()) is oracle(text), text
    assert verdicts == {True, False}
