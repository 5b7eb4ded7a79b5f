"""TRN-02: every data set is the declared one, and how much of it is synthetic is counted from its rows."""

from __future__ import annotations

import dataclasses

from roadworthy.verify.dataset import judge
from roadworthy.verify.dataset.facts import Index, examined
from roadworthy.verify.outcome import Coverage, Measure, Missing, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Compare the files with their declaration."""
    opened = judge.opened(context)
    if isinstance(opened, Outcome):
        return opened
    said, files = opened
    with Index(context.scratch) as index:
        facts = examined(context, said.sets, index)
    context.evidence.write_json({name: each and dataclasses.asdict(each) for name, each in facts.items()}, "data sets")
    sets = judge.held(said.sets, facts)
    unknown = [
        Missing(name=f"synthetic rows of {shown(name)}", reason=each.no_synthetic)
        for name, each, each_facts in sets if each_facts.synthetic is None
    ]  # fmt: skip
    found = judge.coverage(said, files)
    coverage = Coverage(
        examined=found.examined + len(sets) - len(unknown),
        existing=found.existing + len(sets),
        how_counted=f"{found.how_counted} And for each set whether its synthetic rows can be counted.",
        missing=(*found.missing, *unknown),
    )
    measured = [
        Measure(name=f"synthetic share of {shown(name)}", value=judge.synthetic_share(each), unit="1", n=each.rows)
        for name, _, each in sets
    ]
    findings = list(judge.of_origin(context.check, sets))
    return judged(f"{len(sets)} data sets, {sum(each.rows for *_, each in sets)} rows.", coverage=coverage,
                  findings=findings, measured=measured)  # fmt: skip
