"""How many bad answers the gate stops and how many good ones it lets pass, on a labelled corpus.

    python benchmarks/gateway/gate_power.py [--missed]

The corpus is tests/data/quality: `dev.jsonl` was in view while the rules were tuned, `held_out.jsonl` (a third,
drawn by hash) was not. Shares come with Wilson's 95 % interval (E. B. Wilson, 1927, Journal of the American Statistical
Association 22). Each answer is judged as on a route with the rules that its row names.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import msgspec

from roadworthy.gateway.providers.contract import Reply
from roadworthy.gateway.quality.choice import said
from roadworthy.gateway.quality.gate import Gate, judge_gated
from roadworthy.gateway.quality.json_text import unfenced
from roadworthy.gateway.quality.rule import Quality

DATA = Path(__file__).resolve().parents[2] / "tests" / "data" / "quality"
PARTS = ("dev", "held_out")


@dataclass(frozen=True)
class Row:
    """One labelled answer."""

    label: str
    kind: str
    lang: str
    rules: str
    text: str


def rows(part: str) -> list[Row]:
    """The labelled answers of one part of the corpus."""
    lines = (DATA / f"{part}.jsonl").read_text(encoding="utf-8").split("\n")
    return [Row(**json.loads(line)) for line in lines if line]


def gates() -> dict[str, Gate]:
    """A gate for every set of rules that rows name."""
    given = json.loads((DATA / "rules.json").read_text(encoding="utf-8"))
    return {name: Gate(msgspec.convert(rules, Quality), {}) for name, rules in given.items()}


def stopped(row: Row, gate: Gate) -> bool:
    """Whether the gate holds the answer back, after the one repair that needs no model."""

    def judge(text: str) -> bool:
        reply = Reply(b"", "", text, "stop")
        return judge_gated(said(reply, (), 1), "stop", gate, None, False) is not None

    if not judge(row.text):
        return False
    inner = unfenced(row.text) if gate.schema is not None else None
    return inner is None or judge(inner)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Bounds of the share `hits / total` at 95 %."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    middle = share + z * z / (2 * total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)


def right(row: Row, known: dict[str, Gate]) -> bool:
    """Whether the verdict is the label."""
    return stopped(row, known[row.rules]) == (row.label == "bad")


def main() -> int:
    """Print the shares by part, label and kind."""
    known = gates()
    for part in PARTS:
        results: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
        for row in rows(part):
            verdict = right(row, known)
            for kind in ("all", row.kind, f"in {row.lang}" if row.lang in ("en", "ko") else "in others"):
                results[row.label, kind].append(verdict)
            if not verdict and "--missed" in sys.argv:
                sys.stdout.write(f"  {row.label} {row.kind} {row.rules}: {row.text[:110]!r}\n")
        sys.stdout.write(f"\n{part}\n| answers | kind | right | share | 95 % |\n| --- | --- | --- | --- | --- |\n")
        for (label, kind), verdicts in sorted(results.items(), key=lambda item: (item[0][0], item[0][1] != "all")):
            hits, total = sum(verdicts), len(verdicts)
            low, high = wilson(hits, total)
            told = "stopped" if label == "bad" else "passed"
            sys.stdout.write(
                f"| {label} {told} | {kind} | {hits}/{total} | {hits / total:.3f} | {low:.3f}-{high:.3f} |\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
