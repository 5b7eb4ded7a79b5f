"""Statuses, numbers and verdict once more, from the evidence store alone.

This is a second way to the same result: it shares neither code nor tables with score.py, verdict.py and waiver.py, and
works on plain JSON. What a report says is only compared with what comes out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.plain import read, read_object
from roadworthy.verify.report.record import Kept

Json = dict[str, Any]
POINTS = {"C": 100, "H": 75, "M": 50, "L": 25}
NEVER_WAIVED = frozenset((
    "ART-01", "ART-02", "ART-04", "GOV-02", "GOV-03", "GOV-06", "LLM-01", "PII-01", "PII-02", "SEC-01", "SEC-02",
    "SEC-08", "SUP-07",
))  # fmt: skip
HOURS = {"advisory": 7 * 24, "nightly": 26, "load": 30 * 24, "drill": 90 * 24, "manual": 90 * 24}
_LOOKED_AT = ("pass", "fail", "waived")


class Line(NamedTuple):
    """One check, as it counts at an instant.

    Attributes:
        id: Of the check.
        category: Where it counts.
        points: Ten times its weight.
        blocker: Whether it can stop a GO alone.
        status: After waivers and expiry.
        earned: Ten thousandths of its points.
        false: Whether it failed over a statement of the subject that is not true, which stops a GO like a blocker.
    """

    id: str
    category: str
    points: int
    blocker: bool
    status: str
    earned: Decimal
    false: bool = False


class Sum(NamedTuple):
    """What comes out.

    Attributes:
        decision: GO, NO-GO or INCOMPLETE.
        overall: 0 to 100 with one digit, rounded down, capped; None when nothing applies.
        categories: The same per category, uncapped.
        coverage: Four digits, rounded down.
        blockers: Those that are short.
        lines: What it was made of.
    """

    decision: str
    overall: Decimal | None
    categories: dict[str, Decimal]
    coverage: Decimal | None
    blockers: tuple[str, ...]
    lines: tuple[Line, ...]


def kept_records(folder: Path, named: Mapping[str, str]) -> dict[str, Json]:
    """What the evidence store holds about each check, with every hash checked, also of the raw evidence.

    Args:
        folder: Of the evidence.
        named: SHA-256 of the record by check.

    Raises:
        RoadworthyError: `integrity_mismatch`: something is gone, was changed, or is about another check.
    """
    found: dict[str, Json] = {}
    for id, digest in named.items():
        try:
            content = evidence_bytes(folder, digest)
            record = read_object(content)
            read(content, Kept)  # its form: what is computed from it relies on it
            if record["definition"]["id"] != id:
                raise untrusted(f"The record of {id} is about another check.")
            for item in record["evidence"]:
                if len(evidence_bytes(folder, item["sha256"])) != item["bytes"]:
                    raise untrusted(f"Evidence of {id} has another length.")
        except (ValueError, KeyError, TypeError) as problem:
            raise untrusted(f"The record of {id} is damaged: {type(problem).__name__}.") from None
        except RoadworthyError as problem:
            raise untrusted(f"{id}: {problem}") from None
        found[id] = record
    return found


def untrusted(why: str) -> RoadworthyError:
    """The error for what does not fit together."""
    return RoadworthyError("This report cannot be trusted.", why, code="integrity_mismatch")


def lines(records: Mapping[str, Json], waivers: Sequence[Json], at: float) -> list[Line]:
    """Every check as it counts at an instant.

    Args:
        records: By check.
        waivers: Of the policy, as JSON.
        at: Seconds since the Unix epoch; what ended before counts as not measured.
    """
    made = []
    for id, record in sorted(records.items()):
        definition, outcome = record["definition"], record["outcome"]
        status = _status(id, record, waivers, at)
        points = POINTS[definition["weight"]]
        earned = _earned(status, points, record)
        false = status == "fail" and any(each["contradicts"] for each in _grave(outcome))
        made.append(Line(id, definition["category"], points, bool(definition["blocker"]), status, earned, false))
        if outcome["status"] == "waived":
            raise untrusted(f"{id} was waived by its own probe.")
    return made


def _status(id: str, record: Json, waivers: Sequence[Json], at: float) -> str:
    outcome = record["outcome"]
    status = str(outcome["status"])
    if status in ("pass", "fail") and _ended(record) < at:
        return "not_measured"
    if status == "pass" and not _whole_pass(outcome, record["evidence"]):
        raise untrusted(f"{id} is called a pass, and its record does not bear it out.")
    if status == "not_applicable" and (
        not record["evidence"] or (outcome["applicability"] or {}).get("result") is not False
    ):
        raise untrusted(f"{id} is called not applicable, without a predicate and evidence.")
    if status == "fail":
        open_ones = {each["fingerprint"] for each in _grave(outcome)}
        for waiver in () if any(each["contradicts"] for each in _grave(outcome)) else waivers:
            if waiver["check"] == id and _waiver_holds(waiver, record["definition"], at):
                open_ones.discard(waiver["fingerprint"])
                if not open_ones:
                    return "waived"
    return status


def _grave(outcome: Json) -> list[Json]:
    return [each for each in outcome["findings"] if each["severity"] != "note"]


def _ended(record: Json) -> float:
    hours = HOURS.get(record["definition"]["expiry"])
    return float("inf") if hours is None else moment(record["ended"]) + hours * 3600


def _whole_pass(outcome: Json, evidence: Sequence[Json]) -> bool:
    coverage = outcome["coverage"]
    if not evidence or coverage is None or any(each["severity"] != "note" for each in outcome["findings"]):
        return False
    excused = sum(each["count"] for each in coverage["missing"] if each["reason"])
    examined, existing = coverage["examined"], coverage["existing"]
    return bool(0 < examined <= existing <= examined + excused)


def _waiver_holds(waiver: Json, definition: Json, at: float) -> bool:
    if waiver["check"] in NEVER_WAIVED or not definition["waivable"]:
        return False
    owner, approver = (" ".join(waiver[name].split()).casefold().replace(" ", "") for name in ("owner", "approver"))
    begin, end = (datetime.fromisoformat(waiver[name]).replace(tzinfo=UTC) for name in ("created", "expires"))
    days = 30 if definition["weight"] in "CH" or definition["automation"] == "H" else 90
    now = datetime.fromtimestamp(at, UTC)
    return (
        bool(owner) and bool(approver) and owner != approver and len(waiver["reason"].strip()) >= 15
        and begin <= now < end + timedelta(days=1)
        and timedelta(0) <= end - begin <= timedelta(days=days)
    )  # fmt: skip


def _earned(status: str, points: int, record: Json) -> Decimal:
    if status != "pass":
        return Decimal(0)
    share = record["outcome"]["share"]
    part = Decimal(1) if share is None else min(Decimal(1), max(Decimal(0), Decimal(str(share))))
    whole = Decimal(points) * part
    return whole / 2 if record["manual"] else whole


def summed(all_lines: Iterable[Line], category_least: float, coverage_least: float) -> Sum:
    """Numbers and decision.

    Args:
        all_lines: As by `lines`.
        category_least: Threshold of every category.
        coverage_least: Threshold of the coverage.
    """
    told = tuple(all_lines)
    live = [each for each in told if each.status != "not_applicable"]
    points = sum(each.points for each in live)
    names = sorted({each.category for each in live})
    exact = {
        name: Decimal(100) * sum((each.earned for each in live if each.category == name), Decimal(0))
        / sum(each.points for each in live if each.category == name)
        for name in names
    }  # fmt: skip
    seen = sum(each.points for each in live if each.status in _LOOKED_AT)
    blockers = tuple(each.id for each in live if (each.blocker or each.false) and each.status not in ("pass", "waived"))
    covered = Decimal(seen) / points if points else None
    fits = (
        covered is not None and covered >= Decimal(str(coverage_least)) and not blockers
        and all(value >= Decimal(str(category_least)) for value in exact.values())
    )  # fmt: skip
    failed = any(each.status == "fail" for each in live)
    overall = _down(Decimal(100) * sum((each.earned for each in live), Decimal(0)) / points, 1) if points else None
    return Sum(
        "GO" if fits else "NO-GO" if failed else "INCOMPLETE",
        None if overall is None else min(overall, _cap(live)),
        {name: _down(value, 1) for name, value in exact.items()},
        None if covered is None else _down(covered, 4),
        blockers,
        told,
    )


def _cap(live: Sequence[Line]) -> Decimal:
    states = {each.status for each in live if each.blocker or each.false}
    if "fail" in states:
        return Decimal(49)
    return Decimal(59) if states & {"not_measured", "error"} else Decimal(100)


def _down(value: Decimal, digits: int) -> Decimal:
    scale = 10**digits
    return Decimal(int(value * scale)) / Decimal(scale)


def moment(text: str) -> float:
    """Seconds since the epoch of an instant in a record.

    Raises:
        RoadworthyError: `integrity_mismatch`: it is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
    except (TypeError, ValueError):
        raise untrusted("A time in it cannot be read.") from None


