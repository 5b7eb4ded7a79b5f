"""Every form of the report: its schema, its order, its limits, and that hostile names stay text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as Xml
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from rig.verification import START, Run, good
from roadworthy.verify.outcome import (
    Coverage,
    Location,
    Measure,
    Missing,
    Outcome,
    Severity,
    error,
    finding,
    judged,
    not_applicable,
    not_measured,
)
from roadworthy.verify.report import junit, markdown, page, sarif, terminal
from roadworthy.verify.report.files import written
from roadworthy.verify.report.record import Report, encoded, schema

FULL = Coverage(examined=2, existing=3, how_counted="by hand", missing=(Missing(name="x", reason="generated"),))
HOSTILE = "<script>alert(1)</script>[a](http://evil)|`x` @team \\u202e"
UNSAFE = finding(
    "ART-04", "pickle.reduce", f"Calls {HOSTILE}", key=("m.pkl",), severity=Severity.CRITICAL,
    location=Location(path=f"models/{HOSTILE}.pkl", line=3),
)  # fmt: skip
LICENCE = finding("SUP-04", "unknown", "No licence.", key=("pkg",))
POLICY = f"""
waivers:
  - {{check: SUP-04, fingerprint: "{LICENCE.fingerprint}", owner: Dana, approver: Kim, created: 2027-01-14,
     expires: 2027-01-20, reason: "We asked the authors <b>twice</b>."}}
""".encode()
SAID: dict[str, Outcome] = {
    "ART-04": judged(f"1 of 3 is unsafe. {HOSTILE}", coverage=FULL, findings=[UNSAFE]),
    "SUP-04": judged("One is unknown.", coverage=FULL, findings=[LICENCE]),
    "REL-01": not_measured("No service was named."),
    "PII-01": error("The probe's process was killed by SIGKILL."),
    "TRN-01": not_applicable("Nothing is trained.", predicate="a file trains", detail="0 files"),
    "PER-01": good(measured=[Measure(name="p95", value=0.3, unit="s", n=1000, ci_low=0.29, ci_high=0.31)]),
}


@pytest.fixture
def report(tmp_path: Path, subject: Path, inspected: Run) -> Report:
    (subject / "app.py").write_text("x = 1\n")
    out = tmp_path / "out"
    written(inspected(subject, out), out, None)
    made = inspected(subject, out, SAID, POLICY, at=START + 3600)
    written(made, out, None)
    return made


def test_json_fits_its_schema_and_nothing_more(report: Report) -> None:
    made = schema()
    jsonschema_rs.meta.validate(made)
    check = jsonschema_rs.Draft202012Validator(made)
    values = json.loads(encoded(report))
    check.validate(values)
    assert msgspec.json.decode(encoded(report), type=Report) == report
    assert not check.is_valid({**values, "grade": "A"})
    assert not check.is_valid({**values, "checks": [{**values["checks"][0], "status": "green"}]})
    assert not check.is_valid({key: value for key, value in values.items() if key != "subject"})


def test_every_object_of_the_schema_is_closed() -> None:
    free = {"by_category", "digest", "locks", "settings"}

    def walk(node: object, name: str = "") -> list[str]:
        if isinstance(node, list):
            return [each for item in node for each in walk(item, name)]
        if not isinstance(node, dict):
            return []
        opened = [name] if node.get("type") == "object" and node.get("additionalProperties") is not False else []
        return opened + [each for key, item in node.items() for each in walk(item, key)]

    assert set(walk(schema())) <= free


def test_schema_file_is_the_schema() -> None:
    """The file that is shipped for other tools."""
    import roadworthy.verify.report.record as record

    written_down = json.loads(Path(record.__file__).with_name("schema.json").read_text())
    assert written_down == json.loads(json.dumps(schema())), "run `make docs`"


def test_terminal_says_the_verdict_first_and_the_score_last(report: Report) -> None:
    text = terminal.text(report)
    heads = [text.index(word) for word in ("NO-GO", "FAILED ART-04", "WAIVERS", "NOT MEASURED", "SINCE RUN 1", "SCORE")]
    assert heads == sorted(heads)
    assert "No service was named. REL-01*" in text
    assert UNSAFE.fingerprint in text


def test_what_the_policy_chooses_is_shown_everywhere(tmp_path: Path, subject: Path, inspected: Run) -> None:
    """Whoever is judged writes the policy: a GO under an easy one must not look like any GO."""
    (subject / "app.py").write_text("x = 1\n")
    loose = b"""
subject: {left_out: [secret-part]}
probes:
  SEC-01: {not_secret: {src: they are all made up}, history: false}
  SUP-04: {environment: tiny, also_allow: [AGPL-3.0-only]}
  QUA-01: {command: [sh, fake.sh]}
