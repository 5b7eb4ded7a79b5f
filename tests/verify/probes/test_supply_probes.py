"""SUP-01, SUP-02, SUP-04, SUP-05, ART-09: planted faults, clean twins, and what nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from roadworthy.verify.outcome import Outcome
from roadworthy.verify.supply.advisory_database import import_osv, save

Verified = Callable[..., Outcome]
LICENCE = "Apache License Version 2.0, January 2004 " + "x" * 300


def _install(subject: Path, name: str, version: str, head: str = "License: MIT") -> None:
    folder = subject / f".venv/lib/python3.12/site-packages/{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n{head}\n\n")


@pytest.fixture
def venv(subject: Path) -> Path:
    """A subject with an environment of two packages."""
    _install(subject, "alpha", "1.0")
    _install(subject, "beta", "2.0", "License-Expression: Apache-2.0")
    return subject


def _advise(subject: Path, *, package: str = "other", severity: str = "HIGH", days: int = 1, **values: Any) -> None:
    folder = subject.parent / "osv"
    folder.mkdir(exist_ok=True)
    changed = datetime.now(UTC) - timedelta(days=days)
    record = {
        "id": f"T-{package}", "modified": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "database_specific": {"severity": severity},
        "affected": [{"package": {"ecosystem": "PyPI", "name": package},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}]}],
    }  # fmt: skip
    (folder / f"{package}.json").write_text(json.dumps(record | values))
    save(import_osv(folder, datetime.now(UTC)), subject / "advisories.json")


def test_without_an_environment_nothing_is_measured(subject: Path, verified: Verified) -> None:
    _advise(subject)
    for check in ("SUP-01", "SUP-02", "SUP-04"):
        assert verified(check).status == "not_measured"
    (subject / ".venv/lib/python3.12/site-packages").mkdir(parents=True)
    for check in ("SUP-01", "SUP-02", "SUP-04"):
        assert verified(check).status == "not_measured"


def test_bill_of_materials(venv: Path, verified: Verified) -> None:
    outcome = verified("SUP-01")
    assert outcome.status == "pass"
    assert outcome.coverage is not None
    assert (outcome.coverage.examined, outcome.coverage.existing) == (2, 2)
    (venv / ".venv/lib/python3.12/site-packages/broken-1.dist-info").mkdir()
    assert verified("SUP-01").status == "not_measured"


@pytest.mark.parametrize(
    ("advice", "status", "rules"),
    [
        ({}, "pass", set()),
        ({"package": "Alpha"}, "fail", {"T-Alpha"}),
        ({"package": "alpha", "severity": "nobody knows"}, "fail", {"T-alpha"}),
        ({"package": "alpha", "severity": "LOW"}, "pass", {"T-alpha"}),
        ({"package": "beta"}, "pass", set()),
        ({"package": "alpha", "withdrawn": "2026-01-01T00:00:00Z"}, "pass", set()),
        ({"days": 8}, "not_measured", set()),
        ({"package": "alpha", "days": 8}, "fail", {"T-alpha"}),
    ],
)
def test_advisories(advice: dict[str, Any], status: str, rules: set[str], venv: Path, verified: Verified) -> None:
    _advise(venv, **advice)
    outcome = verified("SUP-02")
    assert (outcome.status, {each.rule for each in outcome.findings}) == (status, rules), outcome


def test_advisories_unknown_are_not_clean(venv: Path, verified: Verified) -> None:
    assert verified("SUP-02").status == "not_measured"
    _advise(venv)
    _install(venv, "gamma", "not-a-version-at-all", "License: MIT")
    _advise(venv, package="gamma")
    assert verified("SUP-02").status == "not_measured"
    path = venv / "advisories.json"
    path.write_text(path.read_text().replace("gamma", "gamm4"))
    assert verified("SUP-02").status == "not_measured"


@pytest.mark.parametrize(
    ("head", "settings", "status", "rules"),
    [
        ("License: MIT", {}, "pass", set()),
        ("License: AGPL-3.0-only", {}, "fail", {"denied"}),
        ("License: LGPL-3.0-only", {}, "fail", {"unlisted"}),
        ("License: LGPL-3.0-only", {"also_allow": ["LGPL-3.0-only"]}, "pass", set()),
        ("License: Proprietary", {}, "fail", {"unknown"}),
        ("", {}, "fail", {"unknown"}),
        ("", {"packages": {"Gamma": "MIT"}}, "pass", set()),
        ("License: MIT", {"allow": ["no such"]}, "not_measured", set()),
    ],
)
def test_licences(
    head: str, settings: dict[str, Any], status: str, rules: set[str], venv: Path, verified: Verified
) -> None:
    _install(venv, "gamma", "3", head)
    outcome = verified("SUP-04", **settings)
    assert (outcome.status, {each.rule for each in outcome.findings}) == (status, rules), outcome


def _asset(**values: Any) -> dict[str, Any]:
    return {
        "name": "m", "licence": "Apache-2.0", "text": "licenses/a.txt", "acknowledged": ["keep-notices"],
        "covers": ["models"],
    } | values  # fmt: skip


LLAMA = ["keep-notices", "under-700-million-monthly-users", "outputs-not-used-to-train-other-models",
         "built-with-llama-is-shown"]  # fmt: skip


@pytest.mark.parametrize(
    ("asset", "text", "status", "rules"),
    [
        (_asset(), LICENCE, "pass", set()),
        (_asset(), None, "fail", {"text"}),
        (_asset(), "to be added", "fail", {"text"}),
        (_asset(text=None), LICENCE, "fail", {"text"}),
        (_asset(text="../outside.txt"), LICENCE, "fail", {"text"}),
        (_asset(licence="MIT"), LICENCE, "fail", {"text"}),
        (_asset(licence="ours"), LICENCE, "fail", {"licence"}),
        (_asset(acknowledged=[]), LICENCE, "fail", {"condition"}),
        (_asset(covers=["other"]), LICENCE, "fail", {"undeclared"}),
        (_asset(covers=["models", "gone"]), LICENCE, "not_measured", set()),
        (_asset(licence="llama3", acknowledged=LLAMA), "META LLAMA 3 COMMUNITY LICENSE AGREEMENT" * 9, "pass", set()),
        (_asset(licence="llama3", acknowledged=LLAMA[:1]), "META LLAMA 3 COMMUNITY LICENSE AGREEMENT" * 9, "fail",
         {"condition"}),
        (_asset(licence="llama3", acknowledged=LLAMA), LICENCE, "fail", {"text"}),
        (_asset(licence="LicenseRef-Own"), "our own words " * 30, "fail", {"unknown_terms"}),
        (_asset(licence="LicenseRef-Own", acknowledged=["read-by-a-person"]), "our own words " * 30, "pass", set()),
        (_asset(acknowledged=["whatever"]), LICENCE, "not_measured", set()),
        (_asset(licences="MIT"), LICENCE, "not_measured", set()),
        ("text", LICENCE, "not_measured", set()),
    ],
)  # fmt: skip
def test_terms_of_models(
    asset: Any, text: str | None, status: str, rules: set[str], subject: Path, verified: Verified
) -> None:
    for folder in ("models", "licenses", "other"):
        (subject / folder).mkdir()
    (subject / "models/a.gguf").write_bytes(b"GGUF")
    (subject.parent / "outside.txt").write_text(LICENCE)
    if text is not None:
        (subject / "licenses/a.txt").write_text(text)
    outcome = verified("SUP-05", assets=[asset])
    assert (outcome.status, {each.rule for each in outcome.findings}) == (status, rules), outcome


def test_a_model_that_nobody_declares(subject: Path, verified: Verified) -> None:
    assert verified("SUP-05").status == "not_applicable"
    (subject / "a.pt").write_bytes(b"x")
    assert verified("SUP-05").status == "fail"


CARD = "license: apache-2.0\nbase_model: b\ndatasets: [d]\ntrainer_run: run-7\n"


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({}, "not_applicable"),
        ({"models/a.gguf": ""}, "fail"),
        ({"models/a.gguf": "", "models/model.yaml": CARD}, "pass"),
        ({"models/a.gguf": "", "models/README.md": f"---\n{CARD}---\n"}, "pass"),
        ({"models/a.gguf": "", "models/model.yaml": CARD.replace("base_model", "base")}, "fail"),
    ],
)
def test_entries_of_models(files: dict[str, str], status: str, subject: Path, verified: Verified) -> None:
    for name, text in files.items():
        (subject / name).parent.mkdir(exist_ok=True)
        (subject / name).write_text(text)
    assert verified("ART-09").status == status


LESSER = "GNU Lesser General Public License, Version 3, 29 June 2007 " + "x" * 300
KEPT = {
    "packages": ["Gamma"], "licence": "LGPL-3.0-only", "text": "licenses/lesser.txt",
    "acknowledged": ["keep-notices", "licence-text-goes-along", "library-can-be-replaced",
                     "changes-to-it-are-published"],
    "because": "Installed unchanged from the index, and replaceable.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status", "rules"),
    [
        ({}, "pass", {"accepted"}),
        ({"packages": ["delta"]}, "fail", {"unlisted"}),  # for this package and no other
        ({"licence": "LGPL-2.1-only"}, "fail", {"unlisted"}),  # found is another
        ({"text": "licenses/none.txt"}, "fail", {"condition"}),
        ({"text": None}, "fail", {"condition"}),
        ({"text": "../lesser.txt"}, "fail", {"condition"}),
        ({"text": "licenses/apache.txt"}, "fail", {"condition"}),
        ({"acknowledged": ["keep-notices"]}, "fail", {"condition"}),
        ({"because": "ok"}, "not_measured", set()),
        ({"packages": ["*"]}, "not_measured", set()),
        ({"packages": []}, "not_measured", set()),
        ({"licence": "Some Licence"}, "not_measured", set()),
        ({"for_ever": True}, "not_measured", set()),
    ],
)
def test_licences_under_conditions(
    changes: dict[str, Any], status: str, rules: set[str], venv: Path, verified: Verified
) -> None:
    _install(venv, "gamma", "3", "License: LGPL-3.0-only")
    (venv / "licenses").mkdir()
    (venv / "licenses/lesser.txt").write_text(LESSER)
    (venv / "licenses/apache.txt").write_text(LICENCE)
    (venv.parent / "lesser.txt").write_text(LESSER)
    outcome = verified("SUP-04", accepted=[KEPT | changes])
    assert (outcome.status, {each.rule for each in outcome.findings}) == (status, rules), outcome
    if status == "pass":
        assert "1 accepted under conditions" in outcome.reason
        assert "replaceable" in outcome.findings[0].message  # shown in every report, in words
