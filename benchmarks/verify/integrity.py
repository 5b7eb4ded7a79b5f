"""Our hashing of a folder against bare hashlib on as many threads, in turns in one run, over the same warm files.

    python benchmarks/verify/integrity.py [--files 28] [--mib 8] [--threads 2] [--rounds 5] [--folder DIR]

Ours: the walk, the hashing with its checks for files that change, the manifest and its JSON. Bare: `os.open`, reads of
1 MiB into a buffer, `hashlib.sha256`, nothing else. The size asked of us is --files 28 --mib 248 (6.9 GB on disk,
removed afterwards). The ratios are those of the best rounds, by the clock and by seconds on cores; memory is the peak
of this process over what it had before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from roadworthy.verify.integrity.baseline import create, survey
from roadworthy.verify.integrity.manifest import statement

MIB = 1 << 20


def bare(path: Path) -> str:
    """SHA-256 of one file with nothing around it."""
    sha256, view = hashlib.sha256(), memoryview(bytearray(MIB))
    handle = os.open(path, os.O_RDONLY)
    try:
        while count := os.readv(handle, [view]):
            sha256.update(view[:count])
    finally:
        os.close(handle)
    return sha256.hexdigest()


def ours(folder: Path, threads: int) -> dict[str, str]:
    """Name and digest of each file, by the product, as far as the bytes of the manifest."""
    found = survey(folder, threads=threads)
    assert not found.oddities, found.oddities
    manifest = create(folder, found, datetime.now(UTC))
    json.dumps(statement(manifest))
    return {content.name: content.digest for content in manifest.contents}


def raw(folder: Path, threads: int) -> dict[str, str]:
    """The same by bare hashlib."""
    paths = list(folder.iterdir())
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip((path.name for path in paths), pool.map(bare, paths), strict=True))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=28)
    parser.add_argument("--mib", type=int, default=8, help="of each file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the files are made for the run")
    chosen = parser.parse_args()
    size = chosen.files * chosen.mib * MIB
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-", dir=chosen.folder))
    try:
        if shutil.disk_usage(folder).free < 2 * size:
            raise SystemExit(f"{folder} has no room for {size:,} bytes.")
        block = os.urandom(4 * MIB)
        for number in range(chosen.files):
            with (folder / f"model-{number:03}.bin").open("wb") as file:
                left = chosen.mib * MIB
                while left:
                    left -= file.write(block[: min(left, len(block) - number)])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        best = {raw: float("inf"), ours: float("inf")}
        on_core = dict(best)
        answers = []
        for _ in range(chosen.rounds):
            for way in (raw, ours):
                start, cpu = time.perf_counter(), time.process_time()
                answers.append(way(folder, chosen.threads))
                best[way] = min(best[way], time.perf_counter() - start)
                on_core[way] = min(on_core[way], time.process_time() - cpu)
        assert all(answer == answers[0] for answer in answers), "the digests differ"
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    finally:
        shutil.rmtree(folder)
    print(f"{chosen.files} files, {size / 1e9:.2f} GB, {chosen.threads} threads, best of {chosen.rounds} rounds, warm")
    for name, way in (("bare hashlib", raw), ("roadworthy", ours)):
        print(f"{name:14}{best[way]:8.3f} s {size / best[way] / 1e6:9.0f} MB/s  {on_core[way]:8.3f} s on cores")
    print(f"ratio         {best[raw] / best[ours]:8.3f}   (asked: at least 0.95)")
    print(f"  on cores    {on_core[raw] / on_core[ours]:8.3f}   (other processes of a busy machine do not count in it)")
    print(f"memory grown  {grown:8.1f} MiB (asked: at most 64)")


if __name__ == "__main__":
    main()
