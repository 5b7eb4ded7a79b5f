"""GOV-05: a run builds the technical file; each empty heading is named; the file says where everything comes from."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
import yaml

from rig.verification import START, Run
from roadworthy.core.errors import ConfigError
from roadworthy.verify.outcome import Status, not_measured
from roadworthy.verify.policy import policy_of
from roadworthy.verify.report import technical
from roadworthy.verify.report.files import written
from roadworthy.verify.report.record import CheckRecord, Report
from roadworthy.verify.technical.file import Index
from roadworthy.verify.technical.heading import HEADINGS, KEYS

BY_HAND = [each for each in HEADINGS if each.by_hand]
DAY = datetime.fromtimestamp(START, UTC).date().isoformat()


def _whole() -> dict[str, dict[str, str]]:
    return {
        each.key: {
            "text": f"What persons know about {each.title}, in a sentence.",
            "by": "owner of the shop",
            "on": DAY,
        }
        for each in BY_HAND
    }


def _policy(headings: dict[str, dict[str, str]]) -> bytes:
    dated = {key: each | {"on": date.fromisoformat(each["on"])} for key, each in headings.items()}
    return yaml.safe_dump({"version": 1, "technical_file": dated}).encode()


def _run(inspected: Run, subject: Path, headings: dict[str, dict[str, str]], **options: object) -> tuple[Report, Path]:
    out = subject.parent / "run"
    return inspected(subject, out, content=_policy(headings), technical=True, **options), out


def _check(report: Report) -> CheckRecord:
    return next(each for each in report.checks if each.id == "GOV-05")


def test_the_headings_are_those_of_the_annex() -> None:
    numbers = [each.number for each in HEADINGS]
    assert numbers == [f"1({each})" for each in "abcdefgh"] + [f"2({each})" for each in "abcdefgh"] + list("3456789")
    assert len(set(KEYS)) == len(KEYS) == 23


def test_a_whole_one_passes(subject: Path, inspected: Run) -> None:
    report, out = _run(inspected, subject, _whole())
    check = _check(report)
    assert check.status is Status.PASS, check
    assert check.coverage is not None
    assert (check.coverage.examined, check.coverage.existing) == (23, 23)
    made = technical.text(report, out / "evidence")
    assert "23 of 23 filled" in made
    assert "**Empty**" not in made
    for each in HEADINGS:
        assert f"{each.number} {each.title}" in made or f"\n{each.title}." in made
    assert "> What persons know about Risk management" in made
    assert "From `technical_file.risk` of the policy, by owner of the shop" in made
    assert "| QUA-01 |" in made
    assert "From evidence of SUP-01, SUP-03, SUP-09." in made
    for item in check.evidence:  # every text is named by its digest, and is kept under it
        assert (out / "evidence" / item.sha256).is_file()
    index = msgspec.json.decode((out / "evidence" / check.evidence[-1].sha256).read_bytes(), type=Index)
    assert all(each.text in made for each in index.headings)


def test_nobody_began_one(subject: Path, inspected: Run) -> None:
    report, out = _run(inspected, subject, {})
    check = _check(report)
    assert check.status is Status.NOT_MEASURED
    assert check.reason.startswith(f"{len(BY_HAND)} of 23")
    made = technical.text(report, out / "evidence")
    assert made.count("**Empty**: nothing is written.") == len(BY_HAND)


FAULTS: dict[str, tuple[dict[str, str] | None, str]] = {
    "gone": (None, "nothing is written"),
    "blank": ({"text": "  "}, "nothing is written"),
    "placeholder": ({"text": "To be determined."}, "placeholder"),
    "thin": ({"text": "We manage risks."}, "too little"),
    "nobody": ({"by": "TBD"}, "nobody is named"),
    "future": ({"on": "2999-01-01"}, "dated in the future"),
    "copied": ({"text": "What persons know about Design: logic, choices and assumptions, whom it is for, what it "
                        "optimises, trade-offs, in a sentence."}, "same text stands under 2(b)"),
    "page gone": ({"text": "", "page": "docs/gone.md"}, "cannot be read"),
    "page outside": ({"text": "", "page": "../outside.md"}, "outside of the subject"),
    "page absolute": ({"text": "", "page": "/etc/hostname"}, "outside of the subject"),
    "page behind a link": ({"text": "", "page": "link.md"}, "behind a link"),
    "page of a tool": ({"text": "", "page": ".venv/risk.md"}, "no part of the subject"),
    "a folder": ({"text": "", "page": "docs"}, "cannot be read"),
    "no text": ({"text": "", "page": "docs/bytes.md"}, "no text in UTF-8"),
    "too large": ({"text": "", "page": "docs/large.md"}, "1,048,576 bytes"),
    "no such section": ({"text": "", "page": "docs/risk.md#gone"}, "no such section"),
    "empty section": ({"text": "", "page": "docs/risk.md#empty"}, "nothing is written"),
    "empty page": ({"text": "", "page": "docs/empty.md"}, "nothing is written"),
}  # fmt: skip


def _pages(subject: Path) -> None:
    (subject / "docs").mkdir()
    (subject / "docs/risk.md").write_text(
        "# Risk\n\n## Empty\n\n## Process\n\nOwners meet each month & decide <script>alert(1)</script> "
        "[here](https://example.com) what is done.\n\n# 8 Declaration\n\nIt complies.\n"
    )
    (subject / ".venv").mkdir()
    (subject / ".venv/risk.md").write_text("Owners meet each month and decide about risks, but nobody hashes this.")
    (subject / "docs/empty.md").write_text("\n")
    (subject / "docs/bytes.md").write_bytes(b"\xff\xfe\x00" * 40)
    (subject / "docs/large.md").write_text("many words " * 100_000)
    (subject.parent / "outside.md").write_text("Somebody else's page about how risks are managed.")
    (subject / "link.md").symlink_to(subject.parent / "outside.md")


@pytest.mark.parametrize("name", FAULTS)
def test_an_empty_heading_is_named(name: str, subject: Path, inspected: Run) -> None:
    _pages(subject)
    change, said = FAULTS[name]
    headings = _whole()
    if change is None:
        del headings["risk"]
    else:
        headings["risk"] |= change
    report, out = _run(inspected, subject, headings)
    check = _check(report)
    assert check.status is Status.FAIL, check
    assert [each.rule for each in check.findings] == ["empty"]
    assert check.findings[0].message.startswith("5 Risk management system (Article 9): ")
    assert said in check.findings[0].message
    assert "outside.md" not in json.dumps(msgspec.to_builtins(report)) or name == "page outside"
    made = technical.text(report, out / "evidence")
    assert made.count("**Empty**") == 1
    assert "- **empty**: 5 " in made
    assert "22 of 23 filled" in made


def test_a_page_is_quoted_and_cannot_pretend(subject: Path, inspected: Run) -> None:
    _pages(subject)
    headings = _whole()
    headings["risk"] |= {"text": "", "page": "docs/risk.md#process"}
    report, out = _run(inspected, subject, headings)
    assert _check(report).status is Status.PASS
    made = technical.text(report, out / "evidence")
    assert "From `docs/risk.md#process`, by owner of the shop" in made
    assert "> Owners meet each month & decide &lt;script>" in made
    assert "[here\\](https" in made
    assert "It complies" not in made
    headings["risk"] |= {"page": "docs/risk.md"}
    report, out = _run(inspected, subject, headings, new_chain=True)
    made = technical.text(report, out / "evidence")
    assert "\n> # 8 Declaration" in made  # quoted, not a heading of ours
    assert "\n# 8 Declaration" not in made


def test_what_was_not_measured_is_shown_so(subject: Path, inspected: Run) -> None:
    nothing = {id: not_measured("No tool.") for id in ("QUA-01", "SUP-01", "SUP-03", "SUP-09")}
    report, out = _run(inspected, subject, _whole(), said=nothing)
    check = _check(report)
    assert check.status is Status.NOT_MEASURED  # 1(c): nothing is known about versions
    assert check.coverage is not None
    assert next(each.name for each in check.coverage.missing if not each.reason).startswith("1(c) ")
    made = technical.text(report, out / "evidence")
    assert "**Empty**: not measured." in made
    assert "| not measured | No tool." in made


def test_text_beside_evidence_fills_a_heading(subject: Path, inspected: Run) -> None:
    nothing = {id: not_measured("No tool.") for id in ("SUP-01", "SUP-03", "SUP-09")}
    words = {"text": "Python 3.11 and the packages of the lock file; updates come each month.", "by": "Lee", "on": DAY}
    report, _ = _run(inspected, subject, _whole() | {"software": words}, said=nothing)
    assert _check(report).status is Status.PASS


def test_a_secret_in_a_text_is_masked(subject: Path, inspected: Run) -> None:
    headings = _whole()
    headings["risk"]["text"] = "Write to dana.kim@shop-of-citrus.com when something goes wrong at night."
    report, out = _run(inspected, subject, headings)
    assert _check(report).status is Status.PASS
    written(report, out, None)
    assert "dana.kim@" not in (out / "technical-file.md").read_text()
    assert "goes wrong at night" in (out / "technical-file.md").read_text()


def test_it_claims_nothing_and_a_changed_text_is_not_shown(subject: Path, inspected: Run) -> None:
    report, out = _run(inspected, subject, _whole())
    made = technical.text(report, out / "evidence")
    assert "does not say that the system complies" in made
    index = msgspec.json.decode((out / "evidence" / _check(report).evidence[-1].sha256).read_bytes(), type=Index)
    risk = next(each for each in index.headings if each.key == "risk")
    file = out / "evidence" / risk.text
    file.chmod(0o644)
    file.write_text("All risks are gone.")
    made = technical.text(report, out / "evidence")
    assert "All risks are gone" not in made
    assert "The text cannot be read" in made
    assert "was changed" in made


def test_a_run_of_other_checks_says_that_it_was_not_built(subject: Path, inspected: Run) -> None:
    report, out = _run(inspected, subject, _whole(), only=("SEC-01",))
    assert _check(report).status is Status.NOT_MEASURED
    made = technical.text(report, out / "evidence")
    assert "It was not built in this run" in made
    assert made.count("**Not gathered in this run.**") == 23


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{risks: {text: a, by: b, on: 2026-01-01}}", "Did you mean risk?"),
        ("{purpose: {text: a, page: b, by: c, on: 2026-01-01}}", "both text and page"),
        ("{purpose: {text: a, on: 2026-01-01}}", "by"),
        ("{purpose: {text: a, by: b}}", "on"),
        ("{purpose: {text: a, by: b, on: soon}}", "on"),
        ("{purpose: a}", "technical_file"),
    ],
)
def test_a_policy_that_cannot_be(section: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        policy_of(f"technical_file: {section}\n".encode())
    assert said in str(told.value) + told.value.mend
