"""REL-03: for each cause a mode steps down to the next that can serve, says why, and comes back without flapping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, judged, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import Line, of_service
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong

FAILED = ("chain_failed", "model_unavailable", "error_rate_over_limit")
CLIMB_S = 0.5
DWELL_S = 0.15
AFTER = 12
_FRESH = {"cache-control": "no-store"}


@dataclass
class _Seen:
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    played: int = 0
    existing: int = 0


def probe(context: Context) -> Outcome:
    """Play the causes that can be caused from outside: failing models, slow models, too many at once."""
    modes = of_service(context).gateway.modes
    if not modes:
        context.evidence.write_json({"gateway.modes": []}, "modes of the configuration")
        return not_applicable(
            "The configuration has no modes.", predicate="the configuration names a mode", detail="0 modes"
        )
    seen = _Seen()
    with drill(context, longest_s=3.0, changes=_changes(list(modes))) as played:
        lines = [line for line in played.lines if line.mode]
        for number, line in enumerate(lines):
            context.progress(f"mode {line.name}", number + 1, len(lines))
            _healthy(played, line)
            _failing(played, lines, number, seen)
            _slow(played, line, seen)
            _together(played, line, seen)
    seen.existing += 1
    seen.missing.append(Missing(name="memory_over_limit", reason="Memory is not filled up on purpose."))
    context.evidence.write_json(seen.rows, "modes that step down and come back")
    coverage = Coverage(
        examined=seen.played,
        existing=seen.existing,
        missing=tuple(seen.missing),
        how_counted="Existing: causes times modes of the configuration. Examined: those that were caused.",
    )
    return judged(
        f"{seen.played} of {seen.existing} causes were played on {len(lines)} modes: "
        f"{len(seen.findings)} did not end as configured.",
        coverage=coverage,
        findings=seen.findings,
        measured=[Measure(name="causes", value=seen.played, unit="causes")],
    )


def _changes(modes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"gateway.cache.enabled": False, "gateway.breaker.open_s": 0.5}
    for name in modes:
        recovery = f"gateway.modes.{name}.recovery"
        found |= {
            f"{recovery}.climb_after_s": CLIMB_S,
            f"{recovery}.max_climb_after_s": 2.0,
            f"{recovery}.dwell_s": DWELL_S,
        }
        found[f"gateway.modes.{name}.downshift.latency_window_s"] = 1.0
    return found


def _ask(played: Drill, line: Line, count: int, parallel: int = 1) -> list[Reply]:
    return played.ask(
        [Question(line.name, f"Mode {line.name} {at}", headers=_FRESH) for at in range(count)], parallel=parallel
    )


def _mode(reply: Reply) -> str:
    return str(reply.headers.get("x-roadworthy-mode", ""))


def _healthy(played: Drill, line: Line) -> None:
    played.calm()
    if not _back(played, line):
        reply = _ask(played, line, 1)[0]
        raise NotMeasured(f"The mode {line.name} does not serve with healthy models (status {reply.status}).")


def _back(played: Drill, line: Line) -> bool:
    """Whether it is up again, and serves, within what its wait, probes and shares take."""
    recovery = played.copy.data["gateway"]["modes"][line.mode]["recovery"]
    limit = 6 * CLIMB_S + DWELL_S * (len(recovery["shares"]) + 1) + 8.0

    def up() -> bool:
        served = all(_mode(each) == line.mode and each.status == 200 for each in _ask(played, line, 5))
        scrape = played.scrape()
        return (
            served and scrape.has("roadworthy_mode_state") and not scrape.total("roadworthy_mode_state", mode=line.mode)
        )

    return played.until(up, limit)


def _failing(played: Drill, lines: list[Line], number: int, seen: _Seen) -> None:
    line, seen.existing = lines[number], seen.existing + 1
    for target in line.targets:
        played.doubles.behaviour[str(target)] = Behaviour("error")
    below = next((each.mode for each in lines[number + 1 :] if set(each.targets) - set(line.targets)), "emergency")
    replies = _ask(played, line, 8)
    served = [_mode(each) for each in replies]
    reasons = {each.headers.get("x-roadworthy-mode-reason", "") for each in replies}
    seen.rows.append(
        {
            "mode": line.mode,
            "cause": "its models fail",
            "expected": below,
            "served": served,
            "reasons": sorted(reasons),
            "statuses": [each.status for each in replies],
        }
    )
    seen.played += 1
    good = served[-1] == below if below == "emergency" else all(each == below for each in served)
    if not good or (below != "emergency" and not reasons <= set(FAILED)):
        seen.findings.append(
            wrong(
                played.context,
                "failing",
                f"With its models failing, {line.mode} was served by {served[-1] or 'nobody'} "
                f"({', '.join(sorted(reasons))}); {below} was expected.",
                line.mode,
            )
        )
    _come_back(played, line, "its models failed", seen)


def _slow(played: Drill, line: Line, seen: _Seen) -> None:
    limits = played.copy.data["gateway"]["modes"][line.mode]["downshift"]
    if limits.get("p95_s") is None:
        return
    seen.existing += 1
    played.doubles.all("answer", delay_s=min(1.5 * limits["p95_s"], 0.9 * line.deadline_s / max(1, len(line.targets))))
    replies = _ask(played, line, int(limits["slow_requests"]) + 4, parallel=int(limits["slow_requests"]))
    reasons = [each.headers.get("x-roadworthy-mode-reason", "") for each in replies]
    slowest = max((each.seconds for each in replies), default=0.0)
    seen.rows.append(
        {
            "mode": line.mode,
            "cause": "slow",
            "p95_s": limits["p95_s"],
            "slowest_s": round(slowest, 3),
            "served": [_mode(each) for each in replies],
            "reasons": reasons,
        }
    )
    if slowest < limits["p95_s"]:
        seen.missing.append(Missing(name=f"{line.mode}: p95_over_limit"))
        return
    seen.played += 1
    if not {"p95_over_limit", "last_resort"} & set(reasons):
        seen.findings.append(
            wrong(
                played.context,
                "slow",
                f"With every call over its p95_s of {limits['p95_s']:g} s, {line.mode} did not step aside.",
                line.mode,
            )
        )
    _come_back(played, line, "it was slow", seen)


def _together(played: Drill, line: Line, seen: _Seen) -> None:
    bound = played.copy.data["gateway"]["modes"][line.mode]["downshift"].get("in_flight")
    if bound is None or int(bound) > 64:
        return
    seen.existing += 1
    seen.played += 1
    played.doubles.all("answer", delay_s=0.3 * line.deadline_s)
    replies = _ask(played, line, 3 * int(bound), parallel=3 * int(bound))
    above = sum(
        each.headers.get("x-roadworthy-mode-reason") in ("in_flight_over_limit", "last_resort") for each in replies
    )
    seen.rows.append(
        {"mode": line.mode, "cause": "too many at once", "bound": bound, "asked": len(replies), "above": above}
    )
    if not above:
        seen.findings.append(
            wrong(played.context, "in_flight", f"{line.mode} took more than {bound} calls at once.", line.mode)
        )
    _come_back(played, line, "there were too many at once", seen)


def _come_back(played: Drill, line: Line, after: str, seen: _Seen) -> None:
    played.calm()
    if not _back(played, line):
        seen.findings.append(
            wrong(played.context, "stays_down", f"{line.mode} did not come back after {after}.", line.mode, after)
        )
        return
    others = sum(_mode(each) != line.mode for each in _ask(played, line, AFTER))
    seen.rows.append({"mode": line.mode, "back_after": after, "not_served_as_itself_afterwards": others})
    if others:
        seen.findings.append(
            wrong(
                played.context,
                "flapping",
                f"{line.mode} came back after {after} and then left again for {others} of {AFTER} requests.",
                line.mode,
                after,
            )
        )
