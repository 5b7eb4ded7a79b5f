"""Every rule, in one place."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.guard.text.checks.phone_plan import DEFAULT_REGIONS, PhonePlans
from roadworthy.guard.text.rule import Rule
from roadworthy.guard.text.rules import (
    aadhaar,
    bearer,
    brn,
    bsn,
    card,
    cn_resident_id,
    cnpj,
    codice_fiscale,
    cpf,
    dni,
    email,
    iban,
    ip,
    my_number,
    named_secret,
    nino,
    nir,
    passport,
    pesel,
    phone_international,
    phone_korea,
    phone_named,
    phone_national,
    phone_us,
    private_key,
    rrn,
    ssn,
    taiwan_id,
    url_password,
    vendor_key,
)


def for_regions(regions: Sequence[str] = DEFAULT_REGIONS) -> tuple[Rule, ...]:
    """Every rule, with telephone numbers in the national forms of these regions.

    Args:
        regions: ISO 3166-1 alpha-2 codes.

    Raises:
        ValueError: A region is not one that libphonenumber knows.
    """
    plans = PhonePlans(regions)
    return (
        *aadhaar.RULES,
        bearer.RULE,
        *brn.RULES,
        bsn.RULE,
        *card.RULES,
        cn_resident_id.RULE,
        *cnpj.RULES,
        codice_fiscale.RULE,
        *cpf.RULES,
        *dni.RULES,
        *email.RULES,
        iban.RULE,
        *ip.RULES,
        my_number.RULE,
        named_secret.RULE,
        *nino.RULES,
        *nir.RULES,
        *passport.RULES,
        pesel.RULE,
        *phone_international.RULES,
        *phone_korea.RULES,
        *phone_named.rules(plans),
        *phone_national.rules(plans),
        *phone_us.RULES,
        private_key.RULE,
        *rrn.RULES,
        *ssn.RULES,
        taiwan_id.RULE,
        url_password.RULE,
        vendor_key.RULE,
    )


RULES: tuple[Rule, ...] = for_regions()
