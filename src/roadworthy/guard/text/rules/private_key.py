"""Private keys in textual form; one that is cut off is covered as far as it goes."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Rule

_LABEL = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"

RULE = Rule(
    name="private_key",
    kind=Kind.PRIVATE_KEY,
    core=rf"-----BEGIN {_LABEL}(?:[A-Za-z0-9+/=:,. \t\r\n\f]|-[A-Za-z0-9]|\\+[nrt/])*(?:-----END {_LABEL})?",
    source="RFC 7468 §10–11, RFC 1421 for the headers, RFC 9580 §6.2 for OpenPGP",
    score=1.0,
    block=True,
    rest=r"[A-Za-z0-9+/=:,. \t\r\n\f]|-[A-Za-z0-9]|\\+[nrt/]",
    rest_end=rf"-----END {_LABEL}",
)
