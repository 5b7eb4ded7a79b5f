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
    ip,
    jwt,
    key_with_mark_inside,
    llm_key,
    messaging_key,
    monitoring_key,
    my_number,
    named_secret,
    nino,
    nir,
    one_time_code,
    passport,
    payment_key,
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
    sql_password,
    ssn,
    taiwan_id,
    url_parameter,
    url_password,
    vendor_context,
    webhook_url,
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
        cloud_key.RULE,
        cn_resident_id.RULE,
        *cnpj.RULES,
        codice_fiscale.RULE,
        *connection_string.RULES,
        *cpf.RULES,
        *dni.RULES,
        *email.RULES,
        forge_key.RULE,
        iban.RULE,
        *ip.RULES,
        jwt.RULE,
        key_with_mark_inside.RULE,
        llm_key.RULE,
        messaging_key.RULE,
        monitoring_key.RULE,
        my_number.RULE,
        named_secret.RULE,
        *nino.RULES,
        *nir.RULES,
        one_time_code.RULE,
        *passport.RULES,
        payment_key.RULE,
        pesel.RULE,
        *phone_international.RULES,
        *phone_korea.RULES,
        *phone_named.rules(plans),
        *phone_national.rules(plans),
        *phone_us.RULES,
        private_key.RULE,
        *private_key_body.RULES,
        *rrn.RULES,
        *secret_flag.RULES,
        *secret_in_call.RULES,
        *secret_in_markup.RULES,
        *secret_in_prose.RULES,
        service_key.RULE,
        *session_cookie.RULES,
        *sql_password.RULES,
        *ssn.RULES,
        taiwan_id.RULE,
        url_parameter.RULE,
        url_password.RULE,
        vendor_context.RULE,
        *webhook_url.RULES,
    )


RULES: tuple[Rule, ...] = for_regions()
