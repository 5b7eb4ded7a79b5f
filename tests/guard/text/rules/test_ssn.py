"""What the rules of ssn find, and what they leave alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "⟦460-89-9847⟧",
    "SSN: ⟦460-89-9847⟧",
    "ssn=⟦460899847⟧",
    "SSN ⟦460 89 9847⟧",
    "social security number is ⟦853-37-1694⟧",
    "social security ⟦460899847⟧",
    '{"ssn":"⟦460-89-9847⟧"}',
    '{"ssn":⟦460899847⟧}',
    "⟦460-89-9847⟧이고",
    "⟦460‑89‑9847⟧",
    "⟦４６０－８９－９８４７⟧",
    "user_ssn=⟦460-89-9847⟧",
    "(⟦460-89-9847⟧)",
    "⟦460-89-9847⟧,⟦054-28-6917⟧",
    "ssn%3D⟦460-89-9847⟧",
    "SSN# ⟦460-89-9847⟧",
    "SSN ⟦460.89.9847⟧",
    "Mi número de seguro social es ⟦842 46 9576⟧, por favor",
    "seguro social: ⟦720318568⟧",
    "사회보장번호는 ⟦720 31 8568⟧입니다",
    "número da segurança social é ⟦720318568⟧",
    "numéro de sécurité sociale américaine : ⟦720-31-8568⟧",
    "Sozialversicherungsnummer lautet ⟦720 31 8568⟧",
    "numero di sicurezza sociale: ⟦720318568⟧",
    "社会保障番号は⟦720318568⟧です",
    "社会安全号码：⟦720 31 8568⟧",
    "номер социального страхования ⟦720318568⟧",
    "sosyal güvenlik numarası ⟦720 31 8568⟧",
    "رقم الضمان الاجتماعي: ⟦720318568⟧",
    "सामाजिक सुरक्षा संख्या ⟦720318568⟧",
    "số an sinh xã hội là ⟦720318568⟧",
    "nomor jaminan sosial ⟦720 31 8568⟧",
    "หมายเลขประกันสังคมคือ ⟦720318568⟧",
    "personens socialförsäkringsnummer är ⟦720318568⟧",
    "SSN (last used): ⟦720318568⟧",
    "soc sec no ⟦720318568⟧",
]
LEFT = [
    "000-12-3456",
    "666-12-3456",
    "900-12-3456",
    "987-65-4321",
    "460-00-9847",
    "460-89-0000",
    "078-05-1120",
    "219-09-9999",
    "ssn 000-12-3456",
    "460899847",
    "460 89 9847",
    "512 64 1024",
    "460-89-98471",
    "1460-89-9847",
    "460-89-9847-1",
    "a-460-89-9847",
    "order 460-89-9847",
    "case number 460-89-9847",
    "2026-11-2024",
    "1234-56-7890",
    "123e4567-460-89-9847",
    "seguro social desde 2019",
    "social media 12345",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("SSN", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "SSN" not in [kind for kind, _ in found(text)]
