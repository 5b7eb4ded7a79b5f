"""REL-02: each breaker opens after its failures, asks nobody for its pause, lets one probe through, and closes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong

POLL_S = 0.03
AT_ONCE = 10
_FRESH = {"cache-control": "no-store"}


@dataclass
class _Seen:
    target: str
    told: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    pause_s: float | None = None


def probe(context: Context) -> Outcome:
    """Play every target's breaker at the same time; each has its own."""
    tolerance = float(context.settings["tolerance"])
    with drill(context, longest_s=4.0, changes=_pause(context)) as played:
        targets, missing = _targets(played)
        context.progress("breakers open, probe and close", 0, len(targets))
        played.calm()
        with ThreadPoolExecutor(max(1, len(targets))) as pool:
            seen = list(pool.map(lambda target: _play(played, target, tolerance), targets))
        open_s = float(played.copy.data["gateway"]["breaker"]["open_s"])
    context.evidence.write_json([{"target": each.target, **each.told} for each in seen], "breakers")
    pauses = [each.pause_s for each in seen if each.pause_s is not None]
    findings = [found for each in seen for found in each.findings]
    coverage = Coverage(
        examined=len(seen), existing=len(seen) + sum(each.count for each in missing), missing=tuple(missing),
        how_counted="Existing: targets of all chains of the configuration. Examined: those whose breaker was played.",
    )  # fmt: skip
    return judged(
        f"{len(seen)} breakers were opened, probed and closed; the pauses were "
        f"{', '.join(f'{each:.2f}' for each in pauses) or 'not seen'} s, configured {open_s:g} s.",
        coverage=coverage, findings=findings,
        measured=[Measure(name="longest_pause_s", value=max(pauses, default=None), unit="s", n=len(pauses))],
    )  # fmt: skip


def _pause(context: Context) -> dict[str, Any]:
    return {"gateway.breaker.open_s": float(context.settings["open_s"])}


def _targets(played: Drill) -> tuple[list[str], list[Missing]]:
    chains = [target for route in played.copy.data["gateway"]["routes"].values() for target in route["chain"]]
    modes = played.copy.data["gateway"]["modes"].values()
    chains += [each for mode in modes for role in mode["roles"].values() for each in role if "/" in each]
    named = dict.fromkeys(chains)
    exact = [each for each in named if not each.endswith("/*")]
    reason = "It stands for whatever model is asked; its breakers are made the same way."
    return exact, [Missing(name=each, reason=reason) for each in named if each.endswith("/*")]


def _play(played: Drill, target: str, tolerance: float) -> _Seen:
    seen = _Seen(target)
    if (first := _ask(played, target)).status != 200:
        raise NotMeasured(f"{target} does not serve even when its provider is healthy (status {first.status}).")
    if _opens(played, seen):
        _pauses(played, seen, tolerance)
        _one_probe(played, seen)
    return seen


def _ask(played: Drill, target: str) -> Reply:
    return played.ask([Question(target, "Are you there?", headers=_FRESH)], parallel=1)[0]


def _opens(played: Drill, seen: _Seen) -> bool:
    allowed = int(played.copy.data["gateway"]["breaker"]["consecutive_failures"])
    mark = len(played.doubles.received)
    played.doubles.behaviour[seen.target] = Behaviour("error")
    for _ in range(allowed + 3):
        _ask(played, seen.target)
        if played.breakers().get(seen.target) == "open":
            break
    reached = len(played.doubles.since(mark, seen.target))
    seen.told |= {"failures_until_open": reached, "configured": allowed}
    if played.breakers().get(seen.target) != "open":
        seen.findings.append(_wrong(played, seen, "never_opens", f"did not open after {reached} failures in a row"))
        return False
    if reached > allowed:
        seen.findings.append(_wrong(played, seen, "late", f"opened after {reached} failures, {allowed} are configured"))
    return True


def _pauses(played: Drill, seen: _Seen, tolerance: float) -> None:
    open_s = float(played.copy.data["gateway"]["breaker"]["open_s"])
    opened = played.doubles.since(0, seen.target)[-1].at
    mark = len(played.doubles.received)
    played.doubles.behaviour[seen.target] = Behaviour()
    statuses: list[int | None] = []
    while not played.doubles.since(mark, seen.target) and time.monotonic() < opened + 3 * open_s:
        statuses.append(_ask(played, seen.target).status)
        time.sleep(POLL_S)
    arrived = played.doubles.since(mark, seen.target)
    if not arrived:
        seen.findings.append(_wrong(played, seen, "no_probe", f"let no probe through for {3 * open_s:g} s"))
        return
    seen.pause_s = round(arrived[0].at - opened, 3)
    refused = statuses[:-1]
    seen.told |= {"pause_s": seen.pause_s, "refused_meanwhile": len(refused)}
    low, high = open_s * (1 - tolerance), open_s * (1 + tolerance) + 2 * POLL_S
    if not low <= seen.pause_s <= high:
        seen.findings.append(_wrong(played, seen, "pause", f"paused {seen.pause_s:.2f} s, {open_s:g} s are configured"))
    if any(each != 503 for each in refused):
        seen.findings.append(_wrong(played, seen, "status", "answered something else than 503 while open"))
    if not played.until(lambda: played.breakers().get(seen.target) == "closed", 2.0):
        seen.findings.append(_wrong(played, seen, "stays_open", "did not close after a good probe"))


def _one_probe(played: Drill, seen: _Seen) -> None:
    """Many at once when the pause is over: one goes through, the others are refused."""
    open_s = float(played.copy.data["gateway"]["breaker"]["open_s"])
    played.doubles.behaviour[seen.target] = Behaviour("error")
    if not played.until(lambda: _ask(played, seen.target) and played.breakers().get(seen.target) == "open", 3.0):
        seen.findings.append(_wrong(played, seen, "never_opens", "did not open a second time"))
        return
    played.doubles.behaviour[seen.target] = Behaviour(delay_s=0.6)
    time.sleep(open_s + 0.15)
    mark = len(played.doubles.received)
    replies = played.ask([Question(seen.target, f"All at once {at}", headers=_FRESH) for at in range(AT_ONCE)],
                         parallel=AT_ONCE)  # fmt: skip
    arrived = played.doubles.since(mark, seen.target)
    together = [each for each in arrived if each.at - arrived[0].at < 0.5]
    seen.told["probes_at_once"] = len(together)
    seen.told["statuses_at_once"] = sorted(str(each.status) for each in replies)
    if len(together) != 1:
        seen.findings.append(
            _wrong(played, seen, "probes", f"let {len(together)} of {AT_ONCE} requests through as probes")
        )


def _wrong(played: Drill, seen: _Seen, rule: str, what: str) -> Finding:
    return wrong(played.context, rule, f"The breaker of {seen.target} {what}.", seen.target)
