"""REL-10: what the service takes while its disk or its databases are away is there afterwards, or was refused.

The faults and what must hold of records are REL-01's scenarios `disk_full` and `database_away`; here the whole service
runs, with its worker, and batches and files are handed to its queue meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Missing, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.outage import databases_locked, no_growth
from roadworthy.verify.service.queued import HandedOver, hand_over
from roadworthy.verify.service.scenario import play

FAULTS: dict[str, Callable[[Drill], AbstractContextManager[None]]] = {
    "disk_full": no_growth,
    "database_away": databases_locked,
}


def probe(context: Context) -> Outcome:
    """Both faults; each for the records of requests and, where there is one, for the queue."""
    queue = of_service(context).jobs.enabled
    count = int(context.settings["batches"])
    if count < 1:
        raise NotMeasured("The policy lets nothing be handed to the queue.")
    rows: list[dict[str, Any]] = []
    findings: list[Finding] = []
    missing: list[Missing] = []
    said: list[str] = []
    with drill(context, longest_s=None, whole=queue) as found:
        for number, (name, fault) in enumerate(FAULTS.items()):
            context.progress(f"{name}: records", 2 * number + 1, 2 * len(FAULTS))
            played = play(name, found)
            rows.append({"fault": name, "of": "records", "problems": played.problems, "timeline": played.timeline})
            findings += [wrong(context, "records", f"{name}: {each}.", name, each) for each in played.problems]
            if not played.executed:
                missing.append(Missing(name=f"{name}: records", reason=played.harmless or played.inapplicable))
            if queue:
                context.progress(f"{name}: queue", 2 * number + 2, 2 * len(FAULTS))
                handed = hand_over(found, fault(found), name, count)
                rows.append({"fault": name, "of": "queue", **handed.told})
                findings += [wrong(context, "queue", f"{name}: {each}.", name, each) for each in handed.problems]
                missing += _unfelt(name, handed)
                said.append(f"{name}: {handed.said}")
    context.evidence.write_json(rows, "records and queue while the disk and the databases were away")
    existing = len(FAULTS) * (1 + queue)
    coverage = Coverage(
        examined=existing - len(missing), existing=existing, missing=tuple(missing),
        how_counted="Existing: two faults, each for records and, where there is one, queue. Examined: those felt.",
    )  # fmt: skip
    what = "; ".join(said) or "the service keeps no queue"
    return judged(
        f"{len(findings)} things were neither queued nor refused in {existing} drills; {what}.",
        coverage=coverage, findings=findings,
    )  # fmt: skip


def _unfelt(name: str, handed: HandedOver) -> list[Missing]:
    if handed.felt or handed.problems:
        return []
    return [Missing(name=f"{name}: queue", reason="nothing was refused and nothing had to wait")]
