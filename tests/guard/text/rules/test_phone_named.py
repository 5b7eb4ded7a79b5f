"""What the rules of phone_named find, and what they leave alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "Telefon: ⟦030 1234567⟧",
    "Tel: ⟦12 34 56 78⟧",
    "phone ⟦467 3395⟧",
    "Phone: ⟦78 651 450⟧",
    "móvil ⟦612 345 678⟧",
    "Móvil: ⟦612 34 56 78⟧",
    "teléfono: ⟦912 345 678⟧",
    "Téléphone : ⟦0612345678⟧",
    "cellulare ⟦333 123 4567⟧",
    "telefoon ⟦0612345678⟧",
    "telemóvel ⟦912 345 678⟧",
    "Celular: ⟦11 91234 5678⟧",
    "telefonu ⟦512 345 678⟧",
    "telefon ⟦512-345-678⟧",
    "тел. ⟦912 345 67 89⟧",
    "Телефон: ⟦8 912 345 67 89⟧",
    "電話番号：⟦0312345678⟧",
    "手机：⟦138 0013 8000⟧",
    "전화번호 ⟦12345678⟧",
    "SĐT: ⟦0901234567⟧",
    "điện thoại ⟦090 123 45 67⟧",
    "โทร ⟦081 234 5678⟧",
    "मोबाइल: ⟦98765 43210⟧",
    "whatsapp ⟦98765 43210⟧",
    "call me on ⟦9472 7916⟧",
    "reach us at ⟦416 60 039⟧",
    "⟦416 60 039⟧ office",
    "⟦1234 5678⟧ (mobile)",
    '"phone_number": "⟦98765 43210⟧"',
    '"phoneNumber":"⟦9876543210⟧"',
    '"mobile":⟦9876543210⟧',
    "mobile_no=⟦9876543210⟧",
    "user_phone=⟦9876543210⟧",
    "userPhone: ⟦9876543210⟧",
    "msisdn=⟦821012345678⟧",
    "fax number is ⟦555 123 4567⟧",
    "phone='⟦555-1234⟧'",
    "INSERT INTO u (phone) VALUES ('⟦010-1234-5678⟧')",
    "tel:⟦5551234567⟧;ext=5",
    "phone%3D⟦5551234567⟧",
    "phone=⟦９８７６５４３２１０⟧",
    "HP saya ⟦081241083994⟧, mohon",
    "ponsel saya ⟦0812.5585.5518⟧",
    "nomor telepon: ⟦0812 5585 5518⟧",
    "رقم الهاتف: ⟦012.0772.2178⟧",
    "الجوال: ⟦012.0579.4359⟧",
    "telefon numarası ⟦0532.335.08.98⟧ hâlâ",
    "cep telefonu numaram ⟦532 335 08 98⟧",
    "Mój numer telefonu to ⟦501-049-917⟧, proszę",
    "di động của tôi là ⟦098.218.55.93⟧",
    "số điện thoại là ⟦098 218 55 93⟧",
    "เบอร์โทรของฉันคือ ⟦0066895938769⟧ กรุณา",
    "มือถือ ⟦081-234-5678⟧",
    "Meine Handynummer ist die ⟦0171 2345678⟧",
    "Mi móvil es el ⟦612 345 678⟧",
    "Min mobiltelefon är ⟦70 123 45 67⟧",
    "Teléfono de contacto: ⟦612345678⟧",
    "Zalo ⟦0901234567⟧",
    "फ़ोन नंबर है ⟦9876543210⟧",
    "cep ⟦0532 335 08 98⟧",
]
LEFT = [
    "phone_id=1234567890",
    "phone_verified_at: 1760000000123",
    "phone: 1760000000123",
    "telemetry 1234567890",
    "hotel 123 456 789",
    "tel: 2026-11-21",
    "phone call on 2026-11-21 10:07",
    "iPhone 15 128 256 512",
    "call 12345678",
    "call_id=123456789012",
    "tool_calls: 12345678",
    "cells 123 456 789",
    "excel 123 456 7890",
    "phone_hash=12345678",
    "phones: none",
    "mobile: 12.5 MB",
    "mobile 123456",
    "headphones 123 456 7890",
    "faxed 3 pages",
    "smtp 12345678",
    "phone 123e4567-e89b-12d3",
    "phone: 1.2345678901",
    "call 1234 times",
    "telefono_id=12345678",
    "chp 081241083994.5",
    "php 123456789012",
    "CEP 12345678",
    "CEP: 01310-100",
    "hp: 12345678",
    "전화 주시면 주문 12345678 확인",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("PHONE", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "PHONE" not in [kind for kind, _ in found(text)]
