"""TRN-02, TRN-03, QUA-07: planted faults in declared data are found, the clean twin passes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.verify.dataset.facts import item_hash
from roadworthy.verify.dataset.rows import rows
from roadworthy.verify.outcome import Outcome

Verified = Callable[..., Outcome]
HEAD = "text,label,made_by\n"
TRAIN = HEAD + "good day,yes,person\nbad day,no,person\n"
EVALUATION = HEAD + "fine evening,yes,person\ngrey evening,no,person\n"


def declare(subject: Path, train: str = TRAIN, evaluation: str = EVALUATION, **changed: Any) -> None:
    """Write both files and a declaration; `changed` goes over that of train."""
    sets = {}
    for name, role, text in (("train", "train", train), ("held-out", "evaluation", evaluation)):
        (subject / f"{name}.csv").write_text(text)
        sets[name] = {
            "file": f"{name}.csv", "role": role, "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "rows": text.count("\n") - 1, "origin": "written by hand in May", "item": ["text"], "label": "label",
            "labels": ["yes", "no"], "synthetic": "made_by", "synthetic_values": ["model"],
        }  # fmt: skip
    sets["train"] |= changed
    (subject / "datasets.yaml").write_text(json.dumps({"version": 1, "sets": sets}))


ALL = ("TRN-02", "TRN-03", "QUA-07")


def test_clean_data_passes(subject: Path, verified: Verified) -> None:
    declare(subject)
    assert [verified(check).status for check in ALL] == ["pass"] * 3


@pytest.mark.parametrize(
    ("changed", "check", "rules"),
    [
        ({"sha256": "0" * 64}, "TRN-02", {"digest"}),
        ({"rows": 3}, "TRN-02", {"rows"}),
        ({"origin": "web"}, "TRN-02", {"origin"}),
        ({"train": TRAIN + "made up,yes,model\n"}, "TRN-02", {"synthetic"}),
        ({"train": TRAIN + "GOOD   day,yes,person\n"}, "TRN-03", {"duplicate"}),
        ({"train": TRAIN + "good day,no,person\n"}, "TRN-03", {"duplicate", "contradiction"}),
        ({"train": TRAIN + "new,,person\n"}, "TRN-03", {"unlabelled"}),
        ({"train": TRAIN + "new,perhaps,person\n"}, "TRN-03", {"label"}),
        ({"train": HEAD + "good day,yes,person\n"}, "TRN-03", {"unused_label"}),
        ({"train": TRAIN + "new,yes\n"}, "TRN-03", {"unreadable"}),
        ({"train": TRAIN + "Fine Evening,yes,person\n"}, "TRN-03", {"leak"}),
        ({"train": TRAIN + "Fine Evening,yes,person\n"}, "QUA-07", {"in_train"}),
        ({"evaluation": EVALUATION + "made up,yes,model\n"}, "QUA-07", {"synthetic"}),
        ({"columns": ["text", "label"]}, "TRN-03", {"columns"}),
    ],
)
def test_planted_faults(
    changed: dict[str, Any], check: str, rules: set[str], subject: Path, verified: Verified
) -> None:
    declare(subject, **changed)
    outcome = verified(check)
    assert outcome.status == "fail", outcome
    assert {each.rule for each in outcome.findings} == rules
    assert "evening" not in str(outcome)


def test_nothing_is_not_applicable_and_undeclared_is_not_measured(subject: Path, verified: Verified) -> None:
    assert [verified(check).status for check in ALL] == ["not_applicable"] * 3
    (subject / "rows.jsonl").write_text("{}\n")
    assert [verified(check).status for check in ALL] == ["not_measured"] * 3
    declare(subject)
    assert [verified(check).status for check in ALL] == ["not_measured"] * 3
    told = json.loads((subject / "datasets.yaml").read_text()) | {"undeclared": {"rows.jsonl": "fixture of a test"}}
    (subject / "datasets.yaml").write_text(json.dumps(told))
    assert [verified(check).status for check in ALL] == ["pass"] * 3


def test_files_of_rows_that_are_no_data_sets(subject: Path, verified: Verified) -> None:
    (subject / "rows.jsonl").write_text("{}\n")
    (subject / "datasets.yaml").write_text("version: 1\nsets: {}\nundeclared: {rows.jsonl: fixture of a test}\n")
    assert [verified(check).status for check in ALL] == ["not_applicable"] * 3
    (subject / "datasets.yaml").write_text("version: 1\nsets: {}\n")
    assert [verified(check).status for check in ALL] == ["not_measured"] * 3


def test_rows_that_cannot_be_counted_as_synthetic_are_not_measured(subject: Path, verified: Verified) -> None:
    declare(subject, synthetic=None, synthetic_values=[])
    assert verified("TRN-02").status == "not_measured"
    declare(subject, synthetic=None, synthetic_values=[], no_synthetic="scans of forms on paper")
    assert verified("TRN-02").status == "pass"


def test_a_file_outside_of_the_root_is_not_read(subject: Path, verified: Verified) -> None:
    (subject.parent / "secret.csv").write_text(TRAIN)
    declare(subject, file="../secret.csv")
    assert verified("TRN-03").status == "not_measured"


@settings(deadline=None, max_examples=examples(60))
@given(content=st.binary(max_size=400), suffix=st.sampled_from([".csv", ".tsv", ".jsonl"]))
def test_any_bytes_are_rows_or_told_as_none(
    content: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("rows") / f"any{suffix}"
    file.write_bytes(content)
    for row in rows(file):
        assert row is None or all(isinstance(value, str) for value in row.values())


def test_an_item_is_the_same_whatever_its_case_width_and_spaces() -> None:
    same = {item_hash({"a": text, "b": "x"}, ("a",)) for text in ("Good  day", "good day ", "ＧＯＯＤ day")}
    assert len(same) == 1
    assert len({item_hash({"a": text}, ("a",)) for text in ("", " ", "\t")}) == 3  # blanks are all that there is
    assert item_hash({"a": "xy", "b": ""}, ("a", "b")) != item_hash({"a": "x", "b": "y"}, ("a", "b"))
