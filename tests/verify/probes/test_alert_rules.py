"""OBS-02: each planted fault is found, each clean twin passes, with the real promtool where it is installed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.verify import tool
from roadworthy.verify.alert import exercise, promtool, rule_file, rule_test
from roadworthy.verify.outcome import Outcome, Status

Verified = Callable[..., Outcome]
REAL = shutil.which("promtool")
needs_promtool = pytest.mark.prometheus

RULES = """groups:
- name: shop
  rules:
  - record: shop:errors:rate
    expr: rate(errors_total[5m])
  - alert: Down
    expr: up == 0
    for: 5m
    labels: {severity: page}
    annotations: {summary: "{{ $labels.instance }} is down"}
  - alert: Errors
    expr: shop:errors:rate > 1
    labels: {severity: ticket}
"""
TESTS = """rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'up{instance="a"}', values: '1x10 0x20'}
  - {series: 'errors_total{instance="a"}', values: '0x10 0+600x20'}
  alert_rule_test:
  - {eval_time: 5m, alertname: Down, exp_alerts: []}
  - eval_time: 25m
    alertname: Down
    exp_alerts: [{exp_labels: {severity: page, instance: a}, exp_annotations: {summary: a is down}}]
  - {eval_time: 5m, alertname: Errors}
  - {eval_time: 25m, alertname: Errors, exp_alerts: [{exp_labels: {severity: ticket, instance: a}}]}
"""
CLEAN = {"ops/rules.yml": RULES, "ops/rules_test.yml": TESTS}
DOWN = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n"
FIRES = """  alert_rule_test:
  - {eval_time: 25m, alertname: Down, exp_alerts: [{exp_labels: {instance: a}}]}
"""
HEAD = """rule_files: [rules.yml]
tests:
- interval: 1m
  input_series: [{series: 'up{instance="a"}', values: '1x10 0x20'}]
