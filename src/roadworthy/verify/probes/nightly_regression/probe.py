"""OBS-05: the newest night of each set of cases is good and not older than 26 hours."""

from __future__ import annotations

import time

from roadworthy.verify.instant import seconds
from roadworthy.verify.nightly.run import Night, State
from roadworthy.verify.nightly.store import Store
from roadworthy.verify.outcome import Coverage, Missing, NotMeasured, Outcome, finding, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown

MOST_HOURS = 26


def probe(context: Context) -> Outcome:
    """Read the nights; none is run here."""
    store = Store(context.root / str(context.settings["nights"]))
    newest: dict[str, Night] = {}
    places: dict[str, str] = {}
    for place, night in store.nights():
        if newest.setdefault(night.name, night) is night:
            places[night.name] = place.name
    # A newer night that cannot be read may have been a bad one.
    unknown = {name for name in newest if any(place.name > places[name] for place in store.damaged(name))}
    wanted = [str(each) for each in context.settings["cases"]] or sorted(newest)
    if not wanted:
        raise NotMeasured("There are no nights; `roadworthy verify nightly` makes them.")
    context.evidence.write_json(
        {name: {"state": each.state, "ended": each.ended, "reasons": each.reasons} for name, each in newest.items()},
        "newest nights that can be read",
    )
    now = time.time()
    in_time, findings, missing = 0, [], []
    for name in wanted:
        there = newest.get(name)
        age = None if there is None else (now - seconds(there.ended)) / 3600
        known = there is not None and there.state is not State.UNKNOWN and name not in unknown
        if there is None or age is None or not known or not -0.1 <= age <= MOST_HOURS:
            missing.append(Missing(name=shown(name)))
            continue
        in_time += 1
        if there.state is State.BAD:
            said = f"{shown(name)}: {shown(' '.join(there.reasons))[:500]}"
            findings.append(finding(context.check, "regression", said, key=(name, there.started)))
    coverage = Coverage(
        examined=in_time, existing=len(wanted), missing=tuple(missing),
        how_counted=f"Sets of cases, and those with a night that ended within {MOST_HOURS} hours and found out.",
    )  # fmt: skip
    return judged(f"{in_time} of {len(wanted)} sets of cases ran in time.", coverage=coverage, findings=findings)
