"""What the model is told for a section, and the rules that its answer and the whole report are held to."""

from __future__ import annotations

from pathlib import Path

import msgspec

from roadworthy.core.job import Json
from roadworthy.gateway.prompts.fence import fenced
from roadworthy_packs.brief import FIELDS, Wanted, refuse_clash
from roadworthy_packs.pack import Bounds, Section, said
from roadworthy_packs.shelf import FILLER

_SAY: dict[str, dict[str, str]] = msgspec.yaml.decode(Path(__file__).with_name("prompt.yaml").read_bytes())


def section_rules(wanted: Wanted, section: Section) -> dict[str, Json]:
    """The `quality` of a section's request.

    Raises:
        UsageError: `invalid_request`: the brief and the pack contradict each other.
    """
    repeated = [line for name, line in _told(wanted, section) if name in {"tone", "words"}]  # back to whoever said it
    forbidden = (*section.forbidden_terms, *wanted.pack.whole.forbidden_terms, *repeated)
    return _rules(wanted, section.words, section.brand_mentions, section.required_terms, forbidden)


def whole_rules(wanted: Wanted) -> dict[str, Json]:
    """The rules of the stitched report."""
    whole, sections = wanted.pack.whole, wanted.pack.sections
    titles = [said(one.title, wanted.language) for one in sections if one.key in whole.sections or not whole.sections]
    return {**_rules(wanted, whole.words, whole.brand_mentions, (), whole.forbidden_terms), "sections": [*titles]}


def _rules(
    wanted: Wanted, words: Bounds, brand: Bounds, required: tuple[str, ...], forbidden: tuple[str, ...]
) -> dict[str, Json]:
    every = [*forbidden, *FILLER[wanted.language]]
    refuse_clash(wanted, required, every)
    rules: dict[str, Json] = {
        "required_terms": [wanted.fill(term) for term in required],
        "forbidden_terms": [wanted.fill(term) for term in every],
        "language": wanted.language,
    }
    if words != Bounds():
        rules["words"] = {"min": words.min, "max": words.max}
    if brand != Bounds():
        rules["brand_mentions"] = {"terms": [wanted.brief["brand_name"]], "min": brand.min or 0, "max": brand.max}
    return rules


def messages(wanted: Wanted, section: Section) -> list[Json]:
    """What the model is told: the rules of the house by the system; the brief, as data, and the task by the user."""
    brief = {name: wanted.brief[name] for name in FIELDS}
    data = fenced("brief", {**brief, "stage": wanted.stage, "services": ", ".join(wanted.services)})
    lines = [data, *(line for _, line in _told(wanted, section))]
    say = _SAY[wanted.language]
    return [{"role": "system", "content": say["system"]}, {"role": "user", "content": "\n".join(lines)}]


def _told(wanted: Wanted, section: Section) -> list[tuple[str, str]]:
    """What the user's message says behind the brief: names and lines."""
    language, tone, say = wanted.language, section.tone or wanted.pack.tone, _SAY[wanted.language]
    bounds = section.words  # sentences of 14 to 26 words, which small models count better than words
    sentences = f"{max(2, (bounds.min or 0) // 14)}-{max(3, (bounds.max or 130) // 26)}"
    values = {
        "task": (said(section.title, language), said(section.instruction, language).strip()),
        "tone": (said(tone, language) if tone else "",), "required": (_listed(wanted, section.required_terms),),
        "brand": (_listed(wanted, ("{brand_name}",)), _span(section.brand_mentions)),
        "words": (sentences, _span(bounds)),
    }  # fmt: skip
    return [(name, say[name].format(*value)) for name, value in values.items() if value[-1]]


def _listed(wanted: Wanted, terms: tuple[str, ...]) -> str:
    return ", ".join(f'"{wanted.fill(term).rstrip("*")}"' for term in terms)


def _span(bounds: Bounds) -> str:
    if bounds.min and bounds.max is not None:
        return f"{bounds.min}-{bounds.max}"
    return f"{bounds.min}+" if bounds.min else f"0-{bounds.max}" if bounds.max is not None else ""
