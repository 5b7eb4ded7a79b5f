"""Text that wants to be slow: worst time at 10 KB, and growth from 20 to 40 KB.

    python benchmarks/guard/hostile.py [--random 300] [--seed 1]

Inputs: every trigger repeated, structures that open and never close, digits with separators, quotes and backslashes,
long runs, and random recombinations of all these by seed. Times are seconds of the thread on a core, the best of three;
growth counts only where 40 KB take more than 2 ms, because small times are noise.
"""

from __future__ import annotations

import argparse
import time

from roadworthy.guard.corpus.hostile import HOSTILE, LIMITS, hostile, recombined
from roadworthy.guard.text.masker import TextMasker

SIZES = (5_000, 10_000, 20_000, 40_000)


def seconds(masker: TextMasker, text: bytes) -> float:
    """The best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        masker.mask_bytes(text)
        best = min(best, time.thread_time() - start)
    return best


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=300, help="recombinations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=15, help="rows printed")
    chosen = parser.parse_args()
    units = dict.fromkeys(HOSTILE) | dict.fromkeys(recombined(chosen.seed + number) for number in range(chosen.random))
    masker = TextMasker()
    rows = []
    for unit in units:
        cold_start = time.thread_time()
        masker.mask_bytes(hostile(unit, 10_000))
        cold = time.thread_time() - cold_start
        times = [seconds(masker, hostile(unit, size)) for size in SIZES]
        growth = max(times[2] / times[1], times[3] / times[2]) if times[3] > 2e-3 else None
        rows.append((times[1], growth, cold, times, unit))
    rows.sort(key=lambda row: -row[0])
    print(f"{len(rows)} inputs. ms at {', '.join(f'{size // 1000} KB' for size in SIZES)}; first time at 10 KB; growth")
    for _, growth, cold, times, unit in rows[: chosen.most]:
        shown = " ".join(f"{each * 1e3:8.2f}" for each in times)
        print(f"{shown} {cold * 1e3:8.2f} {'-' if growth is None else f'{growth:.2f}':>6}  {unit[:60]!r}")
    growths = [(growth, unit) for _, growth, _, _, unit in rows if growth is not None]
    worst = max(growths, default=None)
    print(f"worst at 10 KB {rows[0][0] * 1e3:.1f} ms (asked: {LIMITS.ms_at_10_kb:g}); first time "
          f"{max(row[2] for row in rows) * 1e3:.1f} ms")  # fmt: skip
    if worst is not None:
        print(f"worst growth for twice the text {worst[0]:.2f} (asked: {LIMITS.growth:g}): {worst[1][:60]!r}")


if __name__ == "__main__":
    main()
