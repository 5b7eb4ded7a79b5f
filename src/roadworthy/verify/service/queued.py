"""Work handed to the queue of a service while something is away: what it takes must be done, the rest refused aloud."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from roadworthy.client.batch import BatchClient
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import GatewayError
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.service.drill import Drill

ENDPOINT = "/v1/chat/completions"
ANSWER_S = 20.0
FELT_S = 1.0
"""A hand-over that takes longer had to wait."""
_READY_S, _DONE_S = 20.0, 40.0


@dataclass
class HandedOver:
    """What became of batches and files that were sent during a fault.

    Attributes:
        batches: Ids of those that were taken; the first just before the fault.
        files: Content by id of those that were taken.
        refused: How often each error code was told.
        slowest_s: Of all hand-overs.
        problems: What did not hold; empty is good.
    """

    batches: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def felt(self) -> bool:
        """Whether the fault was met: something was refused or had to wait."""
        return bool(self.refused) or self.slowest_s > FELT_S

    @property
    def told(self) -> dict[str, Any]:
        """For the evidence."""
        return {
            "batches": self.batches, "files": sorted(self.files), "refused": dict(self.refused),
            "slowest_s": round(self.slowest_s, 3), "problems": self.problems,
        }  # fmt: skip

    @property
    def said(self) -> str:
        """One line for people."""
        return f"{len(self.batches)} batches and {len(self.files)} files taken, {sum(self.refused.values())} refused"


def hand_over(drill: Drill, fault: AbstractContextManager[None], name: str, count: int) -> HandedOver:
    """Send `count` batches and as many files during the fault, and look for what was taken when it is over.

    One more batch is taken just before, so that its end, too, may fall into the fault.

    Raises:
        NotMeasured: The queue takes nothing even before the fault.
    """
    found = HandedOver()
    line = drill.lines[0].name
    asked = _uploaded(drill, lines(line, f"{name} before"), _READY_S)
    if asked is None:
        raise NotMeasured("The queue of the second edge takes nothing even before the fault.")
    _batch(drill, asked, f"{name} before", found)
    if not found.batches:
        raise NotMeasured(f"The queue of the second edge takes no batch even before the fault: {_codes(found)}.")
    with fault, ThreadPoolExecutor(count) as pool:
        running = [pool.submit(_batch, drill, asked, f"{name} {at}", found) for at in range(count)]
        running += [pool.submit(_file, drill, lines(line, f"{name} {at}"), found) for at in range(count)]
        for each in running:
            each.result()
    _look_for(drill, found)
    if _uploaded(drill, lines(line, f"{name} after"), _READY_S) is None:
        found.problems.append("The queue takes nothing any more after the fault")
    return found


def _client(drill: Drill) -> BatchClient:
    return BatchClient(drill.edge.url, drill.key, timeout_s=ANSWER_S)


def lines(model: str, text: str) -> bytes:
    """A file of one request."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return json.dumps({"custom_id": "1", "method": "POST", "url": ENDPOINT, "body": body}).encode() + b"\n"


def _uploaded(drill: Drill, content: bytes, limit_s: float) -> str | None:
    """The id of a file of requests; None when the worker, which starts after the edge, takes none in that time."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            with _client(drill) as client:
                return client.upload("before.jsonl", io.BytesIO(content))
        except GatewayError:
            time.sleep(0.25)
    return None


def _codes(found: HandedOver) -> str:
    return ", ".join([*found.refused, *found.problems]) or "no reason was given"


def _batch(drill: Drill, file_id: str, name: str, found: HandedOver) -> None:
    begin = time.monotonic()
    try:
        with _client(drill) as client:
            found.batches.append(client.create(file_id, ENDPOINT, name).id)
    except GatewayError as problem:
        _refused(found, problem, "A batch")
    found.slowest_s = max(found.slowest_s, time.monotonic() - begin)


def _file(drill: Drill, content: bytes, found: HandedOver) -> None:
    begin = time.monotonic()
    try:
        with _client(drill) as client:
            found.files[client.upload("meanwhile.jsonl", io.BytesIO(content))] = content
    except GatewayError as problem:
        _refused(found, problem, "A file")
    found.slowest_s = max(found.slowest_s, time.monotonic() - begin)


def _refused(found: HandedOver, problem: GatewayError, what: str) -> None:
    if isinstance(problem, RemoteError) and problem.code:
        found.refused[problem.code] += 1
    else:
        found.problems.append(f"{what} got no answer that says what became of it")


def _look_for(drill: Drill, found: HandedOver) -> None:
    left, end = list(found.batches), time.monotonic() + _DONE_S
    ends: dict[str, str] = {}
    while left and time.monotonic() < end:
        ends.update({each: _end(drill, each) for each in left})
        left = [each for each in left if ends[each] in ("", "away")]
        time.sleep(0.25 if left else 0.0)
    bad = Counter(how or "not done" for how in ends.values() if how != "completed")
    for how, number in sorted(bad.items()):
        found.problems.append(f"{number} batches were taken during the fault and afterwards are {how}")
    lost = sum(_content(drill, file_id) != content for file_id, content in found.files.items())
    if lost:
        found.problems.append(f"{lost} files were taken during the fault and afterwards are not what was sent")


def _end(drill: Drill, batch_id: str) -> str:
    """How a batch ended; empty while it is worked on, `away` while nobody tells."""
    try:
        with _client(drill) as client:
            batch = client.get(batch_id)
    except RemoteError as problem:
        return "unknown" if problem.code == "not_found" else "away"
    except GatewayError:
        return "away"
    if not batch.over:
        return ""
    return batch.status if batch.completed == batch.total else f"{batch.status} without all answers"


def _content(drill: Drill, file_id: str) -> bytes | None:
    try:
        with _client(drill) as client:
            return b"".join(client.content(file_id))
    except GatewayError:
        return None
