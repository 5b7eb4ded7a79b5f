"""Kinds of findings, and the fixed marks that take their place."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a finding is. The closed vocabulary of policies, reports and metrics."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IP = "IP"
    IBAN = "IBAN"
    SSN = "SSN"
    RRN = "RRN"
    BRN = "BRN"
    PASSPORT = "PASSPORT"
    NATIONAL_ID = "NATIONAL_ID"
    API_KEY = "API_KEY"
    JWT = "JWT"
    PRIVATE_KEY = "PRIVATE_KEY"
    PASSWORD = "PASSWORD"  # noqa: S105 - the name of a kind
    URL_PASSWORD = "URL_PASSWORD"  # noqa: S105
    PERSON = "PERSON"
    ADDRESS = "ADDRESS"


SECRETS = frozenset((Kind.API_KEY, Kind.JWT, Kind.PRIVATE_KEY, Kind.PASSWORD, Kind.URL_PASSWORD))
"""Kinds that open doors; all others are personal data."""


def mark(kind: Kind) -> bytes:
    """The fixed mark of a kind: `***EMAIL_MASKED***` for personal data, `***MASKED***` for every secret."""
    return b"***MASKED***" if kind in SECRETS else b"***%b_MASKED***" % kind.value.encode()