"""
    plain = inspected(subject, tmp_path / "plain")
    made = inspected(subject, tmp_path / "loose", content=loose)
    assert plain.policy.choices == ()
    assert "CHOSEN" not in terminal.text(plain)
    said = ["secret-part", "src: they are all made up", "AGPL-3.0-only", "tiny", "fake.sh", "false"]
    for text in (terminal.text(made), page.page(made, tmp_path / "loose" / "evidence")):
        assert all(each in text for each in said)
    assert terminal.text(made).index("CHOSEN BY THE POLICY") < terminal.text(made).index("SCORE")
    assert "Chosen by the policy**" in markdown.text(made)
    assert "probes.SEC-01.not\\_secret (1)" in markdown.text(made)


def test_terminal_is_inert(tmp_path: Path, subject: Path, inspected: Run) -> None:
    """Messages of plug-ins, and titles, may hold what a terminal acts on."""
    (subject / "app.py").write_text("x = 1\n")
    bad = finding("ART-04", "r", "a\x1b[2J\x1b[1;1HGO\rGO\u202e", key=("x",), location=Location(path="a\nb\x9b"))
    report = inspected(subject, tmp_path / "out", {"ART-04": judged("\x1b]0;x\x07", coverage=FULL, findings=[bad])})
    assert not [char for char in terminal.text(report) if not char.isprintable() and char != "\n"]


def test_page_order_and_safety(report: Report, tmp_path: Path) -> None:
    text = page.page(report, tmp_path / "out" / "evidence")
    words = ("NO-GO</p>", "Not measured: 2", "Failed: 1", "Score by category", "Since run 1", "<h2>Waivers",
             "Every check", "How to check this page")  # fmt: skip
    heads = [text.index(word) for word in words]
    assert heads == sorted(heads)
    assert "<script" not in text
    assert "<b>twice" not in text
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!["'#])""", text), "nothing is fetched"
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("<details") == len(report.checks)
    assert "what was printed by PER-01" in text
    assert "n = 1000" in text
    assert all(item.sha256 in text for each in report.checks for item in each.evidence)


def test_page_says_when_evidence_was_changed(report: Report, tmp_path: Path) -> None:
    item = next(each for each in report.checks if each.id == "PER-01").evidence[0]
    file = tmp_path / "out" / "evidence" / item.sha256
    file.chmod(0o644)
    file.write_bytes(b"other")
    assert "was changed" in page.page(report, tmp_path / "out" / "evidence")


def test_markdown_is_short_and_inert(report: Report) -> None:
    text = markdown.text(report)
    assert len(text.splitlines()) <= 60
    assert text.startswith("## NO-GO\n")
    assert "<script" not in text.replace("\\<", "")
    assert "](http" not in text.replace("\\]", "")
    assert text.index("**Not measured**") < text.index("| category |")


def test_markdown_of_everything_failed_is_short(tmp_path: Path, subject: Path, inspected: Run) -> None:
    bad = {id: judged(f"Bad {id}. " * 200, coverage=FULL, passed=False) for id in _ids(inspected, tmp_path, subject)}
    text = markdown.text(inspected(subject, tmp_path / "all", bad))
    assert len(text.splitlines()) <= 60
    assert max(map(len, text.splitlines())) < 900


def _ids(inspected: Run, tmp_path: Path, subject: Path) -> list[str]:
    return [each.id for each in inspected(subject, tmp_path / "ids").checks]


def test_junit(report: Report) -> None:
    suite = Xml.fromstring(junit.text(report)).find("testsuite")
    assert suite is not None
    counts = {name: int(suite.get(name) or 0) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": len(report.checks), "failures": 1, "errors": 2, "skipped": 2}
    cases = {(case.get("name") or "").split()[0]: [child.tag for child in case] for case in suite}
    assert cases["ART-04"] == ["failure"]
    assert cases["REL-01"] == cases["PII-01"] == ["error"]
    assert cases["TRN-01"] == cases["SUP-04"] == ["skipped"]
    assert cases["PER-01"] == []


def test_junit_of_characters_that_xml_cannot_hold(tmp_path: Path, subject: Path, inspected: Run) -> None:
    said = {"ART-04": judged("a\x00b\x1b[2J\ud800".encode("utf-8", "replace").decode(), coverage=FULL, passed=False)}
    Xml.fromstring(junit.text(inspected(subject, tmp_path / "out", said)))


def test_sarif(report: Report) -> None:
    run = json.loads(sarif.text(report))["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    results = {each["ruleId"]: each for each in run["results"]}
    assert set(results) == {"ART-04", "SUP-04", "REL-01", "PII-01"}
    assert {results[id]["level"] for id in ("ART-04", "REL-01", "PII-01")} == {"error"}
    (held,) = results["SUP-04"]["suppressions"]
    assert (held["status"], held["properties"]["owner"]) == ("accepted", "Dana")
    where = results["ART-04"]["locations"][0]["physicalLocation"]
    assert where["region"] == {"startLine": 3}
    nowhere = results["REL-01"]["locations"][0]["physicalLocation"]  # code scanning takes no result without a place
    assert nowhere["artifactLocation"]["uri"] == "readiness.yaml"
    assert " " not in where["artifactLocation"]["uri"]
    assert {each["id"] for each in run["tool"]["driver"]["rules"]} == {each.id for each in report.checks}


def test_changes_since_the_last_run(report: Report) -> None:
    assert report.previous is not None
    told = {each.check: (each.before, each.after) for each in report.previous.deltas}
    assert told["ART-04"] == ("pass", "fail")
    assert report.number == 2
