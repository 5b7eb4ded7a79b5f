r"""First masker: personal data and secrets out of logs, journal and error texts.

One RE2 alternation without groups finds candidates (a DFA: linear time, whatever the input, and the GIL is free
while it runs); the same alternation with groups then says which rule it was, and a short check in Python decides
(Luhn, dates, escapes). Two boundaries are easy to get wrong and are handled here once:

* RE2's `\b` knows ASCII only, so a Korean particle right after a number or address is a boundary, as it should be.
* In JSON text `\n010-1234-5678` has no word boundary before the number, and the `n` of `\nuser@host` belongs to the
  escape, not to the address: a match never starts or ends inside an escape sequence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import re2

from roadworthy.runtime.masking_rules import (
    Change,
    Line,
    bearer,
    card_groups,
    digit_run,
    email,
    international_phone,
    key_value,
    national_phone,
    resident_number,
    url_password,
    whole,
)

Judge = Callable[[bytes, int, int, Line], Change | None]


class Rule(NamedTuple):
    """One kind of finding.

    Attributes:
        name: For tests and messages.
        before: RE2 pattern of what stands before the value and stays.
        core: RE2 pattern of the candidate.
        after: RE2 pattern of what stands behind it and stays.
        judge: Says what of the candidate is replaced, if anything.
    """

    name: str
    before: str
    core: str
    after: str
    judge: Judge


# A rule whose candidate may stay open for long (an address before its @, a URL before its @) would make the search
# look ahead to the end of the run for each finding inside it, in quadratic time. Such rules start at a short sure
# mark, and the judge looks at what stands around it, at most a fixed number of bytes.
_ESCAPE = r"\\[bfnrt]|\\u[0-9A-Fa-f]{4}"
_WORD = rf"(?:\b|{_ESCAPE})"
# not after a digit, a letter, an underscore (ids), a plus, or the point of a decimal number
_NUMBER = rf"(?:^|[^0-9A-Za-z_.+]|[^0-9]\.|{_ESCAPE})"
_PLUS = rf"(?:^|[^0-9A-Za-z_+]|{_ESCAPE})"
_VENDOR_KEYS = "|".join(
    (
        r"(?:sk|rk|pk)[-_][A-Za-z0-9_\-]{8,}",
        r"pplx-[A-Za-z0-9_\-]{8,}",
        r"rw_[A-Za-z0-9_\-]{20,}",
        r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",
        r"gh[pousr]_[A-Za-z0-9]{16,}",
        r"github_pat_[A-Za-z0-9_]{16,}",
        r"glpat-[A-Za-z0-9_\-]{16,}",
        r"xox[a-z]-[A-Za-z0-9\-]{8,}",
        r"AIza[0-9A-Za-z_\-]{30,}",
        r"(?:hf|gsk|npm|xai)[-_][A-Za-z0-9]{20,}",
        r"eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)?",
    )
)
_KEY_NAMES = (
    r"(?i:passw(?:or)?d|passwd|passphrase|pwd|secret(?:[_\-]?key)?|token|(?:api|access|private|auth)[ _\-]?key"
    r"(?: provided)?|(?:proxy-)?authorization|credentials?)"
)
_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"

RULES: tuple[Rule, ...] = (
    Rule(
        "private key",
        "",
        rf"-----BEGIN {_PEM}(?:[A-Za-z0-9+/=:,. \t\r\n]|-[A-Za-z0-9]|\\+[nrt/])*(?:-----END {_PEM})?",
        "",
        whole(b"[KEY]"),
    ),
    Rule("password in a URL", r":\\?/\\?/[^\s\"'<>@/\\:\[]*", ":", "", url_password),
    Rule("vendor key", _WORD, _VENDOR_KEYS, "", whole(b"[KEY]")),
    Rule("named secret", "", rf"{_KEY_NAMES}\\{{0,15}}[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}", "", key_value),
    Rule("bearer token", _WORD, r"(?i:bearer|basic)[ \t]{1,4}[A-Za-z0-9._~+/=\-]{6,}", "", bearer),
    Rule("e-mail", "", r"(?:@|%40)(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}", "", email),
    Rule("resident number", _NUMBER, r"[0-9]{2}[01][0-9][0-3][0-9][\- ][0-9]{7}", r"\b", resident_number),
    Rule("digit run", _NUMBER, r"-?[0-9]{13,19}", r"\b", digit_run),
    Rule(
        "grouped card",
        _NUMBER,
        r"[2-69][0-9]{3}[ \-](?:[0-9]{4}[ \-][0-9]{4}[ \-][0-9]{4}(?:[ \-][0-9]{1,3})?|[0-9]{6}[ \-][0-9]{4,5})",
        r"\b",
        card_groups,
    ),
    Rule("international phone", _PLUS, r"\+[1-9][0-9 .()\-]{6,22}[0-9]", r"\b", international_phone),
    Rule(
        "Korean phone",
        _NUMBER,
        r"\(?0(?:1[016789]|2|[3-6][1-5]|70|80|50[0-9])(?:[\-. ]|\) ?)[0-9]{3,4}[\-. ]?[0-9]{4}|01[016789][0-9]{7,8}",
        r"\b",
        national_phone,
    ),
    Rule("US phone", _NUMBER, r"(?:1[\-. ])?[2-9][0-9]{2}[\-.][0-9]{3}[\-. ][0-9]{4}", r"\b", national_phone),
    Rule("US phone in brackets", "", r"\([2-9][0-9]{2}\) ?[0-9]{3}[\-. ][0-9]{4}", r"\b", national_phone),
)

_MAX_PASSES = 8
_HEX4 = re.compile(rb"u[0-9A-Fa-f]{4}")


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 32 << 20
    options.log_errors = False
    return options


def _compile(rules: tuple[Rule, ...]) -> tuple[re2._Regexp, re2._Regexp]:
    find = "|".join(f"{rule.before}(?:{rule.core}){rule.after}" for rule in rules)
    name = "|".join(f"{rule.before}({rule.core}){rule.after}" for rule in rules)
    return re2.compile(find.encode(), _options()), re2.compile(name.encode(), _options())


def _outside_escape(text: bytes, start: int) -> int:
    """The first position from `start` on that is not inside a JSON escape sequence."""
    if start == 0 or text[start - 1] != 0x5C:
        return start
    floor = max(0, start - 64)
    run = start
    while run > floor and text[run - 1] == 0x5C:
        run -= 1
    if (start - run) % 2 == 0:
        return start
    return start + (5 if _HEX4.match(text, start) else 1)


class FirstMasker:
    """Implements `core.ports.Masker` for e-mail, phone, payment card, keys and tokens, DSN passwords, Korean RRN.

    Guarantees: linear time; idempotent (except for chains of more than eight candidates where each is spared only
    because of its neighbour); a JSON object or array, or lines of them, stays valid JSON (a bare number
    that is a card becomes the string `"[CARD]"`); UTF-8 stays UTF-8. Findings become `[EMAIL]`, `[PHONE]`, `[CARD]`,
    `[KEY]`, `[DSN_PASSWORD]`, `[RRN]`. Not covered: names, addresses, IBAN, IP addresses, numbers in full-width
    digits, landline numbers without separators.
    """

    def __init__(self) -> None:
        self._find, self._name = _compile(RULES)

    def mask(self, text: str) -> str:
        """The text with every finding replaced; the same object when there is none."""
        raw = text.encode("utf-8", "surrogatepass")
        masked = self.mask_bytes(raw)
        return text if masked is raw else masked.decode("utf-8", "surrogatepass")

    def mask_bytes(self, text: bytes) -> bytes:
        """The same for UTF-8 bytes; invalid UTF-8 passes through unchanged outside findings."""
        # A replaced neighbour can free a candidate that was vetoed because of it; the fixed point is idempotent.
        for _ in range(_MAX_PASSES):
            masked = self._pass(text)
            if masked is text:
                break
            text = masked
        return text

    def _pass(self, text: bytes) -> bytes:
        search, name = self._find.search, self._name.match
        found = search(text)
        if found is None:
            return text
        line = Line(text)
        pieces: list[bytes] = []
        done = 0
        while found is not None:
            start, end = found.span()
            spans = name(text, start, end)
            rule, (start, end) = next(
                (rule, spans.span(index)) for index, rule in enumerate(RULES, 1) if spans.span(index)[0] >= 0
            )
            change = rule.judge(text, start, end, line)
            resume = start + 1
            if change is not None and not change.start < done >= start:  # else its head is replaced already
                begin = max(_outside_escape(text, change.start), done)
                resume = max(change.end, start + 1)
                if begin < change.end:
                    pieces += (text[done:begin], change.mark)
                    done = change.end
            found = search(text, resume)
        if not pieces:
            return text
        pieces.append(text[done:])
        return b"".join(pieces)
