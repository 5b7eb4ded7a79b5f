"""PII-01 and PII-03: bounds, sizes and gaps of the guard's report decide; no report is not measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.verify.outcome import Outcome, Status
from roadworthy.verify.probes.masking.probe import KINDS
from roadworthy.verify.service import second

Verified = Callable[..., Outcome]


def report(**changes: Any) -> dict[str, Any]:
    """What the guard prints when all is well."""
    kinds = [{"name": name, "n": 1000, "found": 1000} for name in KINDS]
    languages = [{"name": name, "n": 400, "found": 400} for name in ("en", "ko", "ja")]
    negatives = {
        "n": 1000,
        "families": [{"name": "uuid", "n": 600, "damaged": 0}, {"name": "sha", "n": 400, "damaged": 0}],
    }
    return {"kinds": kinds, "languages": languages, "negatives": negatives} | changes


def kinds(**changes: Any) -> list[dict[str, Any]]:
    """The kinds, with one changed."""
    return [{"name": name, "n": 1000, "found": 1000} | (changes if name == "RRN" else {}) for name in KINDS]


def negatives(told: int, n: int, damaged: int) -> dict[str, Any]:
    """Harmless lines: how many the report names, how many its family has, how many were touched."""
    return {"n": told, "families": [{"name": "uuid", "n": n, "damaged": damaged}]}


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, int], None]:
    """The product's command prints this."""

    def use(text: str, code: int) -> None:
        (tmp_path / "printed").write_text(text)
        said = f"import sys; print(open({str(tmp_path / 'printed')!r}).read()); sys.exit({code})"
        monkeypatch.setattr(second, "ROADWORTHY", (sys.executable, "-c", said))

    return use


@pytest.mark.parametrize(
    ("check", "data", "status", "rules"),
    [
        ("PII-01", report(), "pass", set()),
        ("PII-01", report(kinds=kinds(found=985)), "fail", {"recall"}),
        # 990 of 1000 is 0.99, but its lower bound is not
        ("PII-01", report(kinds=kinds(found=990)), "fail", {"recall"}),
        ("PII-01", report(kinds=kinds(n=150, found=150)), "not_measured", set()),
        ("PII-01", report(kinds=[each for each in kinds() if each["name"] != "RRN"]), "not_measured", set()),
        ("PII-01", report(kinds=kinds(found=1001)), "not_measured", set()),
        ("PII-01", report(languages=[{"name": "en", "n": 400, "found": 400}]), "not_measured", set()),
        ("PII-01", report(languages=[{"name": "en", "n": 400, "found": 400}, {"name": "ko", "n": 400, "found": 360}]),
         "fail", {"recall"}),
        ("PII-03", report(), "pass", set()),
        ("PII-03", report(negatives=negatives(1000, 1000, 8)), "fail", {"damaged"}),
        ("PII-03", report(negatives=negatives(50, 50, 0)), "not_measured", set()),
        ("PII-03", report(negatives=negatives(2000, 1000, 0)), "not_measured", set()),
        ("PII-01", {"kinds": "many"}, "not_measured", set()),
        ("PII-03", {}, "not_measured", set()),
    ],
)  # fmt: skip
def test_report(
    check: str,
    data: dict[str, Any],
    status: str,
    rules: set[str],
    verified: Verified,
    printed: Callable[[str, int], None],
) -> None:
    printed(json.dumps({"data": data}), 0)
    outcome = verified(check)
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings} == rules


@pytest.mark.parametrize("check", ["PII-01", "PII-03"])
@pytest.mark.parametrize(("text", "code"), [("no JSON", 0), ("", 70), ("[]", 0)])
def test_no_report_is_not_measured(
    check: str, text: str, code: int, verified: Verified, printed: Callable[[str, int], None]
) -> None:
    printed(text, code)
    assert verified(check).status is Status.NOT_MEASURED
