"""Bombs, depth, and work beyond the budget: a finding, little memory, and an end."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

import pytest

from rig.model_bytes import EVIL_4, PLAIN, zipped
from roadworthy.runtime.executor import InlineExecutor
from roadworthy.verify.artifact.dispatch import Surroundings, judge_source
from roadworthy.verify.artifact.inspection import Inspection, Limits
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Held
from roadworthy.verify.artifact.tree import find, scan

SMALL = Limits(
    opcode_bytes=10_000, unpacked_bytes=1 << 20, ratio=50, ratio_floor=1 << 16, members=20, depth=4, text_bytes=1000
)


def rules(data: bytes) -> set[str]:
    inspection = Inspection(SMALL)
    judge_source(Held(data), inspection)
    assert inspection.verdict is not Verdict.CLEAN
    return {reason.rule for reason in inspection.reasons}


def nested(depth: int) -> bytes:
    data = PLAIN
    for _ in range(depth):
        data = zipped({"a": data})
    return data


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (gzip.compress(b"\x80\x04" + b"\0" * (1 << 20)), "archive.bomb"),
        (zlib.compress(b"a" * (1 << 20)), "archive.bomb"),
        (zipped({"a": b"a" * (1 << 20)}, zipfile.ZIP_DEFLATED), "archive.bomb"),
        (zipped({f"{at}": PLAIN for at in range(30)}), "budget.spent"),
        (nested(6), "budget.spent"),
        (b"\x80\x04" + b"N0" * 10_000 + b"N.", "budget.spent"),
        (b"{" + b'"a": [' * 300, "budget.spent"),
    ],
)
def test_what_is_too_much_is_said(data: bytes, rule: str) -> None:
    assert rule in rules(data)


def test_an_attack_in_front_of_the_limit_is_still_told() -> None:
    assert "pickle.import.dangerous" in rules(EVIL_4[:-1] + b"N0" * 10_000 + b".")


def test_archives_inside_of_archives_are_opened() -> None:
    inspection = Inspection()
    judge_source(Held(nested(3)), inspection)
    assert inspection.verdict is Verdict.CLEAN
    assert "pickle" in inspection.formats


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    many = b"\x80\x04" + b"".join(b"cm%d\nn\n0" % at for at in range(5000)) + b"N."
    inspection = Inspection()
    judge_source(Held(many), inspection)
    assert len(inspection.reasons) == 201
    assert "4800 more" in inspection.reasons[-1].what


def test_an_attack_in_the_elements_of_a_tensor_is_told_even_when_the_walk_ends_for_memory() -> None:
    inspection = Inspection()
    data = EVIL_4[:-1] + b"N" * 2_000_000 + b"."
    judge_source(Held(data), inspection, Surroundings("data/0", raw_storage=True))
    assert "pickle.import.dangerous" in {reason.rule for reason in inspection.reasons}


def test_a_file_that_is_unsafe_many_times_over_is_not_walked_to_its_end() -> None:
    inspection = Inspection()
    judge_source(Held(b"\x80\x04cbuiltins\nset\n" + b")R" * 1_000_000 + b"."), inspection)
    assert inspection.verdict is Verdict.UNSAFE
    assert inspection.left["opcode_bytes"] > inspection.limits.opcode_bytes - 200_000
    assert "file.more" in {reason.rule for reason in inspection.reasons}


@pytest.mark.parametrize("size", [3_000, 300_000])
def test_what_is_only_unverifiable_is_walked_to_its_end(size: int) -> None:
    inspection = Inspection()
    judge_source(Held(b"\x80\x04" + b"NQ0" * size + b"cos\nsystem\n)R."), inspection)
    assert "pickle.import.dangerous" in {reason.rule for reason in inspection.reasons}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x95" + b"\xff" * 7 + b"\x7fN.",
        b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fN.",
        b"\x80\x04\x8d" + b"\xff" * 8 + b".",
    ],
)
def test_a_length_beyond_every_number_of_the_kernel(data: bytes, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(gzip.compress(data) if packed else data)
    (report,) = scan(find([path]), InlineExecutor())
    assert report.verdict is Verdict.UNVERIFIABLE
