"""Numbering plans: which digits a region has, and when the library is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from roadworthy.guard.text.checks.phone_plan import PhonePlans, is_international, with_extension
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.rules.all import for_regions


@pytest.mark.parametrize(
    ("region", "digits", "good"),
    [
        ("KR", b"010123", False),
        ("KR", b"01023456789", True),
        ("GB", b"07400123456", True),
        ("GB", b"77009001", False),
        ("IT", b"0236618300", True),
        ("FR", b"0612345678", True),
        ("FR", b"061234567", False),
        ("US", b"4155552671", True),
        ("US", b"1155552671", False),
    ],
)
def test_national(region: str, digits: bytes, good: bool) -> None:
    assert PhonePlans((region,)).is_national(digits) is good


@pytest.mark.parametrize(
    ("digits", "verdict"),
    [
        (b"447400123456", True),
        (b"4407400123456", True),
        (b"447700900123", None),
        (b"999123456789", False),
        (b"4412", False),
    ],
)
def test_international(digits: bytes, verdict: bool | None) -> None:
    assert is_international(digits) is verdict


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(ValueError, match="XX"):
        PhonePlans(("KR", "XX"))


def test_another_region_brings_its_forms() -> None:
    text = "at 8 (912) 345-67-89"
    assert TextMasker(for_regions(("KR",))).mask(text) == text
    assert TextMasker(for_regions(("KR", "RU"))).mask(text) == "at ***PHONE_MASKED***"


@pytest.mark.parametrize(
    ("behind", "length"), [(b"x12", 3), (b" ext. 12", 8), (b" x12 a", 4), (b" 12", 0), (b" 2nd", 0), (b"x12a", 0)]
)
def test_extension(behind: bytes, length: int) -> None:
    assert with_extension(b"415-555-2671" + behind, 12) == 12 + length


def test_the_library_is_loaded_with_the_first_candidate_that_needs_it() -> None:
    program = (
        "import sys; from roadworthy.guard.text.masker import TextMasker; masker = TextMasker();"
        "masker.mask('bob@example.com, 415-555-2671, +82 10 1234 5678');"
        "assert 'phonenumbers' not in sys.modules;"
        "masker.mask('+44 20 7946 0958');"
        "assert 'phonenumbers' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
