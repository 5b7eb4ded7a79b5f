"""Precision and recall of the semantic cache on the labelled pairs, over thresholds, with and without the vetoes.

python benchmarks/gateway/semantic/measure.py [--plot precision.png]

Prints one table per split; exit 1 when the threshold in force misses precision 0.99 on all pairs. Bounds: E. B. Wilson,
"Probable Inference, the Law of Succession, and Statistical Inference", 1927, 95 %. Pairs of one group share texts, so
the bounds are narrower than independent pairs would give.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from roadworthy.gateway.cache.encoder import load
from roadworthy.gateway.cache.veto import veto
from roadworthy.gateway.settings import SemanticSettings

HERE = Path(__file__).parent
THRESHOLDS = [round(0.80 + 0.01 * step, 2) for step in range(19)]
LEAST_PRECISION = 0.99
Z = 1.959964


class Pair(NamedTuple):
    """Two questions, whether one answer does for both, and what was found."""

    split: str
    language: str
    kind: str
    same: bool
    one: str
    other: str
    score: float
    veto: str


class Row(NamedTuple):
    """What a threshold does."""

    threshold: float
    hits: int
    right: int
    precision: float | None
    low: float | None
    recall: float


def wilson_low(right: int, hits: int) -> float | None:
    """Lower 95 % bound of a share; None without any."""
    if not hits:
        return None
    share = right / hits
    middle = share + Z * Z / (2 * hits)
    return (middle - Z * math.sqrt(share * (1 - share) / hits + Z * Z / (4 * hits * hits))) / (1 + Z * Z / hits)


def row(pairs: Sequence[Pair], threshold: float, vetoes: bool) -> Row:
    """Precision and recall at one threshold."""
    hits = [pair for pair in pairs if pair.score >= threshold and not (vetoes and pair.veto)]
    right = sum(pair.same for pair in hits)
    recall = right / (sum(pair.same for pair in pairs) or 1)
    return Row(threshold, len(hits), right, right / len(hits) if hits else None, wilson_low(right, len(hits)), recall)


def read(model: str) -> list[Pair]:
    """Every labelled pair with its similarity and veto."""
    encode = load(model)
    vectors: dict[str, Any] = {}

    def vector(text: str) -> Any:
        if text not in vectors:
            vectors[text] = encode(text)
        return vectors[text]

    found = []
    for path in sorted(HERE.glob("pairs-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            one, other = pair["a"], pair["b"]
            score = float(vector(one) @ vector(other))
            found.append(
                Pair(pair["split"], pair["language"], pair["kind"], pair["same"], one, other, score, veto(one, other))
            )
    return found


def report(name: str, pairs: Sequence[Pair], threshold: float) -> None:
    """One table."""
    print(f"\n{name}: {len(pairs)} pairs, {sum(pair.same for pair in pairs)} of them with the same meaning")
    print("threshold  hits  right  precision  wilson low  recall   without vetoes: hits  precision  recall")
    for each in THRESHOLDS:
        with_, bare = row(pairs, each, True), row(pairs, each, False)
        mark = " <" if math.isclose(each, threshold) else ""
        print(
            f"{each:9.2f} {with_.hits:5d} {with_.right:6d} {_share(with_.precision):>10} {_share(with_.low):>11} "
            f"{with_.recall:7.3f} {bare.hits:22d} {_share(bare.precision):>10} {bare.recall:7.3f}{mark}"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def plot(pairs: Sequence[Pair], threshold: float, path: Path) -> None:
    """Precision and recall over the threshold, with and without the vetoes, as a PNG; needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=110)
    for vetoes, style in ((True, "-"), (False, "--")):
        rows = [row(pairs, each, vetoes) for each in THRESHOLDS]
        said = "with vetoes" if vetoes else "similarity alone"
        axes.plot(THRESHOLDS, [each.precision for each in rows], style, color="tab:blue", label=f"precision, {said}")
        axes.plot(THRESHOLDS, [each.recall for each in rows], style, color="tab:orange", label=f"recall, {said}")
        if vetoes:
            axes.fill_between(
                THRESHOLDS, [each.low or 0 for each in rows], [1.0] * len(rows), color="tab:blue", alpha=0.12,
                label="precision, 95 % Wilson",
            )  # fmt: skip
    axes.axvline(threshold, color="black", linewidth=1, label=f"threshold in force, {threshold:g}")
    axes.set(xlabel="cosine similarity that counts as the same", ylabel="share", ylim=(0, 1.02))
    axes.set_title(f"Semantic cache on {len(pairs)} labelled pairs, English and Korean")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main() -> int:
    """Entry point."""
    settings = SemanticSettings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--threshold", type=float, default=settings.threshold)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    started = time.perf_counter()
    pairs = read(settings.model)
    print(f"model {settings.model}, {len(pairs)} pairs, {time.perf_counter() - started:.1f} s with loading")
    for split in ("tune", "held_out", "final"):
        report(split, [pair for pair in pairs if pair.split == split], arguments.threshold)
    for language in ("en", "ko"):
        report(f"all, {language}", [pair for pair in pairs if pair.language == language], arguments.threshold)
    report("all", pairs, arguments.threshold)
    in_force = row(pairs, arguments.threshold, True)
    worst = max((pair for pair in pairs if not pair.same and not pair.veto), key=lambda pair: pair.score)
    print(f"\nnearest wrong pair that no veto stops: {worst.score:.3f} {worst.one!r} {worst.other!r}")
    if arguments.plot is not None:
        plot(pairs, arguments.threshold, arguments.plot)
    good = in_force.precision is not None and in_force.precision >= LEAST_PRECISION
    print(f"precision at {arguments.threshold:g}: {_share(in_force.precision)} ({'good' if good else 'too low'})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
