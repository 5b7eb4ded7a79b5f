"""REL-08: a backup that is made under load, restored into nothing, gives a service that knows what the first one knew.

The second edge works: it answers, makes a key, does a batch where there is a queue. What it knows then has digests. It
is backed up while more requests come, killed, its state put away; the backup is restored, a service started on it and
asked for the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from typing import Any

from roadworthy.client.batch import BatchClient
from roadworthy.core.errors import GatewayError
from roadworthy.verify.outcome import Coverage, Finding, Missing, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.played import asked
from roadworthy.verify.service.queued import ENDPOINT, lines

BEFORE, MEANWHILE, RATE_PER_S = 24, 100, 25.0
FOLDER = "backup"
_RECORDED_S, _DONE_S = 15.0, 40.0
_LAG = "roadworthy_journal_lag_entries"
WHAT = {
    "records": "the records of requests",
    "chain": "the head of the chain at that entry",
    "keys": "the keys",
    "batches": "the batch",
    "files": "the contents of its files",
}


def probe(context: Context) -> Outcome:
    """Work, back up, lose everything, restore, compare."""
    queue = of_service(context).jobs.enabled
    findings: list[Finding] = []
    with drill(context, longest_s=None, whole=queue) as played:
        context.progress("work", 1, 4)
        answered = _worked(played)
        batch = _batch_done(played) if queue else ""
        before = _known(played, batch)
        _something_to_lose(before)
        context.progress("backup", 2, 4)
        questions = [Question(played.lines[0].name, f"Meanwhile {at}") for at in range(MEANWHILE)]
        with played.meanwhile(lambda: played.ask(questions, rate_per_s=RATE_PER_S)) as replies:
            trouble = _step(played, "create")
        refused = sum(each.status != 200 for each in replies)
        played.edge.kill()
        played.edge.state_dir.rename(played.edge.folder / "lost")
        context.progress("restore", 3, 4)
        restored = time.time()
        trouble = trouble or _step(played, "restore") or _started(played)
        context.progress("compare", 4, 4)
        after = {} if trouble else _known(played, batch, list(before["records"]))
        forget_rotations(before, after, restored)
        serves = not trouble and played.one(played.lines[0].name).status == 200
    told = {name: [_digest(before[name]), _digest(after.get(name))] for name in before}
    context.evidence.write_json(
        {"answered": answered, "refused_meanwhile": refused, "trouble": trouble, "serves": serves, "digests": told},
        "what was known before the backup and after the restore",
    )
    if trouble:
        findings.append(wrong(context, "failed", trouble))
    else:
        findings += [_lost(context, name) for name, (was, now) in told.items() if was != now]
        if not serves:
            findings.append(wrong(context, "serves", "It does not serve after the restore."))
    if refused:
        findings.append(wrong(context, "refused", f"{refused} requests were refused while the backup was made."))
    coverage = Coverage(
        examined=len(before), existing=len(WHAT) if queue else len(before),
        missing=tuple(Missing(name=name) for name in WHAT if queue and name not in before),
        how_counted="Existing: records, chain, keys and, where there is a queue, batches and files.",
    )  # fmt: skip
    equal = sum(was == now for was, now in told.values())
    return judged(
        f"{equal} of {len(told)} digests are equal after a backup under load and a restore into nothing.",
        coverage=coverage, findings=findings,
    )  # fmt: skip


def _something_to_lose(before: dict[str, Any]) -> None:
    """What is not told before the backup would be equal to what is lost after it."""
    if not before["records"]:
        raise NotMeasured("The second edge has no records of what it did, so nothing could be lost.")
    if not before["chain"][0]:
        raise NotMeasured("The chain of records of the second edge is broken before the backup.")
    silent = [WHAT[name] for name, value in before.items() if not value]
    if silent:
        raise NotMeasured(f"The second edge does not tell {' and '.join(silent)} before the backup.")


def _lost(context: Context, name: str) -> Finding:
    return wrong(context, name, f"After the restore {WHAT[name]} are not what they were.", name)


def _worked(played: Drill) -> int:
    replies = asked(played, BEFORE, "before")
    answered = sum(each.status == 200 for each in replies)
    if answered != BEFORE:
        raise NotMeasured("The second edge serves nothing even with healthy providers.")
    played.edge.create_key("kept", "--scope", "use")
    if not played.until(lambda: played.scrape().total(_LAG) == 0, _RECORDED_S):
        raise NotMeasured("The second edge does not come to write its records.")
    return answered


def _batch_done(played: Drill) -> str:
    """The id of a batch that has its answers."""
    end, why = time.monotonic() + _DONE_S, "it was not done in time"
    batch_id = ""
    while time.monotonic() < end:
        try:
            with BatchClient(played.edge.url, played.key, timeout_s=10.0) as client:
                if not batch_id:
                    file_id = client.upload("b.jsonl", io.BytesIO(lines(played.lines[0].name, "backup")))
                    batch_id = client.create(file_id, ENDPOINT, "backup").id
                if client.get(batch_id).status == "completed":
                    return batch_id
        except GatewayError as problem:  # the worker starts after the edge
            why = problem.what
        time.sleep(0.25)
    raise NotMeasured(f"The queue of the second edge does no batch: {why}")


def _known(played: Drill, batch_id: str, wanted: list[str] | None = None) -> dict[str, Any]:
    """What the service knows: entries by number, those that are wanted, the head of their chain, keys, batch, files."""
    found = played.edge.command("gateway", "journal", "tail", "-n", "10000").get("entries", [])
    entries = {str(each.get("sequence")): each for each in found}
    entries = {number: each for number, each in entries.items() if wanted is None or number in wanted}
    whole = played.edge.chain_whole()
    known: dict[str, Any] = {
        "records": entries,
        "chain": [whole, list(entries.values())[-1].get("hash") if entries else None],
        "keys": played.edge.command("key", "list").get("keys"),
    }
    if batch_id:
        try:
            with BatchClient(played.edge.url, played.key, timeout_s=10.0) as client:
                batch = client.get(batch_id)
                known["batches"] = batch._asdict()
                known["files"] = b"".join(client.content(batch.output_file_id or "")).decode("utf-8", "replace")
        except GatewayError:
            known.setdefault("batches", None)
            known.setdefault("files", None)
    return known


def forget_rotations(before: dict[str, Any], after: dict[str, Any], since: float) -> None:
    """Leave out when keys were rotated that the restored service rotated at its start: its self-test has such a key."""
    keys = [*(before.get("keys") or ()), *(after.get("keys") or ())]
    rotated = {each.get("id") for each in keys if (each.get("rotated_at") or 0.0) >= since}
    for each in keys:
        if each.get("id") in rotated:
            each["rotated_at"] = None


def _step(played: Drill, verb: str) -> str:
    """Run one of the product's commands; what went wrong, empty when nothing did."""
    try:
        played.edge.command("backup", verb, FOLDER, timeout_s=60.0)
    except NotMeasured as problem:
        return str(problem)
    return ""


def _started(played: Drill) -> str:
    try:
        played.edge.start()
    except NotMeasured as problem:
        return f"After the restore it does not start: {problem}"
    return ""


def _digest(known: Any) -> str:
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
