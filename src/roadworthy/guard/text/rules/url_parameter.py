"""Secrets in the query of a URL whose names say so nowhere else: `sig`, `signature`, `key`, `code`, `st`."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.checks.secret_value import trimmed
from roadworthy.guard.text.checks.shape import is_random
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_PAIRS = compiled_later(rb"(?:[0-9A-Fa-f]{2}:){3,}[0-9A-Fa-f]{2}")
"""A hardware address, or a fingerprint of a key that anyone may know."""
_VALUE = compiled_later(rb"[^\s\"'\\&#<>;]+")


def _value(candidate: Candidate) -> Span | None:
    text, start = candidate.line.text, candidate.end
    found = _VALUE.match(text, start)
    if found is None:
        return None
    end = trimmed(text, start, found.end())
    value = text[start:end]
    return None if is_placeholder(value) or _PAIRS.fullmatch(value) or not is_random(value) else Span(start, end)


RULE = Rule(
    name="url_parameter",
    kind=Kind.API_KEY,
    core=(
        r"(?:[?&;]|&amp;)(?i:sig|signature|key|code|hash|hmac|ticket|assertion|sas|x-(?:amz|goog)-(?:signature"
        r"|credential|security-token)"
        r"|awsaccesskeyid|googleaccessid|subscription-key|device_code|code_verifier|state_token|appkey|app_key"
        r"|servicekey|crtfc_key)="
    ),
    check=_value,
    source="RFC 6749 §4.1.2 (code), RFC 7636 (code_verifier), Azure: service SAS, AWS: Signature Version 4 in a query",
    score=0.85,
)
