"""How fast text is masked, beside Presidio, a plain `re` masker, RE2 rule by rule, and Hyperscan as the gate.

    python benchmarks/guard/speed.py [--mb 12] [--install] [--out result.json]

Everything runs in one process on one core, Presidio in its own beside it, one after the other. Times are seconds of
the thread on a core (`CLOCK_THREAD_CPUTIME_ID`), so that other programs of the machine do not count, as far as they
leave the caches alone. Two texts: the log of a gateway, whose lines have few shapes, and lines of the corpus, each of
another shape.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import log_lines
import presidio
import re2

from roadworthy.guard.text.kind import mark
from roadworthy.guard.text.line import UNUSUAL
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.pattern import Pattern, options
from roadworthy.guard.text.rule import Rule
from roadworthy.guard.text.rules.all import RULES
from roadworthy.guard.text.scanner import Scanner

BLOCK = 64 * 1024
PRESIDIO_LINES = 400
Mask = Callable[[bytes], Any]

PLAIN = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rb"[\w.+-]+@[\w-]+\.[\w.-]+", b"***EMAIL_MASKED***"),
        (rb"\+?\d{1,3}[ -]?\(?\d{2,3}\)?[ -]?\d{3,4}[ -]?\d{4}", b"***PHONE_MASKED***"),
        (rb"\b(?:\d[ -]?){13,16}\b", b"***CARD_MASKED***"),
        (rb"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", b"***IP_MASKED***"),
        (rb"\b\d{3}-\d{2}-\d{4}\b", b"***SSN_MASKED***"),
        (rb"\b\d{6}-[1-8]\d{6}\b", b"***RRN_MASKED***"),
        (rb"\bsk-[A-Za-z0-9_-]{20,}", b"***MASKED***"),
        (rb"(?i)(password|token|secret|api_key)\s*[=:]\s*\S+", rb"\1=***MASKED***"),
    )
)
"""What services write by hand: eight patterns, one after the other."""


def plain(line: bytes) -> bytes:
    """The hand-written masker."""
    for pattern, replacement in PLAIN:
        line = pattern.sub(replacement, line)
    return line


def one_by_one(rules: Sequence[Rule]) -> Mask:
    """Every rule's pattern searched for alone by RE2, no gate and no check."""
    compiled = [(re2.compile(rule.pattern.encode(), options()), mark(rule.kind)) for rule in rules]

    def run(line: bytes) -> bytes:
        found = [(pattern.search(line), replacement) for pattern, replacement in compiled]
        for match, replacement in found:
            if match is not None:
                line = line.replace(match.group(1), replacement) if match.group(1) else line
        return line

    return run


@functools.cache
def hyperscan_gate(rules: tuple[Rule, ...]) -> tuple[Mask, list[str], float] | None:
    """A prototype: whether any rule's trigger is in a line; the patterns that Hyperscan refuses; compile seconds."""
    try:
        import hyperscan
    except ImportError:
        return None
    flag = hyperscan.HS_FLAG_SINGLEMATCH
    expressions, refused = [], []
    start = time.perf_counter()
    for name, pattern in [*((rule.name, rule.trigger) for rule in rules), ("unusual", UNUSUAL)]:
        try:
            hyperscan.Database().compile(expressions=[pattern.encode()], ids=[0], elements=1, flags=[flag])
            expressions.append(pattern.encode())
        except hyperscan.error as refusal:
            refused.append(f"{name}: {refusal}")
    database = hyperscan.Database()
    count = len(expressions)
    database.compile(expressions=expressions, ids=list(range(count)), elements=count, flags=[flag] * count)
    hit: list[int] = []

    def seen(number: int, begin: int, end: int, flags: int, context: object) -> bool:
        hit.append(number)
        return True  # stop at the first

    def gate(line: bytes) -> bool:
        hit.clear()
        try:
            database.scan(line, match_event_handler=seen)
        except hyperscan.ScanTerminated:
            return True
        return bool(hit)

    return gate, refused, time.perf_counter() - start


def measured(name: str, mask: Mask, lines: Sequence[bytes]) -> dict[str, Any]:
    """Megabytes a second and the middle and the tail of a line's time."""
    clock, times = time.thread_time_ns, []
    for line in lines:
        start = clock()
        mask(line)
        times.append(clock() - start)
    size = sum(len(line) + 1 for line in lines)
    return row(name, size, [each / 1e9 for each in times])


