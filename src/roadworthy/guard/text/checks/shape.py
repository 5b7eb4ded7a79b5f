"""Whether a word has the shape of a secret: what is asked where no field's name says that it is one."""

from __future__ import annotations

import re

from roadworthy.guard.text.later import compiled_later

_UUID = compiled_later(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LETTER, _DIGIT, _UPPER, _LOWER = (compiled_later(form) for form in (rb"[A-Za-z]", rb"[0-9]", rb"[A-Z]", rb"[a-z]"))
_SYMBOL = compiled_later(rb"[!@#$%^&*+?~|=]")
_CAMEL = compiled_later(rb"[a-z][A-Z]")
_KNOWN = compiled_later(
    rb"(?:sha[0-9-]*|md[45]|aes[0-9-]*\w*|rsa[0-9-]*|ed25519|hs[0-9]{3}|rs[0-9]{3}|es[0-9]{3}|bcrypt|scrypt|argon2\w*|pbkdf2[\w-]*"
    rb"|oauth[0-9.]*|base(?:32|64)\w*|utf-?(?:8|16)|ipv[46]|[hs]otp|2fa|mfa|http[s2]?|http/\S+|[0-9]+(?:st|nd|rd|th)"
    rb"|v?[0-9]+(?:\.[0-9]+)+\S*|v[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}\S*|[0-9]{1,2}:[0-9]{2}\S*|[0-9]+(?:ms|s|m|h|d|kb|mb|gb|k|%|px|x)"
    rb"|gpt-\S*|claude-\S*|gemini-\S*|llama\S*|error[_-]?[0-9]+|[a-z_.\-]+=[\w.:/\-]*|\S*://\S*|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+)",
    re.IGNORECASE,
)
_SHORT_KEY = compiled_later(
    rb"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?:[A-Za-z]+[0-9]+[A-Za-z]|[0-9]+[A-Za-z]+[0-9])[A-Za-z0-9]*"
)
_NUMBER_FORM = compiled_later(rb"[0-9][0-9.,:/\-]*[0-9]")
_WORDS_AND_NUMBER = compiled_later(rb"[A-Za-z]+(?:[-_/][A-Za-z]+)*[-_/ ]v?[0-9]{1,3}|[A-Za-z]+(?:[-_/'][A-Za-z]+)*")

_IDENTIFIER = compiled_later(rb"(?:[A-Z]*[a-z]{3,}[0-9]{0,2}){2,}[A-Za-z]?")


def is_identifier(value: bytes) -> bool:
    """Whether it is words that are written as one, as programs name things: `OAuth2Token`, `token_error_2`."""
    return _IDENTIFIER.fullmatch(value) is not None or _WORDS_AND_NUMBER.fullmatch(value) is not None


def is_uuid(value: bytes) -> bool:
    """Whether the value is a UUID in its usual form (RFC 9562)."""
    return _UUID.fullmatch(value) is not None


def is_mixed(value: bytes) -> bool:
    """Whether the value has letters and digits."""
    return _LETTER.search(value) is not None and _DIGIT.search(value) is not None


def is_random(value: bytes, least: int = 16) -> bool:
    """Whether the value is as long as keys are and made of letters and digits, or of both cases in disorder.

    Args:
        value: One word.
        least: Shortest length that counts, in bytes.
    """
    if len(value) < least or b" " in value or is_uuid(value) or _KNOWN.fullmatch(value):
        return False
    return is_mixed(value) or len(_CAMEL.findall(value)) >= 3


def is_short_key(value: bytes) -> bool:
    """Whether it is of ten letters or more, of both cases, with digits among them: Naver's secrets are that short."""
    return len(value) >= 10 and _SHORT_KEY.fullmatch(value) is not None and not _KNOWN.fullmatch(value)


def is_password(value: bytes) -> bool:
    """Whether a word behind "the password is" may be one: no word of the language, no number with a unit, no name."""
    if len(value) < 4 or _KNOWN.fullmatch(value) or is_uuid(value):
        return False
    if value.isdigit():
        return True
    if _NUMBER_FORM.fullmatch(value) or _WORDS_AND_NUMBER.fullmatch(value):
        return _CAMEL.search(value) is not None
    inner = value[:-1]
    return is_mixed(value) or _SYMBOL.search(inner) is not None or _CAMEL.search(value) is not None
