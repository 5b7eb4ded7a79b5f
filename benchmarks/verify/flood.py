"""How fast floods of pickle opcodes are scanned, of every kind that could be thought of, the slowest first.

    python benchmarks/verify/flood.py [--megabytes 3] [--best-of 2] [--only WORD]

The kinds are those of `tests/rig/flood.py`. A figure is the processor time of one scan, and the peak memory of its
process. The speed of the kind NONE, which is literals and nothing else, says how busy the machine was.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from rig.flood import flood, kinds

_RUN = """
import re, sys, time
from pathlib import Path
from roadworthy.runtime.executor import InlineExecutor
from roadworthy.verify.artifact.tree import find, scan
path, best = Path(sys.argv[1]), 1e9
scan(find([path.with_name("warm.pkl")]), InlineExecutor())
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    (report,) = scan(find([path]), InlineExecutor())
    best = min(best, time.process_time() - start)
peak = int(re.search("VmHWM:\\\\s+(\\\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(report.verdict.value, best, peak, report.reasons[-1].rule if report.reasons else "-")
"""


def main() -> None:
    """Make each file, scan it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=3)
    parser.add_argument("--best-of", type=int, default=2)
    parser.add_argument("--only", default="", help="kinds with this word in their name")
    parser.add_argument("--gzip", action="store_true", help="packed: the speed is that of the unpacked bytes")
    asked = parser.parse_args()
    print(f"{'MB/s':>7} {'MiB':>5}  {'said':12} kind", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flood.pkl"
        path.with_name("warm.pkl").write_bytes(b"\x80\x04N.")
        for kind in kinds():
            if asked.only in kind:
                data = flood(kind, int(asked.megabytes * 1e6))
                path.write_bytes(gzip.compress(data, 1) if asked.gzip else data)
                row = _measured(path, asked.best_of, len(data), kind)
                print(row[1], file=sys.stderr, flush=True)
                rows.append(row)
    print(*(line for _, line in sorted(rows)), sep="\n")


def _measured(path: Path, best_of: int, size: int, kind: str) -> tuple[float, str]:
    command = [sys.executable, "-c", _RUN, str(path), str(best_of)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    except subprocess.TimeoutExpired:
        return 0.0, f"{'-':>7} {'-':>5}  {'no end':12} {kind}"
    said, spent, peak, rule = run.stdout.split()
    speed = size / 1e6 / float(spent)
    return speed, f"{speed:7.1f} {float(peak):5.0f}  {said:12} {kind} ({rule})"


if __name__ == "__main__":
    main()
