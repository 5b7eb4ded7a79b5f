"""Private keys without their armour, PuTTY's files, and JSON Web Keys."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_BASE64 = compiled_later(rb"(?:[A-Za-z0-9+/]|\\/)+={0,2}(?:(?:\f|\r?\n)[ \t]*(?:[A-Za-z0-9+/]){16,}={0,2})*")
_LINES = compiled_later(rb"(?:(?:\r?\n|\f|\\n)[ \t]*[A-Za-z0-9+/]{4,}={0,2}(?=\r|\n|\f|\\|\"|\Z))+")
_MEMBER = compiled_later(rb"[A-Za-z0-9_\-]{16,}={0,2}")


def _base64(candidate: Candidate) -> Span | None:
    found = _BASE64.match(candidate.line.text, candidate.start)
    return Span(*found.span()) if found else None


def _putty(candidate: Candidate) -> Span | None:
    found = _LINES.match(candidate.line.text, candidate.end)
    if found is None:
        return None
    start = found.end() - len(found.group().lstrip(b"\r\n\f\\n \t"))
    return Span(start, found.end())


def _member(candidate: Candidate) -> Span | None:
    if not candidate.near((b'kty"', b"kty'"), before=1_024, after=1_024):
        return None
    found = _MEMBER.match(candidate.line.text, candidate.end)
    return Span(*found.span()) if found else None


RULES = (
    Rule(
        name="private_key_body",
        kind=Kind.PRIVATE_KEY,
        before=r"(?:^|[^0-9A-Za-z+/]|\\[nrt])",
        # PKCS #8 (RSA, EC, Ed25519, X25519), PKCS #1, SEC 1, OpenSSH: what their DER or magic begins with, in Base64
        core=(
            r"MII[A-Za-z0-9+/]{2,3}[A-Za-z0-9+/]?IBADANBgkqhkiG9w0BAQEFAASC"
            r"|MI[GH][A-Za-z0-9+/]{1,3}AgEAM[A-Za-z0-9+/]{2}GByqGSM49"
            r"|MC4CAQAwBQYDK2V[wu]BCIEI|MII[A-Za-z0-9+/]{3}IBAAKC|MH[cg]CAQEEI|b3BlbnNzaC1rZXktdjEA"
        ),
        check=_base64,
        source="RFC 5208, RFC 8017 appendix A.1.2, RFC 5915, RFC 8410 §7, OpenSSH: PROTOCOL.key",
        score=0.97,
        block=True,
    ),
    Rule(
        name="putty_key",
        kind=Kind.PRIVATE_KEY,
        core=r"Private-Lines: [0-9]{1,4}",
        check=_putty,
        source="PuTTY manual, appendix C: PPK file format",
        score=1.0,
        block=True,
    ),
    Rule(
        name="jwk",
        kind=Kind.PRIVATE_KEY,
        core=r"\\{0,3}[\"'](?:d|p|q|dp|dq|qi|k)\\{0,3}[\"'][ \t]{0,2}:[ \t]{0,2}\\{0,3}[\"']",
        check=_member,
        ahead=1_024,
        source="RFC 7518 §6.2.2, §6.3.2, §6.4.1",
        score=0.9,
    ),
)
