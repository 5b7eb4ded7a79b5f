"""Every rule, in one place."""

from __future__ import annotations

from roadworthy.guard.text.rule import Rule
from roadworthy.guard.text.rules import (
    bearer,
    card,
    email,
    named_secret,
    phone_international,
    phone_korea,
    phone_us,
    private_key,
    rrn,
    url_password,
    vendor_key,
)

RULES: tuple[Rule, ...] = (
    bearer.RULE,
    *card.RULES,
    email.RULE,
    named_secret.RULE,
    phone_international.RULE,
    phone_korea.RULE,
    *phone_us.RULES,
    private_key.RULE,
    rrn.RULE,
    url_password.RULE,
    vendor_key.RULE,
)
