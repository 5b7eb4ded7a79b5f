"""The gate of one route or request: its rules, compiled once, and the verdict on an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any, Protocol

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.core.errors import ConfigError
from roadworthy.gateway.quality.choice import Said
from roadworthy.gateway.quality.custom import CheckFailed, CustomCheck, load_checks
from roadworthy.gateway.quality.default import Rejection, judge_text, rejection, unusable
from roadworthy.gateway.quality.heading import sections, words
from roadworthy.gateway.quality.json_text import NOTHING, parsed, spoken
from roadworthy.gateway.quality.language import contradicts
from roadworthy.gateway.quality.rule import Mentions, Quality, Words
from roadworthy.gateway.quality.schema import Schema, SchemaInvalid
from roadworthy.gateway.quality.term import Plain, Term, mentions, plain

Issues = dict[str, object]


class Gate:
    """Rules of one route or request, ready to judge.

    Args:
        rules: As configured.
        checks: Loaded custom checks by name; every name in `rules.checks` is there.

    Raises:
        ConfigError: `config_invalid` for a schema or a term that cannot be used.
    """

    __slots__ = ("_also", "_brands", "_checks", "_forbidden", "_required", "_sections", "_terms", "rules", "schema")

    def __init__(self, rules: Quality, checks: Mapping[str, CustomCheck]) -> None:
        self.rules = rules
        try:
            self._required = [Term(text) for text in rules.required_terms]
            self._forbidden = [Term(text) for text in rules.forbidden_terms]
            self._brands = [Term(text) for text in rules.brand_mentions.terms] if rules.brand_mentions else []
            self.schema = None if rules.json_schema is None else Schema(msgspec.json.encode(rules.json_schema))
        except SchemaInvalid as error:
            raise ConfigError("The gate's json_schema cannot be used.", str(error)) from None
        except ValueError as error:
            raise ConfigError("A term of the gate cannot be used.", str(error)) from None
        self._checks = [checks[name] for name in rules.checks]
        bounds = rules.words.sections if rules.words else {}
        self._sections = tuple(dict.fromkeys((*rules.sections, *bounds)))
        self._terms = bool(self._required or self._forbidden or self._brands)
        self._also: Gate | None = None

    def beside(self, other: Gate, rules: Quality) -> Gate:
        """A gate that holds these rules and those of another one.

        Args:
            other: The other one.
            rules: What the two together say of refusals, repairs and the language.
        """
        both = copy(self)
        both.rules, both._also = rules, other
        return both

    def issues(self, text: str, value: Any = NOTHING) -> Issues:
        """Everything that is wrong with a text; empty when it passes.

        Args:
            text: The answer.
            value: What the text says as JSON, where JSON was asked for; its strings are then what is judged.
        """
        found: Issues = {}
        said = text if value is NOTHING else spoken(value)
        if self.schema is not None and value is not NOTHING:
            _add(found, "schema", schema_issue(self.schema, value))
        if self._terms:
            self._judge_terms(plain(said), found)
        if self._sections or self.rules.words is not None:
            self._judge_shape(said, found)
        if self.rules.language is not None:
            other = contradicts(said, self.rules.language)
            _add(found, "language", other and {"expected": self.rules.language, "found": other})
        if self._checks:
            self._run_checks(text, found)
        return found if self._also is None else _together(found, self._also.issues(text, value))

    def faults(self, said: Plain) -> Iterator[tuple[int, int, str]]:
        """Start, end and issue of every forbidden term, and of every mention where there are too many.

        Args:
            said: Where they are looked for.
        """
        for term in self._forbidden:
            yield from ((start, end, "forbidden_terms") for start, end in term.spans(said))
        rule = self.rules.brand_mentions
        if rule is not None and rule.max is not None and mentions(self._brands, said) > rule.max:
            for term in self._brands:
                yield from ((start, end, "brand_mentions") for start, end in term.spans(said))

    def _judge_terms(self, said: Plain, found: Issues) -> None:
        _add(found, "missing_terms", [term.text for term in self._required if not term.within(said)])
        _add(found, "forbidden_terms", [term.text for term in self._forbidden if term.within(said)])
        rule = self.rules.brand_mentions
        if rule is not None:
            _add(found, "brand_mentions", _mention_issue(rule, mentions(self._brands, said)))

    def _judge_shape(self, said: str, found: Issues) -> None:
        parts = sections(said, self._sections) if self._sections else {}
        _add(found, "missing_sections", [name for name in self.rules.sections if name not in parts])
        if self.rules.words is not None:
            _add(found, "word_count", _word_issues(self.rules.words, said, parts))

    def _run_checks(self, text: str, found: Issues) -> None:
        told, failed = [], []
        for check in self._checks:
            try:
                what = check(text)
            except CheckFailed as error:
                failed.append({"check": check.name, "error": str(error)})
                continue
            if what is not None:
                told.append({"check": check.name, "what": what})
        _add(found, "custom", told)
        _add(found, "check_failed", failed)


class Gated(Protocol):
    """A route, as far as its gate goes."""

    @property
    def name(self) -> str:
        """Name of the route."""
        ...

    @property
    def quality(self) -> Quality | None:
        """Its rules."""
        ...


def gates(routes: Iterable[Gated]) -> dict[str, Gate]:
    """The gate of every route that has rules, by the route's name. Custom checks are loaded.

    Raises:
        ConfigError: A rule cannot be used, or a check is not there.
    """
    ruled = {route.name: route.quality for route in routes if route.quality is not None}
    checks = load_checks(name for rules in ruled.values() for name in rules.checks)
    return {name: Gate(rules, checks) for name, rules in ruled.items()}


def judge_gated(
    said: Said, finish_reason: str | None, gate: Gate | None, schema: Schema | None, wants_json: bool
) -> Rejection | None:
    """The verdict on every choice of an answer: default rules first, then the route's and the request's own.

    Args:
        said: What each choice says.
        finish_reason: Of the first choice.
        gate: The route's; None when only the request asks for something.
        schema: Of the request's `response_format`.
        wants_json: Whether the request asked for JSON.

    Returns:
        The first choice that fails decides; None when all pass.
    """
    refusal = gate is None or gate.rules.refusal
    as_json = wants_json or (gate is not None and gate.schema is not None)
    if said.refused and refusal:
        return rejection(Reason.REFUSAL)
    for text in said.texts:
        reason = judge_text(text, finish_reason, as_json, refusal)
        if reason is not None:
            return rejection(reason, text)
        value = parsed(text) if as_json else NOTHING
        issues: Issues = {}
        if schema is not None and value is not NOTHING:
            _add(issues, "schema", schema_issue(schema, value))
        if gate is not None:
            issues = {**gate.issues(text, value), **issues}
        if issues:
            return Rejection(unusable(Reason.QUALITY_FAILED, finish_reason), issues, text)
    return None


def schema_issue(schema: Schema, value: object) -> list[dict[str, str]]:
    """Faults of a value as `quality_issues` tells them."""
    return [fault._asdict() for fault in schema.faults(value)]


def _add(found: Issues, name: str, issue: object) -> None:
    if issue:
        found[name] = issue


def _together(first: Issues, second: Issues) -> Issues:
    """What two gates found, told as one: lists are joined; of two bounds on mentions the second stands in `also`."""
    for name, issue in second.items():
        held = first.get(name)
        if held is None:
            first[name] = issue
        elif isinstance(held, list) and isinstance(issue, list):
            held += [each for each in issue if each not in held]
        elif name == "brand_mentions" and isinstance(held, dict) and held != issue:
            first[name] = {**held, "also": issue}
    return first


def _mention_issue(rule: Mentions, count: int) -> Issues:
    if count < rule.min or (rule.max is not None and count > rule.max):
        return {"found": count, "min": rule.min, "max": rule.max, "terms": list(rule.terms)}
    return {}


def _word_issues(rule: Words, said: str, parts: Mapping[str, str]) -> list[Issues]:
    spans = [(None, said, rule.min, rule.max)] if rule.min is not None or rule.max is not None else []
    spans += [(name, parts[name], span.min, span.max) for name, span in rule.sections.items() if name in parts]  # type: ignore[misc]
    found: list[Issues] = []
    for name, text, least, most in spans:
        count = words(text)
        if (least is not None and count < least) or (most is not None and count > most):
            found.append({"section": name, "found": count, "min": least, "max": most})
    return found
