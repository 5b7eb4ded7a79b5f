"""Makes the corpus: labelled lines for every kind, and lines without anything to find, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from roadworthy.guard.corpus.carrier import FIELDS, SENTENCES, Carrier, carried
from roadworthy.guard.corpus.credential import SECRETS
from roadworthy.guard.corpus.disguise import disguised
from roadworthy.guard.corpus.encoding import as_is, escaped, indented
from roadworthy.guard.corpus.habitat import HABITATS
from roadworthy.guard.corpus.language import KOREAN_OR_ENGLISH, LANGUAGES, NOTES, PARTICLES
from roadworthy.guard.corpus.national import national_id
from roadworthy.guard.corpus.negative import NEGATIVES, Negative
from roadworthy.guard.corpus.passport import passport
from roadworthy.guard.corpus.personal import GENERATORS
from roadworthy.guard.corpus.phone import phone
from roadworthy.guard.corpus.sample import Generator, Message, Part, Sample, Value, joined
from roadworthy.guard.text.kind import SECRETS as SECRET_KINDS
from roadworthy.guard.text.kind import Kind

DEVELOPMENT_SEED = 1
"""In view while rules are written."""
HELD_OUT_SEED = 20_261_121
"""For reports; nobody tunes on its lines."""
LINES_PER_KIND = 1_000
"""With three misses among a thousand the lower Wilson bound is still over 0.99."""
NEGATIVES_PER_FAMILY = 60

MAKERS: dict[Kind, Generator] = {
    **GENERATORS, Kind.PHONE: phone, Kind.PASSPORT: passport, Kind.NATIONAL_ID: national_id, **SECRETS
}  # fmt: skip
"""The generator of every kind that rules find."""

_FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.EMAIL: ("email", "user_email", "contact", "이메일"),
    Kind.PHONE: ("phone", "mobile", "tel", "phone_number", "전화번호"),
    Kind.CARD: ("card", "card_number", "pan", "카드번호"),
    Kind.IP: ("ip", "client_ip", "remote_addr", "src"),
    Kind.IBAN: ("iban", "account"),
    Kind.SSN: ("ssn", "social_security_number"),
    Kind.RRN: ("rrn", "resident_no", "주민번호", "주민등록번호"),
    Kind.BRN: ("brn", "biz_no", "business_number", "사업자등록번호"),
    Kind.PASSPORT: ("passport", "passport_no", "passportNumber", "여권번호"),
    Kind.API_KEY: ("api_key", "key", "credential", "apiKey"),
    Kind.JWT: ("token", "id_token", "access_token", "jwt"),
    Kind.PRIVATE_KEY: ("private_key", "key", "pem", "tls_key"),
    Kind.PASSWORD: ("password", "passwd", "db_password", "PASSWORD", "user_pwd", "비밀번호"),
    Kind.URL_PASSWORD: ("database_url", "dsn", "url", "broker"),
}
_HABITAT, _SENTENCE = 0.2, 0.6
_DISGUISE, _ESCAPE = 0.12, 0.08
_COMMON = ("ko", "ko", "ko", "en", "en", "en")


def corpus(
    seed: int = HELD_OUT_SEED, per_kind: int = LINES_PER_KIND, per_family: int = NEGATIVES_PER_FAMILY
) -> Iterator[Sample]:
    """Every line of the corpus.

    Args:
        seed: The same seed gives the same lines, each of them apart from the others.
        per_kind: Lines per kind.
        per_family: Lines per family of negatives.
    """
    for kind in MAKERS:
        for number in range(per_kind):
            yield positive(kind, seed, number)
    for family in NEGATIVES:
        for number in range(per_family):
            yield negative(family, seed, number)


def positive(kind: Kind, seed: int, number: int) -> Sample:
    """Line `number` of a kind."""
    rng = Random(f"{seed} {kind.value} {number}")  # noqa: S311 - a corpus needs a seed, nothing is kept secret with it
    value = MAKERS[kind](rng)
    language = rng.choice(value.languages or (*_COMMON, *LANGUAGES))
    parts, disguise = disguised(rng, value, language) if rng.random() < _DISGUISE else (value.parts, "")
    carrier, message = _placed(rng, kind, value, parts, language)
    strange = not disguise and kind is not Kind.PRIVATE_KEY and rng.random() < _ESCAPE
    stranger = escaped(rng, carrier.encode) if strange else None
    field = rng.choice(value.fields or _FIELDS[kind])
    text, labels = joined(carried(rng, carrier, message, field, rng.choice(NOTES[language]), stranger))
    name = f"{kind.value} {number}"
    return Sample(name, text, labels, language, carrier.name, value.form, disguise or ("escapes" if stranger else ""))


def _placed(rng: Random, kind: Kind, value: Value, parts: Message, language: str) -> tuple[Carrier, Message]:
    """Where the value goes, and the sentence when it is one."""
    several = any("\n" in part.text for part in parts)
    home = [each for each in HABITATS.get(kind, ()) if value.bare or kind in SECRET_KINDS]
    draw = rng.random()
    if home and draw < _HABITAT and not value.labels:
        return rng.choice(home), parts
    if draw < _SENTENCE:
        return rng.choice(SENTENCES), _sentence(rng, kind, value, parts, language)
    fields = [each for each in FIELDS if _fits(each, parts, several)]
    return rng.choice(fields), parts


def _fits(carrier: Carrier, parts: Message, several: bool) -> bool:
    if several or carrier.encode is indented:  # nobody writes a short value as a block
        return several and carrier.lines
    spaced = any(char in part.text for part in parts for char in " \u00a0\u2009\u202f\u3000\"'&;,")
    return carrier.quotes or carrier.encode is not as_is or not spaced


def _sentence(rng: Random, kind: Kind, value: Value, parts: Message, language: str) -> Message:
    words = LANGUAGES[language]
    named = not value.bare or rng.random() < 0.5
    if kind in SECRET_KINDS and not value.bare:
        frame = rng.choice(words.said)
    else:
        frame = rng.choice(words.named if named else words.bare)
    label = rng.choice(value.labels or _labels(kind, language))
    before, behind = frame.replace("{l}", label).split("{v}")
    if language == "ko" and value.bare and rng.random() < 0.4:
        behind = rng.choice(PARTICLES) + behind[len(behind.split(" ")[0]) :]
    return (Part(before), *parts, Part(behind))


def _labels(kind: Kind, language: str) -> tuple[str, ...]:
    if kind in KOREAN_OR_ENGLISH:
        return KOREAN_OR_ENGLISH[kind][language]
    return LANGUAGES[language].labels.get(kind) or ("token", "JWT")


def negative(family: str, seed: int, number: int) -> Sample:
    """Line `number` of a family of negatives."""
    rng = Random(f"{seed} not {family} {number}")  # noqa: S311 - as above
    harmless = NEGATIVES[family]
    text = harmless.make(rng)
    language = rng.choice((*_COMMON, *LANGUAGES))
    carrier, message = _harmless(rng, harmless, text, language)
    field = rng.choice(harmless.fields or ("note", "msg"))
    text, _ = joined(carried(rng, carrier, message, field, rng.choice(NOTES[language])))
    return Sample(f"not {family} {number}", text, (), language, carrier.name, family)


def _harmless(rng: Random, harmless: Negative, text: str, language: str) -> tuple[Carrier, Message]:
    message: Message = (Part(text),)
    if not harmless.labels:
        carriers = SENTENCES if harmless.escapes else [each for each in SENTENCES if each.encode is as_is]
        return rng.choice(carriers), message
    if rng.random() < _SENTENCE:
        words = LANGUAGES[language]
        label = rng.choice(harmless.labels)
        before, behind = rng.choice(words.named[1:]).replace("{l}", label).split("{v}")
        return rng.choice(SENTENCES), (Part(before), *message, Part(behind))
    return rng.choice([each for each in FIELDS if _fits(each, message, False)]), message
