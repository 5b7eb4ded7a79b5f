"""QUA-07: no item of an evaluation is in training data or a cache, and none is synthetic."""

from __future__ import annotations

import dataclasses

from roadworthy.verify.dataset import judge
from roadworthy.verify.dataset.declaration import Role
from roadworthy.verify.dataset.facts import Index, examined
from roadworthy.verify.outcome import NotMeasured, Outcome, judged
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
        roles = {each.role for _, each, _ in sets}
        if Role.EVALUATION not in roles or not roles & {Role.TRAIN, Role.CACHE}:
            raise NotMeasured("No declared set is an evaluation, or none is training data or a cache.")
        findings = list(judge.of_evaluation(context.check, sets, index))
    context.evidence.write_json({name: each and dataclasses.asdict(each) for name, each in facts.items()}, "data sets")
    rows = sum(each.rows for *_, each in sets)
    return judged(f"{rows} rows of {len(sets)} data sets.", coverage=judge.coverage(said, files), findings=findings)
