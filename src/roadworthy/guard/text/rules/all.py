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
    cccd,
    cloud_key,
    cn_resident_id,
    cnpj,
    codice_fiscale,
    connection_string,
    cpf,
    dni,
    email,
    forge_key,
    iban,
    inn,
    ip,
    jwt,
    key_with_mark_inside,
    llm_key,
    messaging_key,
    monitoring_key,
    my_number,
    named_secret,
    nik,
    nino,
    nir,
    one_time_code,
    pan,
    passport,
    payment_key,
    personnummer,
    pesel,
    phone_international,
    phone_korea,
    phone_named,
    phone_national,
    phone_us,
    private_key,
    private_key_body,
    rrn,
    secret_flag,
    secret_in_call,
    secret_in_markup,
    secret_in_prose,
    service_key,
    session_cookie,
    snils,
    sql_password,
    ssn,
    steuer_id,
    taiwan_id,
    tckn,
    thai_id,
    url_parameter,
    url_password,
    vendor_context,
    webhook_url,
)

SECRETS: tuple[Rule, ...] = (
    bearer.RULE,
    cloud_key.RULE,
    *connection_string.RULES,
    forge_key.RULE,
    jwt.RULE,
    key_with_mark_inside.RULE,
    llm_key.RULE,
    messaging_key.RULE,
    monitoring_key.RULE,
    *named_secret.RULES,
    one_time_code.RULE,
    payment_key.RULE,
    private_key.RULE,
    *private_key_body.RULES,
    *secret_flag.RULES,
    *secret_in_call.RULES,
    *secret_in_markup.RULES,
    *secret_in_prose.RULES,
    service_key.RULE,
    *session_cookie.RULES,
    *sql_password.RULES,
    url_parameter.RULE,
    url_password.RULE,
    vendor_context.RULE,
    *webhook_url.RULES,
)
"""Rules of keys, tokens and passwords."""


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
        *brn.RULES,
        bsn.RULE,
        *card.RULES,
        cccd.RULE,
        cn_resident_id.RULE,
        *cnpj.RULES,
        codice_fiscale.RULE,
        *cpf.RULES,
        *dni.RULES,
        *email.RULES,
        iban.RULE,
        inn.RULE,
        *ip.RULES,
        my_number.RULE,
        nik.RULE,
        *nino.RULES,
        *nir.RULES,
        pan.RULE,
        *passport.RULES,
        personnummer.RULE,
        pesel.RULE,
        *phone_international.RULES,
        *phone_korea.RULES,
        *phone_named.rules(plans),
        *phone_national.rules(plans),
        *phone_us.RULES,
        *rrn.RULES,
        *snils.RULES,
        *ssn.RULES,
        steuer_id.RULE,
        taiwan_id.RULE,
        tckn.RULE,
        *thai_id.RULES,
        *SECRETS,
    )


RULES: tuple[Rule, ...] = for_regions()
