"""One night: every case is asked through the gateway; stubs and cached answers do not count; how it ended is judged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from roadworthy.client.record import Answer
from roadworthy.core.errors import GatewayError, RoadworthyError
from roadworthy.verify.nightly.case import Case, Cases, scores
from roadworthy.verify.nightly.comparison import ALPHA, Compared, compare
from roadworthy.verify.outcome import Record

FRESH = frozenset({"off", "miss"})
"""What a gateway says of its cache for an answer that a provider gave."""
OVERALL = "overall"
"""Name of the mean of an answer's scores. A night must be able to show a fall of this one at least."""
LEAST_SHARED = 0.8
"""Share of tonight's cases that the last good night must have asked in the same words."""


class State(StrEnum):
    """How a night ended."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


class Asker(Protocol):
    """Asks the gateway; `client.gateway.GatewayClient` with `fresh=True` does."""

    def chat(self, messages: list[dict[str, str]], *, model: str, **parameters: object) -> Answer:
        """One answer."""
        ...


class Taken(Record, frozen=True):
    """One answer, or why there is none.

    Attributes:
        case: Its id.
        digest: Of the case.
        scores: By name; empty when there is no answer.
        sha256: Of the text.
        served_by: Provider and model.
        latency_s: Until the whole answer.
        refused: Why it does not count: a stub, an answer out of a cache, one that does not say; empty when it counts.
        error: Code of the error; empty when there was none.
    """

    case: str
    digest: str
    scores: dict[str, float] = {}  # noqa: RUF012  msgspec copies it
    sha256: str = ""
    served_by: str = ""
    latency_s: float | None = None
    refused: str = ""
    error: str = ""


class Row(Record, frozen=True):
    """A score, tonight beside the last good night; see `comparison.Compared`."""

    score: str
    before: float
    now: float
    p: float
    corrected: float
    cases: int
    exact: bool
    worse: bool


class Night(Record, frozen=True):
    """A night.

    Attributes:
        name: Of the cases.
        model: Route that was asked.
        started: ISO 8601 in UTC.
        ended: The same.
        state: How it ended.
        reasons: Why, in sentences.
        answers: All of them.
        compared: Every score beside the last good night.
        last_good: Name of that night; None when there was none.
    """

    name: str
    model: str
    started: str
    ended: str
    state: State
    reasons: tuple[str, ...]
    answers: tuple[Taken, ...]
    compared: tuple[Row, ...] = ()
    last_good: str | None = None


def asked(cases: Cases, asker: Asker, told: Callable[[str], None]) -> list[Taken]:
    """Ask everything.

    Args:
        cases: What to ask.
        asker: The gateway.
        told: Hears one line for each case.

    Raises:
        RoadworthyError: The caller's fault, which no second question changes: a wrong key, no such model, no gateway.
    """
    found = []
    for number, case in enumerate(cases.cases, 1):
        told(f"case {number} of {len(cases.cases)}: {case.id}")
        found += [_taken(case, cases.model, asker) for _ in range(cases.repeats)]
    return found


def _taken(case: Case, model: str, asker: Asker) -> Taken:
    messages = [{"role": "system", "content": case.system}] if case.system else []
    messages.append({"role": "user", "content": case.ask})
    try:
        answer = asker.chat(messages, model=model, **case.parameters)
    except GatewayError as error:
        if error.code == "gateway_unreachable" or error.spec.http_status < 429:
            raise
        return Taken(case=case.id, digest=case.digest, error=error.code)
    return Taken(
        case=case.id,
        digest=case.digest,
        scores=scores(answer.text, case.expect),
        sha256=hashlib.sha256(answer.text.encode("utf-8", "surrogatepass")).hexdigest(),
        served_by=answer.served_by,
        latency_s=None if answer.latency_ms is None else round(answer.latency_ms / 1000, 3),
        refused=_refused(answer),
    )


def _refused(answer: Answer) -> str:
    served = answer.served
    if served is None or served.stub_used is None:
        return "It does not say whether it is a stub."
    if served.stub_used:
        return "It is placeholder content."
    if served.cache not in FRESH:
        return "It came out of a cache, or does not say."
    return "It is empty." if not answer.text.strip() else ""


def judged(
    cases: Cases, answers: list[Taken], last: Night | None, started: str, ended: str, last_name: str | None
) -> Night:  # fmt: skip
    """How the night ended: bad before unknown before good.

    Args:
        cases: What was asked.
        answers: What came back.
        last: The last good night; None when there was none.
        started: ISO 8601 in UTC.
        ended: The same.
        last_name: Name of the last good night's artefact.
    """
    bad, unknown = _of_answers(cases, answers)
    rows: list[Compared] = []
    if last is None:
        unknown.append("There is no good night to compare with; look at this one, and take it with --take-as-good.")
    else:
        shared = {each.digest for each in last.answers} & {each.digest for each in answers}
        if len(shared) < LEAST_SHARED * len(cases.cases):
            unknown.append(f"The last good night asked only {len(shared)} of these {len(cases.cases)} cases.")
        rows = compare(_by_score(list(last.answers)), _by_score(answers))
        bad += [f"{each.score} fell from {each.before:.3f} to {each.now:.3f} (p = {each.corrected:.4f})."
                for each in rows if each.worse]  # fmt: skip
        if not any(each.score == OVERALL and each.least_p <= ALPHA for each in rows):
            unknown.append("Too few answers to see a fall; ask more, or repeat.")
    state = State.BAD if bad else State.UNKNOWN if unknown else State.GOOD
    return Night(
        name=cases.name, model=cases.model, started=started, ended=ended, state=state,
        reasons=tuple(bad + unknown) or ("No score fell.",), answers=tuple(answers), compared=tuple(map(_row, rows)),
        last_good=last_name,
    )  # fmt: skip


def _of_answers(cases: Cases, answers: list[Taken]) -> tuple[list[str], list[str]]:
    bad = []
    refused = [each for each in answers if each.refused]
    failed = [each for each in answers if each.error]
    if refused:
        why = ", ".join(sorted({each.refused for each in refused}))
        bad.append(f"{len(refused)} of {len(answers)} answers do not count: {why}")
    if failed:
        codes = ", ".join(sorted({each.error for each in failed}))
        bad.append(f"{len(failed)} of {len(answers)} questions got no answer: {codes}.")
    for score, by_case in _by_score(answers).items():
        means = [sum(values) / len(values) for values in by_case.values()]
        mean = sum(means) / len(means)
        if mean < cases.floor:
            bad.append(f"{score} is {mean:.3f}, below the floor of {cases.floor:g}.")
    unknown = [] if len(answers) > len(refused) + len(failed) else ["Nothing that counts was answered."]
    return bad, unknown


def _by_score(answers: list[Taken]) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for each in answers:
        if not each.refused and not each.error:
            overall = sum(each.scores.values()) / len(each.scores)
            for score, value in (*each.scores.items(), (OVERALL, overall)):
                found.setdefault(score, {}).setdefault(each.digest, []).append(value)
    return found


def _row(each: Compared) -> Row:
    return Row(
        score=each.score, before=round(each.before, 6), now=round(each.now, 6), p=round(each.p, 6),
        corrected=round(each.corrected, 6), cases=each.cases, exact=each.exact, worse=each.worse,
    )  # fmt: skip


def taken_as_good(night: Night) -> Night:
    """The night as one to compare with, by a person's word; what was bad stays bad.

    Raises:
        RoadworthyError: `subject_unreadable`: it is bad, or nothing was answered.
    """
    counted = [each for each in night.answers if not each.refused and not each.error]
    if night.state is State.BAD or not counted:
        raise RoadworthyError(
            "This night cannot be one to compare with.", " ".join(night.reasons), code="subject_unreadable"
        )
    return msgspec.structs.replace(night, state=State.GOOD, reasons=("A person took it as good.", *night.reasons))
