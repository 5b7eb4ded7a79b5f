"""SARIF 2.1.0 as forges take it.

No package of the index carries the official schema, so what is written of it is held to a schema of our own: the
objects that we write, every property of theirs from the specification (OASIS, section 3), and nothing beside them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema_rs
import pytest

from rig.verification import Run
from roadworthy.verify.outcome import Coverage, Location, Severity, error, finding, judged, not_applicable, not_measured
from roadworthy.verify.report import sarif
from roadworthy.verify.report.record import Report

FULL = Coverage(examined=2, existing=2, how_counted="by hand")


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _some(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": True}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = _object(["text"], text=TEXT)
BAG = {"type": "object", "properties": {"tags": _some({"type": "string"})}}  # 3.8
TIME = {"type": "string", "pattern": r"^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}(\.[0-9]+)?Z$"}  # 3.9
REGION = _object([], startLine={"type": "integer", "minimum": 1})  # 3.30
PHYSICAL = _object(["artifactLocation", "region"], artifactLocation=_object(["uri"], uri=TEXT), region=REGION)
LOCATION = _object(["physicalLocation"], physicalLocation=PHYSICAL)
SUPPRESSION = _object(  # 3.35
    ["kind"], kind={"enum": ["inSource", "external"]}, status={"enum": ["accepted", "underReview", "rejected"]},
    justification=TEXT, properties=BAG,
)  # fmt: skip
RESULT = _object(  # 3.27; ruleId and locations are what forges ask for beyond it
    ["message", "ruleId", "locations"], ruleId=TEXT, message=MESSAGE, locations=_some(LOCATION, 1),
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    level={"enum": ["none", "note", "warning", "error"]}, suppressions=_some(SUPPRESSION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT}, properties=BAG,
)  # fmt: skip
RULE = _object(["id"], id=TEXT, shortDescription=MESSAGE, fullDescription=MESSAGE, help=MESSAGE, properties=BAG)
DRIVER = _object(["name", "rules"], name=TEXT, version=TEXT, rules=_some(RULE))
INVOCATION = _object(
    ["executionSuccessful"], executionSuccessful={"type": "boolean"}, startTimeUtc=TIME, endTimeUtc=TIME, properties=BAG
)
RUN = _object(["tool"], tool=_object(["driver"], driver=DRIVER), invocations=_some(INVOCATION), results=_some(RESULT))
LOG = _object(
    ["version", "runs"], version={"const": "2.1.0"}, runs=_some(RUN, 1),
    **{"$schema": {"const": "https://json.schemastore.org/sarif-2.1.0.json"}},
)  # fmt: skip
ODD = ("a b.py", "a:b/c#d?e.pkl", "%41.py", "m\\n.zip!/x", "한글.py", "c" * 300, "-")


@pytest.fixture
def report(tmp_path: Path, subject: Path, inspected: Run) -> Report:
    (subject / "app.py").write_text("x = 1\n")
    found = [
        finding("ART-04", "r", f"Bad {n}.", key=(str(n),), severity=each,
                location=Location(path=ODD[n % len(ODD)], line=n or None))
        for n, each in enumerate([*Severity, Severity.HIGH, Severity.HIGH])
    ]  # fmt: skip
    nowhere = finding("SUP-04", "unknown", "No licence.", key=("pkg",))
    policy = f'''waivers: [{{check: SUP-04, fingerprint: "{nowhere.fingerprint}", owner: Dana, approver: Kim,
      created: 2027-01-14, expires: 2027-01-20, reason: We asked the authors.}}]'''
    said = {
        "ART-04": judged("Bad.", coverage=FULL, findings=found),
        "SUP-04": judged("One.", coverage=FULL, findings=[nowhere]),
        "REL-01": not_measured("No service."), "PII-01": error("Killed."),
        "TRN-01": not_applicable("Nothing.", predicate="a file trains", detail="0"),
        "QUA-01": judged("Failed without a finding.", coverage=FULL, passed=False),
    }  # fmt: skip
    return inspected(subject, tmp_path / "out", said, policy.encode())


def test_form(report: Report) -> None:
    log = json.loads(sarif.text(report))
    check = jsonschema_rs.Draft202012Validator(LOG)
    assert not [f"{each.instance_path}: {each.message}" for each in check.iter_errors(log)]
    for wrong in (
        {**log, "version": "2.0.0"},
        {**log, "runs": []},
        {**log, "runs": [{**log["runs"][0], "results": [{"ruleId": "X"}]}]},
        {**log, "runs": [{**log["runs"][0], "invocations": [{}]}]},
    ):
        assert not check.is_valid(wrong)


def test_rules_and_places_can_be_resolved(report: Report) -> None:
    run = json.loads(sarif.text(report))["runs"][0]
    rules = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    assert {each["ruleId"] for each in run["results"]} <= set(rules)
    assert {"QUA-01", "REL-01", "PII-01", "SUP-04"} <= {each["ruleId"] for each in run["results"]}
    named = set()
    for each in run["results"]:
        uri = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        parts = urlsplit(uri)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", ""), uri
        assert uri.isascii()
        named.add(unquote(uri))
    assert named == {*ODD[: len([*Severity]) - 1], *ODD[len([*Severity]) :], "readiness.yaml"} & named
    assert set(ODD[:4]) <= named


def test_size_is_what_code_scanning_takes(tmp_path: Path, subject: Path, inspected: Run) -> None:
    """At most 25,000 results of a run are read; the gravest must be among them."""
    (subject / "app.py").write_text("x = 1\n")
    many = [finding("QUA-05", "r", "Low.", key=(str(n),), severity=Severity.LOW) for n in range(26_000)]
    grave = finding("SEC-01", "r", "Grave.", key=("x",), severity=Severity.CRITICAL)
    said = {id: judged("Bad.", coverage=FULL, findings=each) for id, each in (("QUA-05", many), ("SEC-01", [grave]))}
    results = json.loads(sarif.text(inspected(subject, tmp_path / "out", said)))["runs"][0]["results"]
    assert len(results) <= sarif.MOST_RESULTS
    assert any(each["ruleId"] == "SEC-01" for each in results)
