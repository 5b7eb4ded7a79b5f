"""The lasting form of a finished request: one JSON object, the same in the journal and in the log line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from roadworthy.core.ports import Entry
from roadworthy.gateway.finished import Finished
from roadworthy.runtime.log import Log, timestamp

KIND = "request.finished"
PACKED_KIND = "requests.finished"
PACK_FROM = 32
"""So many requests in one go become one entry: rows of their own would double the price of remembering them."""


class AttemptRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """One attempt; what is unknown or empty is left out. Milliseconds to three places."""

    provider: str
    model: str
    reason: str
    latency_ms: float
    status: int | None = None
    detail: str = ""
    cost_usd: float | None = None
    cost_estimated: bool = False
    tokens: int | None = None
    repair: str = ""
    issues: Mapping[str, object] | None = None
    hedge: bool = False


class RequestRecord(msgspec.Struct, gc=False):
    """One request, with the attributes of `Finished`; what is unknown is null; no mode or prompt, none told."""

    request_id: str
    at: float
    endpoint: str
    route: str
    key_id: str
    stream: bool
    status: int
    code: str
    served_by: str
    latency_ms: float
    first_token_ms: float | None
    overhead_ms: float
    prompt_tokens: int | None
    completion_tokens: int | None
    fallback: str
    quality: str
    stub_used: bool
    cache: str
    cache_age_s: float | None
    attempts: list[AttemptRecord]
    cost_usd: float | None
    mode_requested: str | msgspec.UnsetType = msgspec.UNSET
    mode_served: str | msgspec.UnsetType | None = msgspec.UNSET
    mode_reason: str | msgspec.UnsetType = msgspec.UNSET
    prompt: str | msgspec.UnsetType = msgspec.UNSET
    prompt_language: str | msgspec.UnsetType = msgspec.UNSET
    hedge: str | msgspec.UnsetType = msgspec.UNSET


class Written(NamedTuple):
    """What a batch became.

    Attributes:
        entries: One journal entry for each record that could be written down.
        lines: Log lines in order; more than one for a request that fell back.
        unwritable: Ids of requests whose record is no text that UTF-8 can hold.
    """

    entries: list[Entry]
    lines: list[bytes]
    unwritable: list[str]


_TIMES_KEPT = 1_000
_QUALITY_PASSED = {"passed": "true", "failed": "false", "not-gated": "null"}


class RequestWriter:
    """Turns finished requests into journal entries and log lines.

    A log line is `{"time":…,"level":…,"event":"request",…,"msg":"runtime stub_used=false quality_passed=null",…}` with
    the journal's object behind it; a request that fell back gets a second line with the message
    `llm_fallback provider=<who served> reason=<why the first one did not>`.

    Args:
        log: Says which levels are written and which fields every line carries.
        requests: Whether there are log lines at all.
    """

    def __init__(self, log: Log, requests: bool = True) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._levels = frozenset(
            level for level in ("info", "warning", "error", "critical") if requests and log.enabled(level)
        )
        self._fields = b"".join(
            b",%b:%b" % (self._encode(name), self._encode(value)) for name, value in log.fields.items()
        )
        self._heads: dict[tuple[str, bool, str], bytes] = {}
        self._times: dict[int, bytes] = {}

    def write(self, batch: Sequence[Finished]) -> Written:
        """Journal entries and log lines of the batch, in order."""
        entries: list[Entry] = []
        lines: list[bytes] = []
        unwritable: list[str] = []
        encode, levels = self._encode, self._levels
        for finished in batch:
            try:
                payload = encode(recorded(finished))
            except UnicodeEncodeError:
                unwritable.append(finished.request_id)
                continue
            entries.append(Entry(KIND, finished.at, payload))
            level = _level(finished)
            if level in levels:
                lines.append(self._time(finished.at) + self._head(level, finished) + payload[1:])
            if finished.fallback and "warning" in levels:
                lines.append(self._fallback(finished))
        return Written(entries, lines, unwritable)

    def _head(self, level: str, finished: Finished) -> bytes:
        key = (level, finished.stub_used, finished.quality)
        head = self._heads.get(key)
        if head is None:
            stub = "true" if finished.stub_used else "false"
            head = self._heads[key] = (
                f'"level":"{level}","event":"request"'.encode()
                + self._fields
                + f',"msg":"runtime stub_used={stub} quality_passed={_QUALITY_PASSED[finished.quality]}",'.encode()
            )
        return head

    def _fallback(self, finished: Finished) -> bytes:
        served = finished.attempts[-1].provider
        first = next(attempt for attempt in finished.attempts if not attempt.hedge)
        fields = {
            "msg": f"llm_fallback provider={served} reason={finished.fallback}",
            "request_id": finished.request_id,
            "route": finished.route,
            "served_by": finished.served_by,
            "failed": f"{first.provider}/{first.model}",
            "reason": finished.fallback,
        }
        head = b'"level":"warning","event":"llm_fallback"' + self._fields + b","
        return self._time(finished.at) + head + self._encode(fields)[1:]

    def _time(self, at: float) -> bytes:
        millisecond = int(at * 1000)
        text = self._times.get(millisecond)
        if text is None:
            if len(self._times) > _TIMES_KEPT:
                self._times.clear()
            text = self._times[millisecond] = b'{"time":"%b",' % timestamp(at).encode()
        return text


def packed(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The same entries, each run of many requests as one: `{"requests":[…]}`, in order, with the last one's time."""
    if len(entries) < PACK_FROM:
        return entries
    result: list[Entry] = []
    for is_request, run in groupby(entries, key=_is_request):
        members = list(run)
        if is_request and len(members) >= PACK_FROM:
            payload = b'{"requests":[%b]}' % b",".join([entry.payload for entry in members])
            result.append(Entry(PACKED_KIND, members[-1].at, payload))
        else:
            result += members
    return result


