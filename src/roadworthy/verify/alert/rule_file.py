"""Files of alert rules, known by what they hold: `groups` of `rules`, a Kubernetes PrometheusRule, blocks in pages."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from roadworthy.verify.supply.yaml_node import Text, line_of, parsed

RULE_KEYS = frozenset(("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"))
"""What may stand at a rule (Prometheus, "Defining recording rules" and "Alerting rules"); all else refuses the file."""
SUFFIXES = (".yml", ".yaml", ".rules", ".alerts")
"""Such a file that looks like rules and is no YAML is broken; another one is something else."""
_RULE = re.compile(rb"""(?:^|[\s{,])["']?(?:alert|record)["']?\s{0,8}:""")
_GROUPS = re.compile(rb"""(?:^|[\s{,])["']?groups["']?\s{0,8}:""")
_TESTS = re.compile(rb"""(?:^|[\s{,])["']?rule_files["']?\s{0,8}:""")
_CASES = re.compile(rb"""(?:^|[\s{,])["']?tests["']?\s{0,8}:""")
_TEMPLATE = re.compile(
    rb"\{%|\{\{-?[^{}\n]{0,200}(?:\.Values\b|\.Release\b|\.Chart\b|\.Capabilities\b|\btoYaml\b|\binclude\s+\"|\btpl\s)"
)
_FENCE = re.compile(r"[ \t]{0,16}(`{3,}|~{3,})[ \t]*(\S*)")


class Rule(NamedTuple):
    """One rule.

    Attributes:
        name: Of the alert, or of the recorded series.
        alert: Whether it is an alert.
        expr: Its expression.
        labels: Those that it adds, without those that are made from a template.
        file: Name of the file or page.
        line: In it, from 1.
        odd: Keys that may not stand there.
    """

    name: str
    alert: bool
    expr: str
    labels: frozenset[tuple[str, str]]
    file: str
    line: int
    odd: tuple[str, ...] = ()


class RuleFile(NamedTuple):
    """Rules of one file, or of one block of a page.

    Attributes:
        name: Relative to the root, as the file system gave it.
        content: What Prometheus would be given.
        rules: As this code reads them.
        line: On which a block begins; 0 for a file.
    """

    name: str
    content: bytes
    rules: tuple[Rule, ...]
    line: int = 0

    @property
    def alerts(self) -> tuple[Rule, ...]:
        """Those that alert."""
        return tuple(each for each in self.rules if each.alert)


class Unreadable(Exception):
    """It looks like rules or their tests, and cannot be read.

    Args:
        why: As the end of a sentence.
        broken: Whether Prometheus could not read it either; else nobody can tell here.
    """

    def __init__(self, why: str, *, broken: bool) -> None:
        super().__init__(why)
        self.broken = broken


def may_hold_rules(raw: bytes) -> bool:
    """Whether it is worth reading as rules."""
    return bool(_GROUPS.search(raw) and _RULE.search(raw))


def may_be_test(raw: bytes) -> bool:
    """Whether it is worth reading as tests of rules."""
    return bool(_TESTS.search(raw) and _CASES.search(raw))


def documents(name: str, raw: bytes) -> list[Any]:
    """What a file of YAML holds.

    Raises:
        Unreadable: It is a template, is no YAML, or is too large.
    """
    try:
        return parsed(raw)
    except ValueError as problem:
        if _TEMPLATE.search(raw):
            why = "it is a template; render it and keep what comes out beside its tests"
            raise Unreadable(why, broken=False) from None
        raise Unreadable(str(problem), broken="no YAML" in str(problem)) from None


def rule_file(name: str, raw: bytes, values: list[Any]) -> RuleFile | None:
    """The rules of a file; None when it holds none.

    Args:
        name: Relative to the root.
        raw: Its bytes.
        values: Its documents, from `documents`.

    Raises:
        Unreadable: They are rules that Prometheus does not evaluate, or a template.
    """
    found = [each for each in values if _groups(each) is not None]
    wrapped = [each["spec"] for each in values if _is_custom(each)]
    rules = [rule for each in (*found, *wrapped) for rule in _rules(each, name)]
    if not rules:
        if any(_is_grafana(each) for each in found):
            raise Unreadable("these are rules that Grafana evaluates, not Prometheus", broken=False)
        return None
    if _TEMPLATE.search(raw):
        raise Unreadable("it is a template; render it and keep what comes out beside its tests", broken=False)
    if wrapped and not found:  # the operator hands `spec` to Prometheus
        groups = [_plain(group) for each in wrapped for group in each["groups"]]
        raw = json.dumps({"groups": groups}).encode()
    return RuleFile(name, raw, tuple(rules))


def blocks(name: str, text: str) -> Iterator[RuleFile]:
    """Rules in the code blocks of a Markdown page: whoever follows the page copies them.

    Args:
        name: Of the page.
        text: Of the page.
    """
    for line, block in _fenced(text):
        raw = block.encode("utf-8", "replace")
        if not _RULE.search(raw):
            continue
        try:
            values = parsed(raw)
        except ValueError:
            yield RuleFile(name, raw, (), line)
            continue
        whole = [each for each in values if _groups(each) is not None]
        loose = [rule for each in values for rule in (each if isinstance(each, list) else [each]) if _is_rule(rule)]
        if loose and not whole:  # an excerpt of a group
            raw = json.dumps({"groups": [{"name": "page", "rules": loose}]}).encode()
            whole = [{"groups": [{"rules": loose}]}]
        rules = tuple(rule for each in whole for rule in _rules(each, name, line))
        if rules:
            yield RuleFile(name, raw, rules, line)


def _fenced(text: str) -> Iterator[tuple[int, str]]:
    """The YAML blocks of a page, with the line of their fence; indented ones as if they were not."""
    fence, begin, is_yaml = "", 0, False
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if not fence and mark is not None:
            fence, begin, is_yaml = mark[1], number, mark[2].lower() in ("yaml", "yml")
            lines = []
        elif fence and mark is not None and mark[1].startswith(fence) and not mark[2]:
            if is_yaml:
                yield begin, textwrap.dedent("\n".join(lines)) + "\n"
            fence = ""
        elif fence and is_yaml:
            lines.append(line)


def _groups(value: Any) -> list[Any] | None:
    groups = value.get("groups") if isinstance(value, dict) else None
    return groups if isinstance(groups, list) else None


def _plain(group: Any) -> Any:
    """A group whose one number is a number again: the others are durations, which are text."""
    limit = group.get("limit") if isinstance(group, dict) else None
    return {**group, "limit": int(limit)} if isinstance(limit, Text) and limit.isascii() and limit.isdigit() else group


def _is_custom(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") == "PrometheusRule" and _groups(value.get("spec")) is not None


def _is_rule(value: Any) -> bool:
    return isinstance(value, dict) and ("alert" in value or "record" in value)


def _is_grafana(value: Any) -> bool:
    return any("condition" in rule and "data" in rule for rule in _of_groups(value))


def _of_groups(value: Any) -> Iterator[dict[str, Any]]:
    for group in _groups(value) or ():
        rules = group.get("rules") if isinstance(group, dict) else None
        yield from (rule for rule in (rules if isinstance(rules, list) else ()) if isinstance(rule, dict))


def _rules(value: Any, file: str, above: int = 0) -> Iterator[Rule]:
    for rule in _of_groups(value):
        if not _is_rule(rule):
            continue
        alert = "alert" in rule
        labels = rule.get("labels")
        yield Rule(
            name=_text(rule.get("alert" if alert else "record")),
            alert=alert,
            expr=_text(rule.get("expr")),
            labels=labels_of(labels),
            file=file,
            line=above + (line_of(rule) or 1),
            odd=tuple(sorted(set(rule) - RULE_KEYS)),
        )


def labels_of(value: Any) -> frozenset[tuple[str, str]]:
    """Labels and their values, without those that are made from a template."""
    pairs = value.items() if isinstance(value, dict) else ()
    return frozenset((str(name), str(text)) for name, text in pairs if isinstance(text, Text) and "{{" not in text)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, Text) else ""
