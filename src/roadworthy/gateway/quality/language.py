"""Which language a text is in, as far as scripts and small words can tell; what they cannot tell stays unknown.

Korean, Japanese and Chinese are told by their scripts. Latin letters are shared by many languages: English is told from
others by its most frequent words, and only where there are enough of them. Code blocks and addresses do not count.
"""

from __future__ import annotations

from typing import Final

LEAST_LETTERS = 12
"""Fewer letters than this, outside code, say nothing."""
LEAST_WORDS = 8
"""Fewer Latin words than this do not tell English from its relatives."""
MOST_CHARS = 20_000
"""More text than this adds nothing."""

OTHER: Final = "other"
"""A language that is none of those the gate can be asked for."""

# High bytes of UTF-16 code units: a script's share is counted at the speed of bytes.translate.
_HANGUL = bytes([0x11, 0x31, *range(0xAC, 0xD8)])
_KANA = b"\x30"
_HAN = bytes(range(0x4E, 0xA0))
_OTHER_SCRIPTS = bytes([*range(0x03, 0x11), *range(0x12, 0x1E)])
_NOT_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isascii() or not chr(byte).isalpha())
_KANA_MARKS = str.maketrans(
    "", "", "\u3000\u3001\u3002\u3003\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011"
)

_ENGLISH_WORDS = (
    "the of and to in is that it for was on are with as be this have from or by not but which you were his her they an "
    "at has had one can will would their there been if your more when we its about into than only other some these "
    "what how should may also i my"
)
# German, French, Spanish, Italian, Portuguese, Dutch, Indonesian, Vietnamese; words that are English too left out.
_OTHER_WORDS = (
    "der die das und ist nicht ein eine einen mit für auf den dem sie ich werden wird auch sind zu von bei oder aus "
    "le la les des est une dans pour qui que vous nous pas sur avec sont au aux ce cette plus ou et du je il elle "
    "el los las por para con del como más su lo pero es y en sus muy también di che non è una per sono della gli "
    "anche nel più questo o os um uma não com da na mais dos ao se het een van niet zijn voor met ook op aan maar dat "
    "te wordt de yang dan untuk dengan ini itu dari pada adalah tidak dalam akan và của là các không cho một được"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_OTHERS = frozenset(_OTHER_WORDS.split())


def language(text: str) -> str | None:
    """`ko`, `ja`, `zh`, `en`, `other` (none of them), or None when it cannot be told."""
    text = _prose(text[:MOST_CHARS])
    latin = len(text.encode("ascii", "ignore").translate(None, _NOT_LETTERS))
    if text.isascii():
        return _latin(text) if latin >= LEAST_LETTERS else None
    high = text.translate(_KANA_MARKS).encode("utf-16-be", "surrogatepass")[::2]
    hangul = len(high) - len(high.translate(None, _HANGUL))
    kana = len(high) - len(high.translate(None, _KANA))
    han = len(high) - len(high.translate(None, _HAN))
    other = len(high) - len(high.translate(None, _OTHER_SCRIPTS))
    # A syllable block or an ideograph says as much as two to three Latin letters.
    weights = {"ko": hangul * 2.5, "ja": kana * 2.0 + (han * 2.0 if kana >= han * 0.15 else 0.0), OTHER: float(other)}
    weights["zh"] = 0.0 if kana and kana >= han * 0.15 else han * 2.5
    weights["latin"] = float(latin)
    best = max(weights, key=lambda name: weights[name])
    total = sum(weights.values())
    if total < LEAST_LETTERS or weights[best] < 0.6 * total:
        return None
    return _latin(text) if best == "latin" else best


def _latin(text: str) -> str | None:
    words = text.lower().replace(",", " ").replace(".", " ").replace("’", "'").split()[:2_000]
    if len(words) < LEAST_WORDS:
        return None
    english = sum(1 for word in words if word in _ENGLISH)
    others = sum(1 for word in words if word in _OTHERS)
    if english >= 0.08 * len(words) and english >= 2 * others:
        return "en"
    if others >= 0.12 * len(words) and others >= 3 * english:
        return OTHER
    return None


def _prose(text: str) -> str:
    """The text without code blocks and addresses."""
    if "```" in text:
        text = " ".join(text.split("```")[::2])
    if "://" in text:
        text = " ".join(word for word in text.split() if "://" not in word)
    return text


def contradicts(text: str, wanted: str) -> str | None:
    """The language the text is in when that is known not to be `wanted`, else None.

    A text in Latin letters whose language is unknown contradicts Korean, Japanese and Chinese all the same, and is
    then reported as `latin`.
    """
    found = language(text)
    if found is not None:
        return None if found == wanted else found
    if wanted != "en":
        prose = _prose(text[:MOST_CHARS])
        if prose.isascii() and len(prose.encode().translate(None, _NOT_LETTERS)) >= 2 * LEAST_LETTERS:
            return "latin"
    return None
