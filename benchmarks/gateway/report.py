"""Turns the results of a duel or of a fault matrix into tables: `report.py FILE [--svg FILE]` prints Markdown."""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

Results = dict[str, Any]
Value = float | None

# What our gateway must hold on one core with every feature on; the numbers are promises of the project.
BUDGETS: tuple[tuple[str, str, str, float], ...] = (
    ("requests per second at 16 clients, share of nginx", "rps_of_nginx", ">=", 0.30),
    ("CPU per request at 16 clients, us", "cpu_us", "<=", 60.0),
    ("CPU per streamed event at 64 streams, us", "cpu_us_event", "<=", 25.0),
    ("added p99 at 64 clients, 20 ms upstream, ms", "added_p99_ms", "<=", 2.0),
    ("memory idle, MB", "rss_idle_mb", "<=", 60.0),
    ("memory after the load, MB", "rss_after_mb", "<=", 80.0),
    ("start to first answer, s", "start_s", "<=", 0.5),
    ("answers that were not whole", "bad", "<=", 0.0),
)

# Work of other programs, in cores, up to which a run counts as undisturbed.
QUIET_CORES = 0.1

COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("start s", "start_s", 2),
    ("MB idle", "rss_idle_mb", 0),
    ("MB after", "rss_after_mb", 0),
    ("CPU us/request", "cpu_us", 0),
    ("CPU of nginx, times", "cpu_of_nginx", 1),
    ("requests/s, 16 clients", "rps", 0),
    ("requests/s, 64 clients", "rps_64", 0),
    ("of nginx", "rps_of_nginx", 3),
    ("of direct", "rps_of_direct", 3),
    ("p50 ms, 1 client", "p50_ms", 3),
    ("p99 ms, 1 client", "p99_ms", 3),
    ("added p99 ms, 64 clients, 20 ms", "added_p99_ms", 2),
    ("added first token ms, 16 streams", "added_first_ms", 2),
    ("CPU us/event, 16 streams", "cpu_us_event_16", 1),
    ("CPU us/event, 64 streams", "cpu_us_event", 1),
    ("bad answers", "bad", 0),
    ("other work, cores", "other_cores", 2),
)


def middle(values: Sequence[Value]) -> Value:
    """Median of what was measured, None when nothing was."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def summarise(runs: Sequence[Results]) -> dict[str, Value]:
    """Figures of one target: the median over its runs; ratios are made inside each run, then the median taken."""

    def figure(scenario: str, of: Callable[[Results], Value]) -> Value:
        return middle([of(run["scenarios"][scenario]) for run in runs if scenario in run["scenarios"]])

    def own(field: str) -> Callable[[Results], Value]:
        return lambda pair: pair["target"].get(field)

    def ratio(other: str, field: str = "rps") -> Callable[[Results], Value]:
        return lambda pair: pair["target"][field] / pair[other][field] if pair.get(other) else None

    def added(field: str) -> Callable[[Results], Value]:
        return lambda pair: pair["target"][field] - pair["direct"][field] if pair["target"][field] >= 0 else None

    samples = [pair["target"] for run in runs for pair in run["scenarios"].values()]
    return {
        "start_s": middle([run["start_s"] for run in runs]),
        "rss_idle_mb": middle([run["rss_idle_mb"] for run in runs]),
        "rss_after_mb": middle([run["rss_after_mb"] for run in runs]),
        "cpu_us": figure("plain-16", own("cpu_us")),
        "cpu_of_nginx": figure("plain-16", ratio("nginx", "cpu_us")),
        "rps": figure("plain-16", own("rps")),
        "rps_64": figure("plain-64", own("rps")),
        "rps_of_nginx": figure("plain-16", ratio("nginx")),
        "rps_of_direct": figure("plain-16", ratio("direct")),
        "p50_ms": figure("plain-1", own("p50_ms")),
        "p99_ms": figure("plain-1", own("p99_ms")),
        "added_p99_ms": figure("slow-64", added("p99_ms")),
        "added_first_ms": figure("stream-16", added("first_p50_ms")),
        "cpu_us_event_16": figure("stream-16", own("cpu_us_event")),
        "cpu_us_event": figure("stream-64", own("cpu_us_event")),
        "bad": float(sum(sum(map(_bad, pair.values())) for run in runs for pair in run["scenarios"].values())),
        "other_cores": max((s["other_cores"] for s in samples), default=None),
    }


def _bad(sample: Results | None) -> int:
    fields = ("not_200", "failed", "cut", "without_done", "error_events")
    return sum(sample.get(field, 0) for field in fields) if sample else 0


def judge(summary: dict[str, Value]) -> list[tuple[str, str, Value, bool | None]]:
    """Each budget as (what, limit, measured, held); held is None where nothing was measured."""
    rows: list[tuple[str, str, Value, bool | None]] = []
    for what, field, sign, limit in BUDGETS:
        found = summary.get(field)
        held = None if found is None else (found >= limit if sign == ">=" else found <= limit)
        rows.append((what, f"{sign} {limit:g}", found, held))
    return rows


def show(value: Value, digits: int) -> str:
    """A figure for people; what is unknown is a dash, never a nought."""
    return "-" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns also line up as plain text."""
    widths = [max(len(str(row[i])) for row in (head, *rows)) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, rows)])


