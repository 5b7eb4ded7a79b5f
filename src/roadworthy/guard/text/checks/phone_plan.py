"""Telephone numbering plans, from the metadata of libphonenumber: does a number exist in one of some regions?

The library is loaded with the first candidate that needs it. It verifies and never searches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

import re2

from roadworthy.guard.text.later import compiled_later

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

DEFAULT_REGIONS = (
    "KR", "US", "GB", "DE", "FR", "ES", "IT", "NL", "PT", "BR", "JP", "CN", "TW", "IN", "RU", "PL", "TR", "MX", "VN",
    "TH", "ID",
)  # fmt: skip
"""ISO 3166-1 codes whose national forms are known without being asked for."""
MOST_DIGITS = 15
"""ITU-T E.164."""
_LEAST_INTERNATIONAL = 8
_EXTENSION = compiled_later(
    (
        r"(?: ?(?:x|ext\.?|extn\.?|extension|poste|durchwahl|내선|分机|内線|доб\.?)[ :.#]{0,2}|,? ?#)"
        r"[0-9]{1,6}(?![0-9A-Za-z])"
    ).encode(),
    re.IGNORECASE,
)
_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip


class PhonePlans:
    """The national plans of some regions.

    Args:
        regions: ISO 3166-1 alpha-2 codes.

    Raises:
        ValueError: A region is not one that libphonenumber knows.
    """

    def __init__(self, regions: Sequence[str] = DEFAULT_REGIONS) -> None:
        self.regions = tuple(regions)
        unknown = set(regions) - set(DEFAULT_REGIONS)
        if unknown:
            from phonenumbers import SUPPORTED_REGIONS

            unknown -= set(SUPPORTED_REGIONS)
        if unknown:
            raise ValueError(f"telephone regions must be ISO 3166-1 codes such as KR or US, not {sorted(unknown)}")

    @cached_property
    def _national(self) -> re2._Regexp:
        return _compiled(_national(region) for region in self.regions)

    def is_national(self, digits: bytes) -> bool:
        """Whether the digits are a number as dialled inside of one of the regions, with trunk prefix or without."""
        return self._national.fullmatch(digits) is not None


def is_international(digits: bytes) -> bool | None:
    """Whether digits that begin with a country code are a number.

    Returns:
        True when its plan has it, None when only country code and length are right, False otherwise.
    """
    plan = _country(digits)
    if plan is None or not _LEAST_INTERNATIONAL <= len(digits) <= MOST_DIGITS:
        return False
    exact, length, sizes = plan
    rest = digits[length:]
    trunkless = rest[1:] if rest.startswith(b"0") else rest
    if exact.fullmatch(rest) or exact.fullmatch(trunkless):
        return True
    return None if len(trunkless) in sizes or len(rest) in sizes else False


def with_extension(text: bytes, end: int) -> int:
    """Where a telephone number that ends at `end` ends with its extension (`x12`, `ext. 12`, `내선 12`)."""
    found = _EXTENSION.match(text, end)
    return found.end() if found else end


def _country(digits: bytes) -> tuple[re2._Regexp, int, frozenset[int]] | None:
    for length in (1, 2, 3):
        plan = _plan(digits[:length])
        if plan is not None:
            return plan[0], length, plan[1]
    return None


@cache
def _plan(code: bytes) -> tuple[re2._Regexp, frozenset[int]] | None:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if regions is None or regions == ("001",):
        return None
    general = (_metadata(region).general_desc for region in regions)
    sizes = frozenset(size for each in general if each is not None for size in each.possible_length or ())
    return _compiled(_types(region) for region in regions), sizes


def _compiled(patterns: Iterable[str]) -> re2._Regexp:
    return re2.compile("|".join(dict.fromkeys(patterns)).encode())


def _national(region: str) -> str:
    prefix = _metadata(region).national_prefix
    return f"(?:{prefix})?{_types(region)}" if prefix else _types(region)


def _types(region: str) -> str:
    metadata = _metadata(region)
    wanted = (getattr(metadata, name) for name in _TYPES)
    patterns = (each.national_number_pattern for each in wanted if each is not None and each.national_number_pattern)
    return f"(?:{'|'.join(patterns)})"


def _metadata(region: str) -> PhoneMetadata:
    from phonenumbers import PhoneMetadata

    found = PhoneMetadata.metadata_for_region(region, None)
    if found is None:
        raise ValueError(f"libphonenumber has no plan of {region}")
    return found
