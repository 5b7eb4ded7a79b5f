"""What the rules of phone_us find, and what they leave alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "⟦415-555-2671⟧",
    "⟦415.555.2671⟧",
    "⟦(415) 555-2671⟧",
    "⟦(415)555-2671⟧",
    "⟦(415) 555.2671⟧",
    "⟦1-415-555-2671⟧",
    "⟦1 (415) 555-2671⟧",
    "⟦1.415.555.2671⟧",
    "⟦345-899-3560x4587⟧",
    "⟦415-555-2671 ext 12⟧",
    "⟦415-555-2671 ext. 12⟧",
    "⟦(415) 555-2671 x12⟧",
    "call ⟦415 555 2671⟧",
    "phone: ⟦4155552671⟧",
    '{"phone":"⟦415-555-2671⟧"}',
    '{"phone":⟦4155552671⟧}',
    "⟦415-555-2671⟧이고",
    "tel:⟦415-555-2671⟧",
    "cell=⟦415-555-2671⟧",
    "x,⟦415-555-2671⟧,y",
    "⟦415-555-2671⟧.",
    "⟦415-555-2671⟧-Office",
]
LEFT = [
    "sizes 512 768 1024",
    "order 415-555-2671",
    "Order #415-555-2671",
    "invoice no. 415.555.2671",
    "115-555-2671",
    "415-55-26711",
    "2415-555-2671",
    "415-555-2671-1",
    "415-555-26711",
    "id-415-555-2671",
    "v415.555.2671",
    "1.415.555",
    "123e4567-e89b-12d3-a456-426614174000",
    "415 555 2671",
    "4155552671",
    "10.415.555.2671",
    "2026.415.5551",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("PHONE", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "PHONE" not in [kind for kind, _ in found(text)]