def _is_request(entry: Entry) -> bool:
    return entry.kind == KIND


def recorded(finished: Finished) -> RequestRecord:
    """The record of one request."""
    first, mode = finished.first_token_ms, finished.mode
    record = RequestRecord(
        finished.request_id,
        finished.at,
        finished.endpoint,
        finished.route,
        finished.key_id,
        finished.stream,
        finished.status,
        finished.code,
        finished.served_by,
        int(finished.latency_ms * 1000 + 0.5) / 1000,
        None if first is None else int(first * 1000 + 0.5) / 1000,
        int(finished.overhead_ms * 1000 + 0.5) / 1000,
        finished.prompt_tokens,
        finished.completion_tokens,
        finished.fallback,
        finished.quality,
        finished.stub_used,
        finished.cache,
        None if finished.cache_age_s is None else int(finished.cache_age_s * 1000 + 0.5) / 1000,
        [
            AttemptRecord(
                target,
                model,
                why,
                int(ms * 1000 + 0.5) / 1000,
                status,
                detail,
                cost,
                guess,
                tokens,
                repair,
                issues and recorded_issues(issues),
                hedge,
            )
            for target, model, why, ms, status, detail, cost, guess, tokens, repair, issues, hedge in finished.attempts
        ],
        finished.cost_usd,
    )
    if mode is not None:
        record.mode_requested, record.mode_served, record.mode_reason = mode.requested, mode.served, mode.reason
    if (used := finished.prompt) is not None:
        record.prompt, record.prompt_language = f"{used.id}@{used.version}", used.language
    if finished.hedge:
        record.hedge = finished.hedge
    return record


def recorded_issues(issues: Mapping[str, object]) -> dict[str, object]:
    """`quality_issues` without what may be words of the caller or of the answer: rules, numbers, configured terms."""
    kept = dict(issues)
    for name, member in (("schema", "rule"), ("custom", "check")):
        found = issues.get(name)
        if isinstance(found, list):
            kept[name] = [each[member] for each in found]
    return kept


def _level(finished: Finished) -> str:
    if finished.code == "ok":
        return "info"
    if finished.code == "stub_in_production_forbidden" or finished.stub_used:
        return "critical"
    return "error" if finished.status >= 500 else "info"