def differences(report: Json, total: Sum) -> tuple[list[str], int]:
    """Where a report says something else than comes out.

    Args:
        report: As JSON.
        total: As by `summed`.

    Returns:
        A sentence for each difference, and how many numbers and statuses were compared.
    """
    pairs: list[tuple[str, object, object]] = []
    stated = {each["id"]: each for each in report["checks"]}
    for line in total.lines:
        own = stated.get(line.id, {})
        credit = None if "credit" not in own else Decimal(str(own["credit"])).quantize(Decimal("1e-9"))
        pairs += [
            (f"status of {line.id}", own.get("status"), line.status),
            (f"credit of {line.id}", credit, (line.earned / line.points).quantize(Decimal("1e-9"))),
            (f"category of {line.id}", own.get("category"), line.category),
            (f"weight of {line.id}", POINTS.get(str(own.get("weight"))), line.points),
            (f"blocker of {line.id}", own.get("blocker"), line.blocker),
        ]
    score, said = report["score"], report["verdict"]
    pairs += [
        ("decision", said["decision"], total.decision),
        ("blockers", sorted(said["blockers"]), sorted(total.blockers)),
        ("overall score", _decimal(score["overall"]), total.overall),
        ("coverage", _decimal(score["coverage"]), total.coverage),
        ("checks", sorted(stated), sorted(each.id for each in total.lines)),
        ("categories", sorted(score["by_category"]), sorted(total.categories)),
    ]
    pairs += [
        (f"score of {name}", _decimal(score["by_category"].get(name, {}).get("score")), value)
        for name, value in total.categories.items()
    ]
    wrong = [f"The report gives another {what} than its evidence." for what, ours, theirs in pairs if ours != theirs]
    return wrong, len(pairs)


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))
