"""Tests of rules as `promtool test rules` reads them, and which alerts they show firing and quiet."""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from roadworthy.verify.alert.rule_file import Rule, RuleFile, Unreadable, labels_of
from roadworthy.verify.supply.yaml_node import Text, line_of

MOST_SAMPLES = 2_000_000
"""`1x1000000000` is eleven bytes, and a thousand million samples in promtool's memory."""
_TIMES = re.compile(r"x[ \t]*(\d+)")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_GLOB = re.compile(r"([*?\[\\])")
_QUOTED = re.compile(r"\\(.)")
_NAME_LABEL = re.compile(r"__name__\s*=\s*[\"']([^\"']+)")


class Case(NamedTuple):
    """What a test expects of one alert at one time.

    Attributes:
        alert: Its name.
        at: When, as it is written.
        fires: Labels of each alert that is expected; empty where it is to be quiet.
        line: From 1.
        group: Number of the test in the file, which has series of its own.
    """

    alert: str
    at: str
    fires: tuple[frozenset[tuple[str, str]], ...]
    line: int
    group: int


class RuleTest(NamedTuple):
    """One file of tests.

    Attributes:
        name: Relative to the root, as the file system gave it.
        content: Its bytes.
        patterns: Of `rule_files`.
        interval: `evaluation_interval`, as it is written; empty when it is not.
        series: Of each test: interval, and series with their values.
        cases: Of all tests.
    """

    name: str
    content: bytes
    patterns: tuple[str, ...]
    interval: str
    series: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    cases: tuple[Case, ...]

    def fed(self, group: int) -> set[str]:
        """Names of the series of one test."""
        return {found for series, _ in self.series[group][1] for found in _series_names(series)}


def rule_test(name: str, raw: bytes, values: Sequence[Any]) -> RuleTest | None:
    """The tests of a file; None when it holds none.

    Raises:
        Unreadable: Its series have too many samples.
    """
    top = values[0] if values else None
    if not isinstance(top, dict) or "rule_files" not in top or not isinstance(top.get("tests"), list):
        return None
    groups = [each if isinstance(each, dict) else {} for each in top["tests"]]
    series = tuple((_text(each.get("interval")), tuple(_series(each))) for each in groups)
    samples = sum(int(number[:12]) for _, rows in series for _, text in rows for number in _TIMES.findall(text))
    if samples > MOST_SAMPLES:
        raise Unreadable(f"its series have {samples:,} samples; at most {MOST_SAMPLES:,} are evaluated", broken=False)
    cases = tuple(case for number, each in enumerate(groups) for case in _cases(each, number))
    patterns = tuple(str(each) for each in _list(top["rule_files"]) if isinstance(each, Text))
    return RuleTest(name, raw, patterns, _text(top.get("evaluation_interval")), series, cases)


def place(test: RuleTest, pattern: str) -> str | None:
    """A pattern of `rule_files` relative to the root; None when it leads out of it."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(test.name), pattern))
    return None if pattern.startswith("/") or joined == ".." or joined.startswith("../") else joined


def matching(pattern: str, names: Collection[str]) -> list[str]:
    """The names that a pattern stands for, as Go's filepath.Glob reads it: a `*` does not match a `/`."""
    parts = [_QUOTED.sub(r"[\1]", each).replace("[^", "[!") for each in pattern.split("/")]
    return [
        name for name in names
        if len(split := name.split("/")) == len(parts) and all(map(fnmatch.fnmatchcase, split, parts))
    ]  # fmt: skip


def meant(case: Case, alerts: Sequence[Rule]) -> list[set[Rule]]:
    """For each alert that a case expects: the rules that it can be about, of those with the most labels in common.

    Args:
        case: Of a test.
        alerts: Those of its name.
    """
    found = []
    for labels in case.fires:
        fitting = [each for each in alerts if each.labels <= labels]
        most = max((len(each.labels) for each in fitting), default=0)
        found.append({each for each in fitting if len(each.labels) == most})
    return found


def feeds(names: Collection[str], rule: Rule, files: Sequence[RuleFile]) -> bool:
    """Whether series of these names reach a rule, by itself or through recorded series."""
    records = {each.name: each.expr for file in files for each in file.rules if not each.alert}
    wanted: set[str] = set()
    new = set(_WORD.findall(rule.expr))
    while new:
        wanted |= new
        new = {word for name in new & records.keys() for word in _WORD.findall(records[name])} - wanted
    return bool(wanted & set(names)) or ("__name__" in wanted and bool(names))


def inactive(test: RuleTest, names: Sequence[str], chosen: Sequence[tuple[Case, Rule]]) -> bytes:
    """A test that holds when the alerts of some cases are not even pending, as JSON, which is YAML.

    Args:
        test: Whose series are taken.
        names: Of the rule files, relative to the folder that the result is written to.
        chosen: Cases in which nothing is expected, and the rule that each is about.
    """
    groups = []
    for number in sorted({case.group for case, _ in chosen}):
        interval, series = test.series[number]
        rows = [
            {"expr": _selector(rule), "eval_time": case.at, "exp_samples": []}
            for case, rule in chosen if case.group == number
        ]  # fmt: skip
        groups.append({
            **({"interval": interval} if interval else {}),
            "input_series": [{"series": each, "values": text} for each, text in series],
            "promql_expr_test": rows,
        })  # fmt: skip
    whole = {"rule_files": [_GLOB.sub(r"\\\1", each) for each in names], "tests": groups}
    return json.dumps({**whole, **({"evaluation_interval": test.interval} if test.interval else {})}).encode()


def _selector(rule: Rule) -> str:
    labels = {"alertname": rule.name, **dict(sorted(rule.labels))}
    return "ALERTS{" + ",".join(f"{name}={json.dumps(text)}" for name, text in labels.items()) + "}"


def _series(group: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for each in _list(group.get("input_series")):
        if isinstance(each, dict):
            yield _text(each.get("series")), _text(each.get("values"))


def _cases(group: dict[str, Any], number: int) -> Iterator[Case]:
    for each in _list(group.get("alert_rule_test")):
        if not isinstance(each, dict):
            continue
        expected = tuple(
            labels_of(one.get("exp_labels")) for one in _list(each.get("exp_alerts")) if isinstance(one, dict)
        )
        yield Case(_text(each.get("alertname")), _text(each.get("eval_time")), expected, line_of(each) or 1, number)


def _series_names(series: str) -> Iterator[str]:
    name = _WORD.match(series.strip())
    if name is not None:
        yield name[0]
    yield from _NAME_LABEL.findall(series)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value) if isinstance(value, Text) else ""
