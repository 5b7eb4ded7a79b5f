"""Recall and precision on presidio-research's synthetic set, for us and for Presidio in the same run.

    python benchmarks/guard/presidio_set.py synth_dataset_v2.json

The file is in the repository microsoft/presidio-research (data/synth_dataset_v2.json); it is not part of this one.
Scored are the six structured kinds. A value is found when each of its letters and digits is masked; a finding is right
when it touches a span of the six kinds, and wrong otherwise, also where it touches a name, a place or a date.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import presidio

from roadworthy.guard.corpus.report import Report, judged
from roadworthy.guard.corpus.sample import Label, Sample
from roadworthy.guard.corpus.score import detector, wilson
from roadworthy.guard.text.masker import TextMasker

KINDS = {
    "CREDIT_CARD": "CARD", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "IBAN_CODE": "IBAN", "US_SSN": "SSN",
    "IP_ADDRESS": "IP",
}  # fmt: skip


def samples(file: Path) -> list[Sample]:
    """The sentences with their structured spans."""
    given = []
    for number, row in enumerate(json.loads(file.read_text(encoding="utf-8"))):
        spans = [Label(each["start_position"], each["end_position"], each["entity_type"]) for each in row["spans"]]
        labels = tuple(sorted(each._replace(kind=KINDS[each.kind]) for each in spans if each.kind in KINDS))
        given.append(Sample(str(number), row["full_text"], labels, "en", "sentence", "public"))
    return given


def said(name: str, report: Report) -> None:
    """Print one side."""
    total = report.total
    damaged = report.score.negatives[1] + len(report.score.alarms)
    right = sum(tally.right for tally in report.score.kinds.values())
    wrong = sum(len(each.findings) for each in (*report.score.damages, *report.score.alarms))
    low, high = wilson(total.found, total.n)
    share = f"{right}/{right + wrong} = {right / max(1, right + wrong):.3f}"
    print(f"\n{name}: recall {total.found}/{total.n} = {total.found / total.n:.3f} ({low:.3f} to {high:.3f})")
    print(f"  precision {share}, sentences with a false alarm {damaged}")
    for row in report.kinds:
        print(f"  {row.name:8} {row.found:>4} of {row.n:>4}")
    wrong_kinds = Counter(str(each.kind) for damage in report.score.damages for each in damage.findings)
    print(f"  false alarms in sentences without a value: {dict(wrong_kinds)}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--misses", action="store_true", help="print what we miss")
    chosen = parser.parse_args()
    given = samples(chosen.file)
    ours = judged(detector(TextMasker()), given, 0)
    said("ours", ours)
    if chosen.misses:
        for miss in ours.score.misses:
            print("   missed", miss.label.kind, repr(miss.sample.text[miss.label.start : miss.label.end]))
        for damage in (*ours.score.damages, *ours.score.alarms):
            print("   wrong", [(each.kind, damage.sample.text[each.start : each.end]) for each in damage.findings])
    if not presidio.installed():
        print("Presidio is not installed: python benchmarks/guard/speed.py --install")
        return
    answers = presidio.analyzed(sample.text for sample in given)
    spans = {
        sample.text: [Label(*span) for span in answer.spans] for sample, answer in zip(given, answers, strict=True)
    }
    theirs = judged(lambda text: spans[text], given, 0)
    said("Presidio, patterns alone, threshold 0.35", theirs)


if __name__ == "__main__":
    main()