def row(name: str, size: int, times: list[float]) -> dict[str, Any]:
    """One row of the table."""
    ordered = sorted(times)
    return {
        "name": name, "mb_s": size / 1e6 / sum(times), "p50_us": ordered[len(ordered) // 2] * 1e6,
        "p99_us": ordered[int(len(ordered) * 0.99)] * 1e6, "lines": len(times),
    }  # fmt: skip


def in_blocks(name: str, masker: TextMasker, lines: Sequence[bytes]) -> dict[str, Any]:
    """The same text in blocks of 64 KiB, as a file is masked."""
    text = b"\n".join(lines)
    blocks, start = [], 0
    while start < len(text):
        end = text.find(b"\n", start + BLOCK)
        end = len(text) if end < 0 else end + 1
        blocks.append(text[start:end])
        start = end
    measurement = measured(name, masker.mask_bytes, blocks)
    return {**measurement, "p50_us": None, "p99_us": None}


def compared(lines: Sequence[bytes], peers: bool) -> list[dict[str, Any]]:
    """All rows for one text. The first row is what a fresh process does; the rest is warm."""
    masker = TextMasker()
    first = lines[: len(lines) // 4]
    rows = [measured("ours, per line, first quarter of a fresh process", masker.mask_bytes, first)]
    rows.append(measured("ours, per line", masker.mask_bytes, lines))
    rows.append(in_blocks("ours, blocks of 64 KiB", masker, lines))
    if not peers:
        return rows
    sample = lines[:: max(1, len(lines) // 20_000)]
    rules = tuple(rule for rule in RULES if not rule.block)
    rows.append(measured("plain re, 8 patterns by hand", plain, sample))
    rows.append(measured(f"RE2, {len(rules)} rules one by one, no checks", one_by_one(rules), sample))
    rows += with_hyperscan(masker, rules, lines)
    if presidio.installed():
        few = sample[:: max(1, len(sample) // PRESIDIO_LINES)]
        answers = presidio.analyzed(line.decode() for line in few)
        size = sum(len(line) + 1 for line in few)
        rows.append(row("Presidio, patterns alone", size, [answer.seconds for answer in answers]))
    return rows


def with_hyperscan(masker: TextMasker, rules: tuple[Rule, ...], lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """The gate alone, and the whole with Hyperscan in front of everything."""
    prototype = hyperscan_gate(rules)
    if prototype is None:
        return []
    gate, refused, seconds = prototype
    print(f"Hyperscan compiled in {seconds:.1f} s and refused {len(refused)}: {'; '.join(refused) or 'none'}")
    alternation = Pattern("|".join([*(rule.trigger for rule in rules), UNUSUAL])).search
    gates = Scanner(RULES)._gates  # what the masker runs over every line, and nothing of what follows

    def ours(line: bytes) -> None:
        for each in gates:
            for _ in each.lines(line):
                pass

    def whole(line: bytes) -> bytes:
        return masker.mask_bytes(line) if gate(line) else line

    return [
        measured("gate alone: one RE2 alternation of all rules", alternation, lines[: len(lines) // 4]),
        measured(f"gate alone: ours, {len(gates)} RE2 alternations", ours, lines),
        measured("gate alone: Hyperscan, all rules", gate, lines),
        measured("ours behind a Hyperscan gate, per line", whole, lines),
    ]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """For a terminal; ratios are to the first row that masks per line, warm."""
    ours = rows[1]["mb_s"]
    lines = [f"{'':52}{'MB/s':>9}{'p50 us':>9}{'p99 us':>9}{'ours / this':>13}"]
    for each in rows:
        p50, p99 = ("-" if each[key] is None else f"{each[key]:.0f}" for key in ("p50_us", "p99_us"))
        lines.append(f"{each['name']:52}{each['mb_s']:>9.3f}{p50:>9}{p99:>9}{ours / each['mb_s']:>13.2f}")
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=12, help="size of the log; the varied text is a quarter of it")
    parser.add_argument("--install", action="store_true", help="put Presidio into its folder first")
    parser.add_argument("--alone", action="store_true", help="without peers")
    parser.add_argument("--out", type=Path, help="also write JSON")
    chosen = parser.parse_args()
    if chosen.install:
        presidio.install()
    if not presidio.installed() and not chosen.alone:
        print("Presidio is not installed: run with --install; not measured")
    result: dict[str, Any] = {"load": os.getloadavg()[0], "rules": len(RULES)}
    for name, lines in (("log", log_lines.log(chosen.mb)), ("varied", log_lines.varied(chosen.mb / 4))):
        size = sum(len(line) + 1 for line in lines) / 1e6
        print(f"\n{name}: {size:.1f} MB, {len(lines)} lines, {100 * log_lines.DIRTY:g} % dirty")
        result[name] = compared(lines, not chosen.alone)
        print(table(result[name]), flush=True)
    print(f"\nload average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: over 1 others took part of the caches")
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
