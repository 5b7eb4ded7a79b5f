"""Floods of opcodes: streamed, in little memory, seen to the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rig.flood import flood
from roadworthy.verify.artifact.dispatch import judge_source
from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Held

_RUN = """
import re, sys
from pathlib import Path
from roadworthy.runtime.executor import InlineExecutor
from roadworthy.verify.artifact.tree import find, scan
report = list(scan(find([Path(sys.argv[1])]), InlineExecutor()))[-1]
peak = int(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
print(report.verdict.value, peak, *{reason.rule for reason in report.reasons})
"""
MOST_MIB = 64


def _flooded(path: Path, kind: str, size: int) -> list[str]:
    pieces = {
        "calm": (b"\x80\x04", b"K\x010N0", b"N."),
        "evil": (b"\x80\x04", b"K\x010N0", b"cos\nsystem\n)R."),
        "push": (b"\x80\x04", b"N", b"."),
        "memo": (b"\x80\x04", b"N\x940", b"N."),
        "tuples": (b"\x80\x04", b"(" + b"J\x01\x02\x03\x04" * 16 + b"t", b"."),
        "dicts": (b"\x80\x04", b"}K\x01K\x02s", b"."),
        "marks": (b"\x80\x04", b"(", b"N."),
        "calls": (b"\x80\x04cbuiltins\nset\nq\x000", b"h\x00)R0", b"N."),
        "states": (b"\x80\x04cbuiltins\nset\nq\x000h\x00)\x81", b"}b", b"."),
        "frames": (b"\x80\x04", b"\x95\x02\0\0\0\0\0\0\0N0", b"N."),
        "single tuples": (b"\x80\x04N", b"\x85", b"."),
        "pairs": (b"\x80\x04N", b"N\x86", b"."),
        "keys": (b"\x80\x04}", b"NNs", b"."),
        "calls of results": (b"\x80\x04cbuiltins\nset\n", b")R", b"."),
        "codes": (b"\x80\x04", b"\x82\x010", b"N."),
        "persistent": (b"\x80\x04", b"NQ0", b"N."),
        "empty frames": (b"\x80\x04", b"\x95\0\0\0\0\0\0\0\0", b"N."),
    }
    head, body, tail = pieces[kind]
    path.write_bytes(head + body * (size // len(body)) + tail)
    run = subprocess.run(
        [sys.executable, "-c", _RUN, str(path)], capture_output=True, text=True, check=True, timeout=300
    )
    return run.stdout.split()


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("calm", "clean"), ("evil", "unsafe"), ("tuples", "unverifiable"), ("push", "unverifiable"), ("frames", "clean")],
)
def test_a_small_flood(tmp_path: Path, kind: str, verdict: str) -> None:
    found, mebibytes, *_ = _flooded(tmp_path / "flood.pkl", kind, 6_000_000)
    assert found == verdict
    assert int(mebibytes) <= MOST_MIB


@pytest.mark.parametrize(
    "kind",
    ["LONG_BINPUT far apart", "dtypes kept", "pairs of an array", "BINPERSID of torch, new long texts", "pushed"],
)
def test_what_a_pickle_keeps_is_bounded(tmp_path: Path, kind: str) -> None:
    """Two files after each other: nothing of the first is left."""
    for name in ("one.pkl", "two.pkl"):
        (tmp_path / name).write_bytes(flood(kind, 1_500_000))
    run = subprocess.run(
        [sys.executable, "-c", _RUN, str(tmp_path)], capture_output=True, text=True, check=True, timeout=300
    )
    assert int(run.stdout.split()[1]) <= MOST_MIB


def test_arrays_that_are_opcodes_as_well_are_not_walked_again_and_again(tmp_path: Path) -> None:
    """A plain unpickler reads on behind each of them, and so would whoever looks at each in both ways."""
    spent = _work(flood("arrays of a byte", 40_000))
    assert spent < 16 << 20


@pytest.mark.slow
def test_many_arrays_of_objects_are_clean() -> None:
    inspection = Inspection()
    judge_source(Held(flood("arrays of objects", 600_000)), inspection)
    assert inspection.verdict is Verdict.CLEAN


def _work(data: bytes) -> int:
    inspection = Inspection()
    before = inspection.left["opcode_bytes"]
    judge_source(Held(data), inspection)
    assert inspection.verdict is Verdict.UNVERIFIABLE
    return before - inspection.left["opcode_bytes"]


@pytest.mark.long
@pytest.mark.parametrize(
    "kind",
    [
        "calm", "evil", "push", "memo", "tuples", "dicts", "marks", "calls", "states", "frames", "empty frames",
        "single tuples", "pairs", "keys", "calls of results", "codes", "persistent",
    ],
)  # fmt: skip
def test_a_flood_of_46_megabytes(tmp_path: Path, kind: str) -> None:
    found, mebibytes, *_ = _flooded(tmp_path / "flood.pkl", kind, 46_000_000)
    clean = dict.fromkeys(
        ("calm", "calls", "states", "frames", "empty frames", "single tuples", "pairs", "keys"), "clean"
    )
    unsafe = dict.fromkeys(("evil", "calls of results", "codes"), "unsafe")
    assert found == (clean | unsafe).get(kind, "unverifiable")
    assert int(mebibytes) <= MOST_MIB
