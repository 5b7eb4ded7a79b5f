"""Text that wants to be slow: worst time at 10 KB, and growth from 20 to 40 KB.

    python benchmarks/guard/hostile.py [--random 300] [--seed 1]

Inputs: every trigger repeated, structures that open and never close, digits with separators, quotes and backslashes,
long runs, and random recombinations of all these by seed. Times are seconds of the thread on a core. Every input is run
once at 10 and 20 KB; the slowest and the fastest growing again at all sizes, the best of three. Growth counts only
where 40 KB take more than 20 ms, because small times are noise.
"""

from __future__ import annotations

import argparse
import time

from roadworthy.guard.corpus.hostile import HOSTILE, LIMITS, hostile, recombined
from roadworthy.guard.text.masker import TextMasker

SIZES = (5_000, 10_000, 20_000, 40_000)
LOOKED_AT = 40
NOISE_S = 0.020
HOPELESS_S = 1.0
"""An input that takes so long at one size is not tried at a larger one."""


def seconds(masker: TextMasker, text: bytes, times: int) -> float:
    """The best of some runs."""
    best = float("inf")
    for _ in range(times):
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
    first = {unit: seconds(masker, hostile(unit, 10_000), 1) for unit in units}
    hopeless = [unit for unit in units if first[unit] > HOPELESS_S]
    for unit in hopeless:
        half = seconds(masker, hostile(unit, 5_000), 1)
        print(f"HOPELESS {first[unit]:.2f} s at 10 KB, {first[unit] / half:.2f} times 5 KB: {unit[:60]!r}", flush=True)
        del units[unit]
    longer = {unit: seconds(masker, hostile(unit, 20_000), 1) for unit in units}
    suspects = dict.fromkeys(sorted(units, key=lambda unit: -longer[unit])[:LOOKED_AT])
    suspects |= dict.fromkeys(sorted(units, key=lambda unit: -longer[unit] / first[unit])[:LOOKED_AT])
    rows = []
    for unit in suspects:
        times = [seconds(masker, hostile(unit, size), 3) for size in SIZES]
        growth = max(times[2] / times[1], times[3] / times[2]) if times[3] > NOISE_S else None
        rows.append((times[1], growth, times, unit))
    rows.sort(key=lambda row: -row[0])
    print(f"{len(units)} inputs, {len(rows)} of them at every size")
    print(f"ms at {', '.join(f'{size // 1000} KB' for size in SIZES)}; the first time at 10 KB; growth")
    for _, growth, times, unit in rows[: chosen.most]:
        shown = " ".join(f"{each * 1e3:8.2f}" for each in (*times, first[unit]))
        print(f"{shown} {'-' if growth is None else f'{growth:.2f}':>6}  {unit[:60]!r}")
    print(f"worst at 10 KB: {rows[0][0] * 1e3:.1f} ms, the first time {max(first.values()) * 1e3:.1f} ms "
          f"(asked: {LIMITS.ms_at_10_kb:g})")  # fmt: skip
    worst = max(((growth, unit) for _, growth, _, unit in rows if growth is not None), default=None)
    if worst is not None:
        print(f"worst growth for twice the text: {worst[0]:.2f} (asked: {LIMITS.growth:g}) {worst[1][:60]!r}")


if __name__ == "__main__":
    main()
