"""What each feature costs: CPU per request and per streamed event, with it and without it, in turns.

python benchmarks/gateway/features.py [--secs 3] [--runs 3]

Every run of a feature follows at once on one without any; the difference is taken inside that pair, then the median
over the runs. The upper end of the table is what all of them cost together.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import target as targets
from load import Scenario, measure
from machine import compile_tools, default_home, description, isolate
from upstream import Upstream

SCENARIOS = (Scenario("plain-16", "mock-plain", 16), Scenario("stream-16", "mock-stream", 16, stream=True))
FEATURES = ("all", "budget", "gate", "mode", "prompt", "cache", "guard", "answers")


def cost(home: Path, features: str, secs: float) -> dict[str, float]:
    """CPU of our gateway with these features, in microseconds, by scenario."""
    plain = targets.own(home)
    program, _ = targets.start(replace(plain, env={**plain.env, "FEATURES": features}), home)
    found: dict[str, float] = {}
    with program:
        for scenario in SCENARIOS:
            measure(scenario, plain.port, 0.5, home)
            sample = measure(scenario, plain.port, secs, home, cpu_s=lambda: program.usage().cpu_s)
            if sample["not_200"] or sample.get("failed") or sample.get("without_done"):
                raise RuntimeError(f"{features or 'nothing'}: {sample}")
            found[scenario.name] = sample["cpu_us_event" if scenario.stream else "cpu_us"]
    return found


def main() -> int:
    """Prints a table, and writes features.json below the home folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--secs", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    isolate()
    compile_tools(given.home)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in FEATURES}
    bases: list[dict[str, float]] = []
    with Upstream(given.home, targets.UPSTREAM_PORT):
        for run in range(given.runs):
            for name in FEATURES:
                print(f"run {run + 1} of {given.runs}: {name}", file=sys.stderr)
                base, with_it = cost(given.home, "", given.secs), cost(given.home, name, given.secs)
                bases.append(base)
                rows[name].append({scenario: with_it[scenario] - base[scenario] for scenario in base})
    table = {name: {one: statistics.median(pair[one] for pair in pairs) for one in pairs[0]}
             for name, pairs in rows.items()}  # fmt: skip
    table["none"] = {one: statistics.median(base[one] for base in bases) for one in bases[0]}
    (given.home / "features.json").write_text(json.dumps({"machine": description(), "us": table, "pairs": rows}))
    print(f"{'feature':10} {'us a request':>14} {'us an event':>14}")
    print(f"{'none':10} {table['none']['plain-16']:14.1f} {table['none']['stream-16']:14.1f}")
    for name in FEATURES:
        print(f"{name:10} {table[name]['plain-16']:+14.1f} {table[name]['stream-16']:+14.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
