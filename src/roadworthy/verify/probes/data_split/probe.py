"""TRN-03: rows are rows, labels are sane, nothing stands twice or in two splits."""

from __future__ import annotations

import dataclasses

from roadworthy.verify.dataset import judge
from roadworthy.verify.dataset.facts import Index, examined
from roadworthy.verify.outcome import Outcome, judged
from roadworthy.verify.probe import Context


def probe(context: Context) -> Outcome:
    """Look through the rows of the declared sets."""
    opened = judge.opened(context)
    if isinstance(opened, Outcome):
        return opened
    said, files = opened
    with Index(context.scratch) as index:
        facts = examined(context, said.sets, index)
        sets = judge.held(said.sets, facts)
        findings = list(judge.of_rows(context.check, sets, index))
    context.evidence.write_json({name: each and dataclasses.asdict(each) for name, each in facts.items()}, "data sets")
    rows = sum(each.rows for *_, each in sets)
    return judged(f"{rows} rows of {len(sets)} data sets.", coverage=judge.coverage(said, files), findings=findings)
