"""At least 95 of 100 bad answers are stopped, and as many good ones pass, in the corpus and in its held-out third."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def power() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate_power", ROOT / "benchmarks" / "gateway" / "gate_power.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gate_power"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("part", ["dev", "held_out"])
@pytest.mark.parametrize("label", ["bad", "good"])
def test_power(power: ModuleType, part: str, label: str) -> None:
    known = power.gates()
    rows = [row for row in power.rows(part) if row.label == label]
    wrong = [row for row in rows if not power.right(row, known)]
    assert len(wrong) <= 0.05 * len(rows), [row.text[:80] for row in wrong]


def test_the_corpus_is_large_and_varied(power: ModuleType) -> None:
    rows = [row for part in power.PARTS for row in power.rows(part)]
    assert min(Counter(row.label for row in rows).values()) >= 200
    assert min(Counter((row.label, row.lang) for row in rows if row.lang in ("en", "ko")).values()) >= 60
    assert len({(row.rules, row.text) for row in rows}) == len(rows)
    assert len({row.kind for row in rows}) >= 20


def test_wilson_as_in_tables(power: ModuleType) -> None:
    low, high = power.wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert power.wilson(0, 0) == (0.0, 1.0)
