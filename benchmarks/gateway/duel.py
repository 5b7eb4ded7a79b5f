"""Our gateway, nginx and LiteLLM in front of the same mock provider, each alone on the last core.

python benchmarks/gateway/duel.py [--secs 3] [--runs 3] [--targets own nginx litellm]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import report
import target as targets
from load import SCENARIOS, Sample, Scenario, measure
from machine import CORES, Pinned, compile_tools, default_home, description, isolate, missing, stop
from target import Target
from upstream import Upstream

WARM_UP = (SCENARIOS[1], SCENARIOS[4])
BUILDERS = {"own": targets.own, "nginx": targets.nginx, "litellm": targets.litellm}


class Duel:
    """One measurement: the folder, the seconds of one sample, the mock provider that is running."""

    def __init__(self, home: Path, secs: float, scenarios: tuple[Scenario, ...], upstream: Upstream) -> None:
        self.home, self.secs, self.scenarios, self.upstream = home, secs, scenarios, upstream

    def sample(self, scenario: Scenario, port: int, program: Pinned | None, headers: tuple[str, ...] = ()) -> Sample:
        """One sample of one port; `program` is the gateway that listens there, None for the provider itself."""
        return measure(
            scenario,
            port,
            self.secs,
            self.home,
            headers,
            cpu_s=lambda: program.usage().cpu_s if program else 0.0,
            mock_cpu_s=lambda: self.upstream.program.usage().cpu_s,
        )

    def run(self, target: Target, beside: Target | None) -> dict[str, Any]:
        """Start a gateway, put every scenario on it, stop it.

        Each sample of it follows at once on one of the provider alone and one of nginx (`beside`), so that a ratio
        never compares two moods of the machine.
        """
        other, _ = targets.start(beside, self.home) if beside else (None, 0.0)
        try:
            program, start_s = targets.start(target, self.home)
            with program:
                return {"start_s": start_s} | self._scenarios(target, program, beside, other)
        finally:
            if other:
                other.__exit__()

    def _scenarios(
        self, target: Target, program: Pinned, beside: Target | None, other: Pinned | None
    ) -> dict[str, Any]:
        time.sleep(0.5)
        idle = program.usage()
        for scenario in WARM_UP:
            measure(scenario, target.port, 1, self.home, target.headers)
        found: dict[str, Any] = {}
        for scenario in self.scenarios:
            found[scenario.name] = {
                "direct": self.sample(scenario, self.upstream.port, None),
                "nginx": self.sample(scenario, beside.port, other) if beside else None,
                "target": self.sample(scenario, target.port, program, target.headers),
            }
        time.sleep(1.0)
        after = program.usage()
        return {
            "rss_idle_mb": idle.rss_mb,
            "rss_after_mb": after.rss_mb,
            "processes": after.processes,
            "scenarios": found,
        }


def arguments() -> argparse.Namespace:
    """What the caller asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", choices=list(BUILDERS), default=list(BUILDERS))
    parser.add_argument("--secs", type=float, default=3, help="length of one sample in seconds, at least 1")
    parser.add_argument("--runs", type=int, default=3, help="runs per target; the median is shown")
    parser.add_argument("--scenarios", nargs="+", choices=[s.name for s in SCENARIOS], help="only these")
    parser.add_argument("--home", type=Path, default=default_home(), help="tools, logs and results (%(default)s)")
    parser.add_argument("--out", type=Path, help="results file (default: HOME/duel.json)")
    parser.add_argument("--with-key", action="store_true", help="our gateway asks for a key and gets one")
    parser.add_argument("--install", action="store_true", help="install LiteLLM under HOME, then stop")
    parser.add_argument("--shared-network", action="store_true", help="do not use a network of its own")
    given = parser.parse_args()
    if given.secs < 1 or given.runs < 1:
        parser.error("--secs and --runs must be at least 1")
    return given


def choose(given: argparse.Namespace) -> tuple[list[Target], dict[str, str]]:
    """The targets that are there, and for each other one why it is not."""
    built = [
        targets.own(given.home, with_key=given.with_key) if name == "own" else BUILDERS[name](given.home)
        for name in given.targets
    ]
    return [t for t in built if t.absent is None], {t.name: t.absent for t in built if t.absent}


def play(given: argparse.Namespace, there: list[Target], absent: dict[str, str]) -> dict[str, list[Any]]:
    """All runs of all targets; a target that does not start or breaks moves to `absent` with the reason."""
    found: dict[str, list[Any]] = {}
    scenarios = tuple(s for s in SCENARIOS if not given.scenarios or s.name in given.scenarios)
    beside = targets.nginx(given.home)
    with Upstream(given.home, targets.UPSTREAM_PORT) as upstream:
        duel = Duel(given.home, given.secs, scenarios, upstream)
        for i in range(given.runs):
            for target in there:
                if target.name in absent:
                    continue
                print(f"run {i + 1} of {given.runs}: {target.name}", file=sys.stderr, flush=True)
                needs_nginx = target.name != "nginx" and beside.absent is None
                try:
                    found.setdefault(target.name, []).append(duel.run(target, beside if needs_nginx else None))
                except RuntimeError as error:
                    absent[target.name] = str(error)
                    found.pop(target.name, None)
    return found


def main() -> int:
    """Measure, write the JSON, print the tables.

    Returns:
        0 every budget of ours held; 1 one missed; 4 ours was not measured (0 when it was not asked for).
    """
    given = arguments()
    given.home.mkdir(parents=True, exist_ok=True)
    if given.install:
        targets.install_litellm(given.home)
        return 0
    for tool in ("gcc", "wrk", "taskset"):
        if absence := missing(tool):
            stop("The duel cannot run.", absence.partition(";")[0], absence.partition("with: ")[2], 4)
    compile_tools(given.home)
    alone = not given.shared_network and isolate()
    there, absent = choose(given)
    found = play(given, there, absent)
    results: dict[str, Any] = {
        "kind": "duel",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": description(),
        "settings": {
            "secs": given.secs,
            "runs": given.runs,
            "network_of_its_own": alone,
            "with_key": given.with_key,
            "one_core_for_all": CORES < 2,
            "litellm": targets.LITELLM,
        },
        "summary": {name: report.summarise(runs) for name, runs in found.items()},
        "not_measured": absent,
        "runs": found,
    }
    out = given.out or given.home / "duel.json"
    fresh = out.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(results, indent=1) + "\n")
    fresh.replace(out)
    print(report.duel_text(results))
    print(f"\nresults: {out}", file=sys.stderr)
    if "own" not in given.targets:
        return 0
    if "own" not in found:
        return 4
    return 0 if all(held is not False for *_, held in report.judge(results["summary"]["own"])) else 1


if __name__ == "__main__":
    raise SystemExit(main())
