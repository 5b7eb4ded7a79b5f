"""Fresh passport numbers in the shapes that the issuing states print; they carry no check digit outside the MRZ."""

from __future__ import annotations

from random import Random

from roadworthy.guard.corpus.draw import shaped
from roadworthy.guard.corpus.sample import Value, plain
from roadworthy.guard.text.kind import Kind

# What stands before a bar is fixed. Where several shapes are in use, each stands once.
_SHAPES = {
    "KR": (("M00000000", "S00000000", "M000A0000"), ("ko",)),
    "US": (("000000000", "A00000000"), ("en",)),
    "GB": (("000000000",), ("en",)),
    "IN": (("A0000000",), ("hi", "en")),
    "DE": (("C0100T000", "L0XFN|0000", "C4VK00000"), ("de",)),
    "FR": (("00AA00000",), ("fr",)),
    "ES": (("AAA000000", "AA000000"), ("es",)),
    "IT": (("AA0000000", "YA0000000"), ("it",)),
    "PT": (("AA000000",), ("pt",)),
    "BR": (("AA000000",), ("pt",)),
    "NL": (("NX|0000000",), ("nl",)),
    "PL": (("AA0000000",), ("pl",)),
    "RU": (("00 0000000", "000000000"), ("ru",)),
    "TR": (("U00000000",), ("tr",)),
    "JP": (("TR0000000", "MU0000000"), ("ja",)),
    "CN": (("E00000000", "EA0000000", "G00000000"), ("zh",)),
    "SA": (("A00000000", "AA000000"), ("ar",)),
    "VN": (("B0000000", "C0000000"), ("vi",)),
    "ID": (("A0000000", "E0000000"), ("id",)),
    "TH": (("AA0000000",), ("th",)),
    "SE": (("AA000000", "00000000"), ("sv",)),
    "CA": (("AA000000",), ("en", "fr")),
    "AU": (("N0000000", "PA0000000"), ("en",)),
}


def passport(rng: Random) -> Value:
    """A passport number of a state; only a name near it tells it from a part number."""
    state = rng.choice(tuple(_SHAPES))
    shapes, languages = _SHAPES[state]
    fixed, _, shape = rng.choice(shapes).rpartition("|")
    text = fixed + shaped(rng, shape)
    return plain(Kind.PASSPORT, text, state, bare=False, languages=languages)
