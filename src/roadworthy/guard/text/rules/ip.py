"""IP addresses of hosts, version 4 and 6. Loopback, unspecified, netmask and whole networks stay: they are nobody's."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_NOBODY = compiled_later(rb"(?:0|127|255)\.|[0-9]+\.0\.0\.0\Z")
_ONE_DIGIT_EACH = 7
_VERSION = compiled_later(
    (
        r"(?<![a-z])(?:versi(?:o|ó)n[a-z]*|ver|release[sd]?|build|firmware|revision|rev|driver|patch|upgraded?|updated?|package|section"
        r"|chapter|clause|oid|sdk|assembly|python|node|java|dotnet|php|ruby|postgres(?:ql)?|mysql|redis|nginx|openssl"
        r"|windows|macos|ios|android|chrome|firefox|safari|edge|cuda|nvidia|docker|kubernetes|npm"
        r"|[a-z]+\.(?:dll|exe)|버전|빌드|릴리스|펌웨어|版本|バージョン|верси(?:я|и))"
        r"(?:[ _\-](?:number|no|id|to|from|is))?[^0-9a-z]{0,8}(?:[0-9.]{5,20}(?: to | -> |->| → )\"?)?\Z"
    ).encode()
)
_ADDRESS = compiled_later(
    r"ip|addr|host|client|server|peer|remote|dns|ping|gateway|router|subnet|://|@|src|dst|from|x-forwarded|접속|주소|서버|адрес".encode()
)
_PORT = compiled_later(rb":[0-9]{2,5}(?![0-9.])|/[0-9]{1,2}(?![0-9.])")
_LOOK_BACK = 64
_BYTE_GROUPS = compiled_later(rb"(?:[0-9A-Fa-f]{2}:){7}[0-9A-Fa-f]{2}")
_MAPPED = b"::ffff:"


def _v4(candidate: Candidate) -> Span | None:
    line, start, end = candidate.line, candidate.start, candidate.end
    value = candidate.value
    if _NOBODY.match(value):
        return None
    if start == 0 and len(value) > _ONE_DIGIT_EACH:
        return Span(start, end)  # the client of an access log's line: by far the most
    before = line.lower[max(0, start - _LOOK_BACK) : start]
    if _VERSION.search(before):
        return None
    if len(value) == _ONE_DIGIT_EACH and not (_ADDRESS.search(before) or _PORT.match(line.text, end)):
        return None  # 1.2.3.4: a version or a section as well as an address
    if before.endswith(_MAPPED):
        start -= len(_MAPPED)
    return Span(start, end)


def _v6(candidate: Candidate) -> Span | None:
    value = candidate.value
    if _BYTE_GROUPS.fullmatch(value):
        return None  # an EUI-64 or a piece of a fingerprint
    try:
        address = IPv6Address(value.decode())
    except (AddressValueError, UnicodeDecodeError):
        return None
    if address.is_loopback or address.is_unspecified:
        return None
    return Span(candidate.start, candidate.end)


_HEX = "[0-9A-Fa-f]{1,4}"
_GLOBAL = "(?:[23][0-9A-Fa-f]{3}|[fF][cCdDeE][0-9A-Fa-f]{2}|64:[fF]{2}9[bB])"

RULES = (
    Rule(
        name="ipv4",
        kind=Kind.IP,
        # a host's name and a slash may stand before it, a product's name and a slash may not; `-` in ranges only
        before=(
            r"(?:^|[^0-9A-Za-z_.+/\-]|(?:^|[^0-9A-Za-z_.)])/|\.[A-Za-z]{2,12}/|localhost/|[0-9]-|[^0-9A-Za-z_]-|[0-9]\+|\\[bfnrt])"
        ),
        core=_V4,
        lead=r"::[fF]{1,4}:?",
        after=r"(?:$|[^0-9A-Za-z_.+\-]|\.(?:$|[^0-9A-Za-z_])|-(?:$|[^A-Za-z]))",
        check=_v4,
        source="RFC 791 (dotted quad as in RFC 6943 §3.1.1), RFC 1122 §3.2.1.3, RFC 6890 for special ranges",
    ),
    Rule(
        name="ipv6",
        kind=Kind.IP,
        # a colon behind a word is that word's (`ip:2a00:…`), behind a group of hexadecimal digits the address goes on
        before=r"(?:^|[^0-9A-Za-z_:.]|[^0-9A-Fa-f:.]:|[G-Zg-z][A-Fa-f]{1,2}:|\\[bfnrt])",
        core=(
            rf"(?:{_HEX}:){{7}}{_HEX}|{_GLOBAL}(?::{_HEX}){{0,6}}::(?:{_HEX}:){{0,5}}(?:{_HEX})?"
            rf"|{_HEX}(?::{_HEX}){{2,5}}::(?:{_HEX}:){{0,3}}{_HEX}|::{_HEX}(?::{_HEX}){{2,6}}"
        ),
        after=r"(?:$|[^0-9A-Za-z_:.]|[.:](?:$|[^0-9A-Fa-f:]))",
        check=_v6,
        source="RFC 4291 §2.2, RFC 5952; IANA IPv6 address space: 2000::/3, fc00::/7, fe80::/10",
    ),
)