def duel_text(results: Results) -> str:
    """The tables of a duel: figures (one row per figure, one column per gateway), budgets, what is missing."""
    names = list(results["summary"])
    rows = [[title, *(show(results["summary"][n].get(f), d) for n in names)] for title, f, d in COLUMNS]
    machine, settings = results["machine"], results["settings"]
    parts = [
        f"{results['made']}, {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, "
        f"nginx {machine['nginx']}, commit {machine['commit']}; median of {settings['runs']} runs, "
        f"{settings['secs']} s per sample" + (", with a key" if settings.get("with_key") else ""),
        table(["one gateway process on one core", *names], rows),
    ]
    if "own" in results["summary"]:
        verdicts = {True: "held", False: "MISSED", None: "not measured"}
        judged = [[w, limit, show(v, 3), verdicts[held]] for w, limit, v, held in judge(results["summary"]["own"])]
        parts.append(table(["budget of our gateway", "limit", "measured", "verdict"], judged))
    noise = max((s["other_cores"] or 0.0 for s in results["summary"].values()), default=0.0)
    if noise > QUIET_CORES:
        parts.append(f"NOT QUIET: other programs used up to {noise:.2f} cores; do not quote these figures.")
    parts += [f"{name}: not measured. {why}" for name, why in results["not_measured"].items()]
    return "\n\n".join(parts)


def faults_text(results: Results) -> str:
    """The table of a fault matrix and how many rows are right."""
    parts = []
    for name, rows in results["targets"].items():
        cells = [[str(r["row"]), r["fault"], r["verdict"], r["seen"], r["calls"], show(r["ms"], 1)] for r in rows]
        count = Counter(r["verdict"] for r in rows)
        parts.append(
            f"{name}: {count['right']} of {len(rows)} right, {count['slow']} right but slow, {count['WRONG']} wrong"
        )
        head = ["#", "fault at the first provider", "verdict", "what the client saw", "calls", "ms"]
        parts.append(table(head, cells))
        parts += [f"- {r['fault']}: {'; '.join(r['faulty'])}" for r in rows if r["faulty"]]
    parts += [f"{name}: not measured. {why}" for name, why in results["not_measured"].items()]
    return "\n\n".join(parts)


def svg(results: Results) -> str:
    """Bars of CPU per request on a logarithmic scale, one per gateway: shorter is better."""
    bars = [(n, s["cpu_us"]) for n, s in results["summary"].items() if s.get("cpu_us")]
    width, left, step = 720, 110, 38
    top = math.ceil(math.log10(max((value for _, value in bars), default=10)))
    height = 60 + step * len(bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="14">',
        "<title>CPU per request, microseconds, one core (logarithmic, shorter is better)</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<text x="10" y="22" fill="#1f2933">CPU per request, microseconds (logarithmic, shorter is better)</text>',
    ]
    for i, (name, value) in enumerate(bars):
        y, length = 40 + step * i, (width - left - 90) * math.log10(max(value, 1)) / top
        colour = "#1d6fb8" if name == "own" else "#9aa5b1"
        lines += [
            f'<text x="{left - 10}" y="{y + 18}" text-anchor="end" fill="#1f2933">{name}</text>',
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="26" fill="{colour}"/>',
            f'<text x="{left + length + 8:.1f}" y="{y + 18}" fill="#1f2933">{show(value, 0)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    """Print the Markdown of a results file; with --svg write the plot too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="results of duel.py or faults.py")
    parser.add_argument("--svg", type=Path, help="write the bars of a duel to this file")
    given = parser.parse_args()
    results: Results = json.loads(given.file.read_text())
    print(duel_text(results) if results["kind"] == "duel" else faults_text(results))
    if given.svg and results["kind"] == "duel":
        given.svg.write_text(svg(results))


if __name__ == "__main__":
    main()
