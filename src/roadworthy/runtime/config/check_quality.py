"""Faults between the rules of one route's gate. Works on raw values, like all checks between keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import normalize

from roadworthy.runtime.config.report import KeyPath, show, suggest

ENTRY_POINTS = "roadworthy.quality"
"""Group under which an installed package offers a check."""

Fault = tuple[KeyPath, str]
_MAX_SCHEMA_BYTES = 65_536


def quality_faults(rules: Mapping[str, Any]) -> Iterator[Fault]:
    """(path below `quality`, what is wrong) for every rule that contradicts another one or cannot be used."""
    yield from _terms(rules)
    words = _mapping(rules.get("words"))
    sections = _mapping(words.get("sections"))
    yield from _bounds(("brand_mentions",), _mapping(rules.get("brand_mentions")))
    yield from _bounds(("words",), words)
    for name, span in sections.items():
        yield from _bounds(("words", "sections", str(name)), _mapping(span))
    least = sum(_mapping(sections.get(name)).get("min") or 0 for name in _texts(rules.get("sections")))
    if isinstance(most := words.get("max"), int) and least > most:
        yield ("words", "max"), f"the required sections alone need {least} words"
    if isinstance(schema := rules.get("json_schema"), Mapping):
        yield from _schema(schema)
        for key in ("sections", "words"):
            if rules.get(key) and (key == "sections" or sections):
                yield (key,), "JSON has no headings; json_schema can demand the members instead"
    yield from _checks(_texts(rules.get("checks")))


def _terms(rules: Mapping[str, Any]) -> Iterator[Fault]:
    required = {_plain(term) for term in _texts(rules.get("required_terms"))}
    for key in ("required_terms", "forbidden_terms"):
        for at, term in enumerate(_texts(rules.get(key))):
            if not _plain(term):
                yield (key, at), "the term is empty"
            elif key == "forbidden_terms" and _plain(term) in required:
                yield (key, at), "this term is required too, so no answer could pass"
            elif key == "required_terms" and _contained(term, _texts(rules.get("forbidden_terms"))):
                yield (key, at), "it contains a forbidden term, so no answer could pass"
    brands = _mapping(rules.get("brand_mentions"))
    for at, term in enumerate(_texts(brands.get("terms"))):
        if not _plain(term):
            yield ("brand_mentions", "terms", at), "the term is empty"
    if brands.get("max") == 0 and any(_plain(term) in required for term in _texts(brands.get("terms"))):
        yield ("brand_mentions", "max"), "a term that must not be mentioned is required too, so no answer could pass"


def _contained(term: str, forbidden: list[str]) -> bool:
    """Whether one of the forbidden terms stands in `term` as words of their own."""
    words = f" {_plain(term)} "
    return any(_plain(other) and f" {_plain(other)} " in words for other in forbidden if _plain(other) != _plain(term))


def _bounds(path: KeyPath, node: Mapping[str, Any]) -> Iterator[Fault]:
    least, most = node.get("min"), node.get("max")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield (*path, "min"), "min must not be larger than max"


def _schema(schema: Mapping[str, Any]) -> Iterator[Fault]:
    import json

    import jsonschema_rs  # loaded on use: most configurations have no schema

    try:
        text = json.dumps(schema)
        if len(text) > _MAX_SCHEMA_BYTES:
            yield ("json_schema",), f"the schema is larger than {_MAX_SCHEMA_BYTES} bytes"
            return
        jsonschema_rs.validator_for(json.loads(text), offline=True, mask="the value")
    except jsonschema_rs.ValidationError as error:
        place = ".".join(show(str(part)) for part in error.instance_path)
        yield ("json_schema",), f"not a JSON schema{f' at {place}' if place else ''}: {_short(error.message)}"
    except (TypeError, ValueError, RecursionError):
        yield ("json_schema",), "not a JSON schema: it holds something that JSON has not, or is nested too deeply"


def _short(message: str) -> str:
    if message.startswith("Resource"):
        return "it refers to another document, and nothing is fetched"
    if message.startswith("Pointer"):
        return "a $ref in it leads nowhere"
    return message.rstrip(".")[:200]


def _checks(names: list[str]) -> Iterator[Fault]:
    if not names:
        return
    from importlib.metadata import entry_points  # reads the disk: only for a gate with checks of its own

    offered = sorted(entry_points(group=ENTRY_POINTS).names)
    for at, name in enumerate(names):
        if name not in offered:
            known = suggest(name, offered) or "; none is installed"
            yield ("checks", at), f"no installed package offers this check{known}"


def _plain(term: str) -> str:
    return " ".join(normalize("NFKC", term).casefold().replace("*", "").split())


def _texts(value: object) -> list[str]:
    return [each if isinstance(each, str) else "?" for each in value] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
