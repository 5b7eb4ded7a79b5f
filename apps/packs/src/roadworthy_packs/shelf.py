"""The packs there are: those that ship and those of a folder, each checked for contradictions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.gateway.quality.term import Term, plain
from roadworthy.runtime.config.report import ConfigInvalid, KeyPath, Problem, suggest
from roadworthy.runtime.config.yaml_struct import files_in, read_checked
from roadworthy_packs.brief import FIELDS
from roadworthy_packs.pack import Bounds, Language, Pack

SHIPPED = Path(__file__).parent / "packs"
FILLER: dict[Language, tuple[str, ...]] = msgspec.yaml.decode((Path(__file__).parent / "filler.yaml").read_bytes())
"""What no section of any pack may say, by language: words that stand for a thought that nobody had."""
_PLACE = re.compile(r"\{([^{}]*)\}")

Fault = tuple[KeyPath, str]


def read_pack(path: Path) -> Pack:
    """One pack from its file.

    Raises:
        ConfigInvalid: It cannot be read, does not fit, or contradicts itself; every contradiction with its line.
    """
    return read_checked(path, Pack, faults)


def load(folder: Path | None = None) -> dict[str, Pack]:
    """Every pack by its key: those that ship, then those of the folder, which may not take their names.

    Raises:
        ConfigInvalid: As `read_pack`, or a folder cannot be read.
    """
    packs = {pack.key: pack for pack in map(read_pack, files_in(SHIPPED, ""))}
    for path in files_in(folder, "applications.packs.folder") if folder is not None else ():
        pack = read_pack(path)
        if pack.key in packs:
            raise ConfigInvalid([Problem(path.name, "key", "a pack of this key ships with the application")])
        packs[pack.key] = pack
    return packs


def pick(packs: Mapping[str, Pack], key: str) -> Pack:
    """The pack of a key.

    Raises:
        UsageError: `not_found`, with a guess at what was meant.
    """
    if key not in packs:
        meant = suggest(key, packs).removeprefix("; ").replace("`", "").capitalize()
        mend = "GET /api/aicmo/packs lists them."
        raise UsageError("There is no such pack.", meant, mend, code="not_found", param="pack_key")
    return packs[key]


def faults(pack: Pack) -> Iterator[Fault]:
    """Every contradiction in a pack, with its place."""
    yield from _texts(pack)
    keys = Counter(section.key for section in pack.sections)
    for at, section in enumerate(pack.sections):
        here: KeyPath = ("sections", at)
        if keys[section.key] > 1:
            yield (*here, "key"), "another section has the same key"
        yield from _spans(here, section.words, section.brand_mentions)
        if section.words.max and pack.max_tokens < section.words.max:
            yield (*here, "words", "max"), f"max_tokens is {pack.max_tokens}: so many words cannot be written"
        yield from _terms(pack, (*here, "required_terms"), section.required_terms, section.forbidden_terms)
        yield from _places((*here, "forbidden_terms"), section.forbidden_terms)
    yield from _places(("whole", "forbidden_terms"), pack.whole.forbidden_terms)
    yield from _spans(("whole",), pack.whole.words, pack.whole.brand_mentions)
    for what in ("words", "brand_mentions"):
        yield from _sums(what, getattr(pack.whole, what), [getattr(section, what) for section in pack.sections])
    for at, key in enumerate(pack.whole.sections):
        if key not in keys:
            yield ("whole", "sections", at), f"no section has this key{suggest(key, keys)}"


def _texts(pack: Pack) -> Iterator[Fault]:
    texts: list[tuple[KeyPath, object]] = [((name,), getattr(pack, name)) for name in ("title", "description", "tone")]
    for at, section in enumerate(pack.sections):
        texts += [(("sections", at, name), getattr(section, name)) for name in ("title", "instruction", "tone")]
    for path, text in texts:
        if isinstance(text, dict) and (missing := [one for one in pack.languages if one not in text]):
            yield path, f"the pack's language is {pack.language}: expected a text for {', '.join(missing)}"
        lines = text.values() if isinstance(text, dict) else [str(text)]
        if path[-1] == "title" and not all(one.strip() and one.isprintable() for one in lines):
            yield path, "expected one line of text"
    for language in pack.languages:
        titles = [s.title if isinstance(s.title, str) else s.title.get(language, "") for s in pack.sections]
        for at, title in enumerate(titles):
            if titles.index(title) != at:
                yield ("sections", at, "title"), "another section has the same title"


def _spans(here: KeyPath, words: Bounds, mentions: Bounds) -> Iterator[Fault]:
    for what, span in (("words", words), ("brand_mentions", mentions)):
        if span.min is not None and span.max is not None and span.min > span.max:
            yield (*here, what), f"min {span.min} is more than max {span.max}"


def _sums(what: str, whole: Bounds, spans: list[Bounds]) -> Iterator[Fault]:
    most = [span.max for span in spans if span.max is not None]
    least = sum(span.min or 0 for span in spans)
    if whole.min is not None and len(most) == len(spans) and sum(most) < whole.min:
        yield ("whole", what, "min"), f"all sections together may have {sum(most)} at most"
    if whole.max is not None and least > whole.max:
        yield ("whole", what, "max"), f"all sections together must have {least} at least"


def _terms(pack: Pack, here: KeyPath, required: tuple[str, ...], forbidden: tuple[str, ...]) -> Iterator[Fault]:
    yield from _places(here, required)
    every = (*forbidden, *pack.whole.forbidden_terms, *(term for one in pack.languages for term in FILLER[one]))
    for at, term in enumerate(required):
        meant = plain(_PLACE.sub(_named, term))  # by its number: a field's name itself is filler
        if meant and any(plain(other) and Term(_PLACE.sub(_named, other)).within(meant) for other in every):
            yield (*here, at), "what is required here is forbidden too"


def _named(place: re.Match[str]) -> str:
    return f"{{{FIELDS.index(place[1])}}}" if place[1] in FIELDS else place[0]


def _places(here: KeyPath, terms: tuple[str, ...]) -> Iterator[Fault]:
    for at, term in enumerate(terms):
        if not plain(term):
            yield (*here, at), "expected a term with a letter, a digit or a sign that counts"
        if here[-1] == "forbidden_terms" and term.strip().rstrip("*") == "{brand_name}":
            yield (*here, at), "every report has to name its client"
        for name in _PLACE.findall(term):
            if name not in FIELDS:
                yield (*here, at), f"{{{name[:40]}}} is no field of the brief{suggest(name, FIELDS)}"