"""
QUIET = "  - {eval_time: 5m, alertname: Down, exp_alerts: []}\n"
CUSTOM = "kind: PrometheusRule\nspec:\n  groups:\n" + "".join(f"  {line}\n" for line in DOWN.splitlines()[1:])
GRAFANA = "groups:\n- rules:\n  - uid: a\n    condition: C\n    data: []\n    labels:\n      alert: x\n"


def _write(subject: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (subject / name).parent.mkdir(parents=True, exist_ok=True)
        (subject / name).write_text(text)


def _swap(name: str, old: str, new: str) -> dict[str, str]:
    assert old in CLEAN[name]
    return CLEAN | {name: CLEAN[name].replace(old, new)}


def _down(tests: str, rules: str = DOWN, **more: str) -> dict[str, str]:
    return {"rules.yml": rules, "rules_test.yml": tests, **more}


FAULTS: dict[str, tuple[dict[str, str], set[str]]] = {
    "severity at the rule": (
        _swap("ops/rules.yml", "    labels: {severity: page}\n", "    severity: page\n"),
        {"rule_key", "load", "test", "never_fires", "never_quiet"},
    ),
    "an expression that is none": (
        _swap("ops/rules.yml", "up == 0", "up ==== 0"), {"load", "test", "never_fires", "never_quiet"}),
    "no YAML": (_swap("ops/rules.yml", "groups:", "groups: ["), {"load", "no_such_file", "test"}),
    "no tests at all": ({"ops/rules.yml": RULES}, {"never_fires", "never_quiet"}),
    "a test that does not hold": (
        _swap("ops/rules_test.yml", "summary: a is down", "summary: b is down"),
        {"test", "never_fires", "never_quiet"}),
    "an alert that never fires": (
        _swap("ops/rules_test.yml", "alertname: Errors, exp_alerts: [{exp_labels: {severity: ticket, instance: a}}]}",
              "alertname: Gone}"), {"no_such_alert", "never_fires"}),
    "an alert that is never quiet": (_down(HEAD + FIRES), {"never_quiet"}),
    "quiet only while it waits": (_down(HEAD + FIRES + QUIET.replace("5m", "13m", 1)), {"never_quiet"}),
    "quiet for want of series": (
        _down(HEAD + FIRES + "- input_series: []\n  alert_rule_test:\n" + QUIET), {"never_quiet"}),
    "quiet on somebody else's series": (
        _down(HEAD + FIRES + "- input_series: [{series: down, values: '1x9'}]\n  alert_rule_test:\n" + QUIET),
        {"never_quiet"}),
    "another alert of the same name": (
        _down(HEAD + FIRES + QUIET, DOWN + "  - alert: Down\n    expr: up == 3\n    labels: {severity: page}\n"),
        {"never_fires"}),
    "a twin": (_down(HEAD + FIRES + QUIET, DOWN + "  - alert: Down\n    expr: up == 3\n"), {"twin", "load"}),
    "a second document": (_down(HEAD + FIRES + QUIET, DOWN + "---\n" + DOWN.replace("Down", "Lost")),
                          {"not_loaded", "never_fires", "never_quiet"}),
    "rules that lie outside": (
        _down((HEAD + FIRES + QUIET).replace("rules.yml", "../outside.yml", 1)),
        {"escape", "never_fires", "never_quiet"}),
    "rules at an absolute path": (
        _down((HEAD + FIRES + QUIET).replace("rules.yml", "/etc/prometheus/*.yml", 1)),
        {"escape", "never_fires", "never_quiet"}),
    "rules that are not there": (_down((HEAD + FIRES + QUIET).replace("rules.yml", "rules.yml, gone.yml", 1)),
                                 {"no_such_file"}),
    "a custom resource without tests": ({"rules.yaml": CUSTOM}, {"never_fires", "never_quiet"}),
    "a custom resource that does not load": ({"rules.yaml": CUSTOM.replace("up == 0", "up ==")},
                                             {"load", "never_fires", "never_quiet"}),
    "rules in a page alone": ({"OPS.md": f"# Ops\n\n```yaml\n{DOWN}```\n"}, {"never_fires", "never_quiet"}),
    "a page whose rules do not load": (
        CLEAN | {"OPS.md": "# Ops\n\n1. Alert:\n\n   ```yaml\n   - alert: Down\n     expr: up == 0\n"
                 "     severity: page\n   ```\n"}, {"rule_key", "load"}),
    "a page whose rules are no YAML": (CLEAN | {"OPS.md": "```yaml\n- alert: Down\n  expr: [\n```\n"}, {"load"}),
    "rules under another name": ({"monitoring/shop.txt": DOWN}, {"never_fires", "never_quiet"}),
    "rules on one line": ({"rules.json": '{"groups":[{"name":"g","rules":[{"alert":"A","expr":"up == 0"}]}]}'},
                          {"never_fires", "never_quiet"}),
    "rules under an odd name": ({"a\nb {{x}}.yml": DOWN}, {"never_fires", "never_quiet"}),
    "a service without rules": ({"roadworthy.yaml": "version: 1\n"}, {"none"}),
}  # fmt: skip


@needs_promtool
@pytest.mark.parametrize("name", FAULTS)
def test_fault(name: str, subject: Path, verified: Verified) -> None:
    files, rules = FAULTS[name]
    (subject.parent / "outside.yml").write_text(DOWN)
    _write(subject, files)
    outcome = verified("OBS-02")
    assert outcome.status is Status.FAIL, outcome
    assert {each.rule for each in outcome.findings} == rules, outcome.findings


@needs_promtool
@pytest.mark.parametrize(
    "files",
    [
        CLEAN,
        CLEAN | {"notes.yml": "groups: [a]\n", "prometheus.yml": "rule_files: [ops/rules.yml]\n",
                 "a.bin": "\0alert: groups:"},
        CLEAN | {"tests/sample.py": f'RULES = """\n{RULES.replace("groups:", "groups: [")}"""\n'},
        CLEAN | {"OPS.md": "```yaml\n- alert: Down\n  expr: up == 0\n```\n"},  # an excerpt of what is tested
        CLEAN | {"roadworthy.yaml": "version: 1\n"},
        _down(HEAD.replace("rules.yml", '"r*s.yml"') + FIRES + QUIET),
        _down((HEAD + FIRES + QUIET).replace("up{", '{__name__="up",')),
        {"a/rules.yml": DOWN, "b/rules_test.yml": (HEAD + FIRES + QUIET).replace("rules.yml", "../a/rules.yml")},
        {"deep/rules.yaml": CUSTOM, "deep/t.yaml": (HEAD + FIRES + QUIET).replace("rules.yml", "rules.yaml")},
        {"rules.yml": '{"groups":[{"name":"g","rules":[{"alert":"Down","expr":"up == 0"}]}]}',
         "t.yml": HEAD + FIRES + QUIET},
        {"a[1]*.yml": DOWN, "t.yml": (HEAD + FIRES + QUIET).replace("rules.yml", r'"a\\[1\\]\\*.yml"')},
        _down(
            HEAD + FIRES.replace("instance: a", "severity: page, instance: a") + QUIET,
            DOWN + "    labels: {severity: page}\n",
        ),
    ],
)  # fmt: skip
def test_clean(files: dict[str, str], subject: Path, verified: Verified) -> None:
    _write(subject, files)
    outcome = verified("OBS-02")
    assert outcome.status is Status.PASS, outcome
    assert {each.name: each.value for each in outcome.measured}["shown quiet"] in (1, 2)


@needs_promtool
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"chart/templates/a.yaml": DOWN.replace("5m", "{{ .Values.wait }}m")}, "template"),
        ({"chart/templates/a.yaml": "{{- if .Values.on }}\n" + DOWN + "{{- end }}\n"}, "template"),
        ({"rules.yml": DOWN + "# " + "x" * (1 << 20)}, "1,048,576 bytes"),
        ({"grafana.yaml": GRAFANA}, "Grafana evaluates"),
        (_down((HEAD + FIRES + QUIET).replace("0x20", "0x2000000000")), "samples"),
        (
            {
                "rules.yml": "x: &a [b, b, b, b, b, b, b, b, b]\n"
                + "".join(f"y{n}: &{chr(97 + n)} [{', '.join(['*' + chr(96 + n)] * 9)}]\n" for n in range(1, 9))
                + DOWN
            },
            "references",
        ),
    ],
)
def test_what_nobody_can_evaluate_is_not_measured(
    files: dict[str, str], said: str, subject: Path, verified: Verified
) -> None:
    _write(subject, files)
    outcome = verified("OBS-02")
    assert outcome.status is not Status.PASS
    assert outcome.coverage is None or not outcome.coverage.complete
    names = "" if outcome.coverage is None else " ".join(each.name for each in outcome.coverage.missing)
    assert said in names


def test_nothing_at_all_and_a_reason_for_leaving_out(subject: Path, verified: Verified) -> None:
    outcome = verified("OBS-02")
    assert outcome.status is Status.NOT_MEASURED
    assert "no alert rule" in outcome.reason
    assert verified("OBS-02", service="http://127.0.0.1:9").status is Status.FAIL


@needs_promtool
def test_the_policy_leaves_out_with_a_reason(subject: Path, verified: Verified) -> None:
    _write(subject, CLEAN | {"chart/a.yaml": DOWN.replace("5m", "{{ .Values.wait }}m"), "old/b.yml": DOWN})
    assert verified("OBS-02").status is Status.FAIL
    assert verified("OBS-02", unread={"old": "of last year"}).status is Status.NOT_MEASURED
    outcome = verified("OBS-02", unread={"old": "of last year", "chart": "ops/rules.yml is what it makes"})
    assert outcome.status is Status.PASS, outcome
    assert verified("OBS-02", unread={"old": "a", "chart": "b", "ops": "c"}).status is Status.NOT_MEASURED


@needs_promtool
def test_a_link_is_not_followed(subject: Path, verified: Verified) -> None:
    (subject.parent / "outside.yml").write_text(DOWN)
    _write(subject, {"rules_test.yml": HEAD + FIRES + QUIET, "other.yml": DOWN})
    (subject / "rules.yml").symlink_to(subject.parent / "outside.yml")
    outcome = verified("OBS-02")
    assert {"no_such_file", "never_fires"} <= {each.rule for each in outcome.findings}


def test_without_promtool(subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "found", lambda *named: None)
    _write(subject, CLEAN)
    outcome = verified("OBS-02")
    assert outcome.status is Status.NOT_MEASURED
    assert outcome.reason == promtool.MISSING
    _write(subject, {"more.yml": DOWN + "    severity: page\n"})
    outcome = verified("OBS-02")
    assert outcome.status is Status.FAIL
    assert [each.rule for each in outcome.findings] == ["rule_key"]


def _tool(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another promtool first on PATH."""
    folder.mkdir()
    file = folder / "promtool"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 60", "did not end"),
        ("exit 9", "exit code 9"),
        ("echo '  SUCCESS: 99 rules found'", "contradict each other"),
        ("kill -9 $$", "exit code -9"),
    ],
)
def test_a_promtool_that_hangs_breaks_or_lies(
    script: str, said: str, subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tool(subject.parent / "bin", f'[ "$1" = --version ] && exit 0\n{script}', monkeypatch)
    monkeypatch.setattr(promtool, "CALL_S", 0.3)
    _write(subject, CLEAN)
    outcome = verified("OBS-02")
    assert outcome.status is Status.NOT_MEASURED, outcome
    assert outcome.coverage is not None
    assert said in outcome.reason + " ".join(each.name for each in outcome.coverage.missing)


def test_a_promtool_of_the_subject_is_not_run(
    subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tool(subject / "bin", "echo '  SUCCESS: 3 rules found'; touch ran", monkeypatch)
    _write(subject, CLEAN)
    assert verified("OBS-02").status is (Status.PASS if REAL else Status.NOT_MEASURED)
    assert not list(subject.parent.rglob("ran"))


@needs_promtool
def test_a_thousand_files_end_in_time(subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercise, "MOST_FILES", 2)
    monkeypatch.setattr("roadworthy.verify.probes.alert_rules.probe.MOST_FILES", 2)
    _write(subject, {f"r{number}.yml": DOWN.replace("Down", f"D{number}") for number in range(9)})
    outcome = verified("OBS-02")
    assert outcome.coverage is not None
    assert sum("only 2 files" in each.name for each in outcome.coverage.missing) == 7


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.yml", ["a.yml"]),
        ("*.yml", ["a.yml", "b.yml"]),
        ("x/*.yml", ["x/c.yml"]),
        ("*", ["a.yml", "b.yml"]),
        ("[ab].yml", ["a.yml", "b.yml"]),
        ("gone.yml", []),
        (r"\[^a\].yml", []),
        ("[^a].yml", ["b.yml"]),
    ],
)
def test_patterns_match_as_those_of_go(pattern: str, names: list[str]) -> None:
    assert rule_test.matching(pattern, ["a.yml", "b.yml", "x/c.yml", "x/y/d.yml"]) == names


@pytest.mark.parametrize(
    "hostile", ["```yaml\n" * 20_000, "{{" * 200_000, "~~~yaml\n- alert: a\n" * 20_000, " " * 500_000]
)
def test_hostile_pages_are_read_in_time(hostile: str) -> None:
    assert all(each.line for each in rule_file.blocks("a.md", hostile))
    assert not rule_file.may_hold_rules(hostile.encode()) or "alert" in hostile
