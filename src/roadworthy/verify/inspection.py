"""One inspection: identify the subject, run the checks, apply waivers, add up, decide, and write the report down."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.core.ports import Masker
from roadworthy.verify import history, manual, recompute, selfcheck, tree
from roadworthy.verify.definition import LIFETIME_S, Definition, Expiry
from roadworthy.verify.evidence import EvidenceStore
from roadworthy.verify.identity import environment, identified, tool
from roadworthy.verify.instant import day_of, day_start, instant, seconds
from roadworthy.verify.laxity import Choice, choices
from roadworthy.verify.outcome import Outcome, Status, not_measured
from roadworthy.verify.policy import Loaded, Waiver
from roadworthy.verify.probe import EvidenceWriter
from roadworthy.verify.registry import Check, checks
from roadworthy.verify.report.record import (
    FORM,
    CheckRecord,
    Delta,
    Kept,
    PolicyRecord,
    Previous,
    Report,
    WaiverRecord,
)
from roadworthy.verify.run import Result, Subject, Told, run, settle
from roadworthy.verify.score import Scored, score
from roadworthy.verify.technical import file
from roadworthy.verify.verdict import verdict
from roadworthy.verify.waiver import applied

DAY_S = 86_400
MANUAL_S = 90 * DAY_S
"""Seconds for which manual evidence holds."""
_MEASURED = (Status.PASS, Status.FAIL, Status.WAIVED)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be inspected.

    Attributes:
        root: The subject's folder, resolved.
        out: Folder of the output, resolved.
        policy: What it is held to.
        ports: `MODULE:FUNCTION` that makes `child.Ports`.
        masker: The same masker, here.
        clock: Seconds since the Unix epoch.
        service: URL of the running service.
        deployed: Folder that is deployed, or `sha256:…`; None when nobody said.
        only: Ids of the checks to run; all when empty.
        processes: How many probes at the same time; one per core when None.
        new_chain: Begin another chain of runs.
        told: Hears what is going on.
    """

    root: Path
    out: Path
    policy: Loaded
    ports: str
    masker: Masker
    clock: Callable[[], float]
    service: str | None = None
    deployed: Path | str | None = None
    only: tuple[str, ...] = ()
    processes: int | None = None
    new_chain: bool = False
    told: Told | None = None


@dataclass(frozen=True)
class _Counted:
    """Checks after waivers, as they count."""

    kept: Mapping[str, Kept]
    outcomes: Mapping[str, Outcome]
    problems: tuple[str, ...]

    def scored(self) -> list[Scored]:
        return [
            Scored(id, each.definition.category, each.definition.weight, each.definition.blocker,
                   self.outcomes[id].status, self.outcomes[id].share, each.manual,
                   self.outcomes[id].contradicted)
            for id, each in self.kept.items()
        ]  # fmt: skip


def inspect(asked: Asked) -> Report:
    """Do it all; the report is not written yet.

    Raises:
        ConfigError: `config_invalid`: the policy names what does not exist; nothing was run.
        RoadworthyError: `integrity_mismatch`: the chain of earlier runs is broken.
    """
    found = known(asked)
    previous = None if asked.new_chain else history.head(asked.out)
    started = asked.clock()
    if previous is not None:
        history.not_later(history.as_report(asked.out, previous.report).finished, started)
    store = EvidenceStore(asked.out / "evidence", asked.masker)
    before = identified(asked.root, asked.policy.policy.left_out, (asked.out,))
    kept = _measured(asked, found, store)
    digest = before.subject.digest["sha256"]
    definitions = {id: each.definition for id, each in found.items()}
    kept["SUP-07"] = _own(asked, definitions["SUP-07"], store, lambda write: selfcheck.deployed_is_subject(
        asked.deployed, digest, asked.policy.policy.left_out, write))  # fmt: skip
    kept["GOV-05"] = _own(asked, definitions["GOV-05"], store, lambda write: _documented(asked, kept, write))
    at = asked.clock()
    counted = _judged(asked, kept, definitions, store, at)
    after = identified(asked.root, asked.policy.policy.left_out, (asked.out,))
    changed = [] if after == before else ["The subject changed while it was examined."]
    report = _report(asked, counted, before.subject, (started, at), previous, store)
    kept["GOV-06"] = _own(asked, definitions["GOV-06"], store, lambda write: _summed(
        asked, report, changed, after.unread, write))  # fmt: skip
    at = asked.clock()
    counted = _judged(asked, kept, definitions, store, at, again=True)
    return _report(asked, counted, before.subject, (started, at), previous, store)


def known(asked: Asked) -> dict[str, Check]:
    """The checks of a run.

    Raises:
        UsageError: A check of `only` does not exist.
        ConfigError: `config_invalid`: the policy names a plug-in that is not installed.
    """
    found = checks(asked.policy.policy.plug_ins)
    for id in asked.only:
        if id not in found:
            raise UsageError(f"There is no check {id[:40]}.", "", "`roadworthy verify probes` lists them.")
    return found


def _measured(asked: Asked, found: Mapping[str, Check], store: EvidenceStore) -> dict[str, Kept]:
    """Everything that probes and persons say, by check; the checks about the run itself are not measured yet."""
    policy = asked.policy.policy
    wanted = [each for id, each in found.items() if id not in selfcheck.OWN and (not asked.only or id in asked.only)]
    subject = Subject(
        root=asked.root,
        out=asked.out,
        evidence=store.folder,
        ports=asked.ports,
        service=asked.service,
        left_out=policy.left_out,
        sections=policy.sections(),
        timeouts=policy.timeouts(),
        masker=asked.masker,
        policy=asked.policy.content,
    )
    results = {each.definition.id: each for each in run(wanted, subject, processes=asked.processes, told=asked.told)}
    kept: dict[str, Kept] = {}
    for id, check in found.items():
        if id in policy.manual:
            kept[id] = _by_hand(asked, check.definition, store)
        elif id in results:
            kept[id] = _kept(results[id])
        else:
            kept[id] = _nothing(asked, check.definition, "It was left out of this run.")
    return kept


def _kept(result: Result, *, manual: bool = False, ended: float | None = None) -> Kept:
    end = result.ended if ended is None else ended
    lifetime = LIFETIME_S[Expiry.MANUAL if manual else result.definition.expiry]
    dated = result.outcome.status in _MEASURED or manual
    return Kept(
        definition=result.definition,
        outcome=result.outcome,
        evidence=result.evidence,
        manual=manual,
        started=instant(result.started if ended is None else ended),
        ended=instant(end),
        valid_until=instant(end + lifetime) if dated and lifetime is not None else None,
    )


def _nothing(asked: Asked, definition: Definition, why: str) -> Kept:
    now = asked.clock()
    return _kept(Result(definition, not_measured(why), (), now, now))


def _by_hand(asked: Asked, definition: Definition, store: EvidenceStore) -> Kept:
    now = asked.clock()
    writer = EvidenceWriter(store, asked.clock)
    given = asked.policy.policy.manual[definition.id]
    outcome = settle(manual.outcome(given, asked.root, day_of(now), writer), writer.items, definition.id)
    done = min(now, day_start(given.on))
    if outcome.status is Status.PASS and done + MANUAL_S < now:
        why = f"The manual evidence of {given.on} is older than {MANUAL_S // DAY_S} days."
        outcome = msgspec.structs.replace(outcome, status=Status.NOT_MEASURED, reason=why)
    return _kept(Result(definition, outcome, tuple(writer.items), now, now), manual=True, ended=done)


def _own(
    asked: Asked, definition: Definition, store: EvidenceStore, check: Callable[[EvidenceWriter], selfcheck.Made]
) -> Kept:
    if asked.only and definition.id not in asked.only:
        return _nothing(asked, definition, "It was left out of this run.")
    started = asked.clock()
    made = check(EvidenceWriter(store, asked.clock))
    outcome = settle(made.outcome, made.evidence, definition.id)
    return _kept(Result(definition, outcome, made.evidence, started, asked.clock()))


def _judged(
    asked: Asked,
    kept: dict[str, Kept],
    definitions: Mapping[str, Definition],
    store: EvidenceStore,
    now: float,
    again: bool = False,
) -> _Counted:
    """Apply waivers as of an instant, and make the checks about waivers and dates unless that was done before."""
    waivers = asked.policy.policy.waivers
    others = {id: each.outcome for id, each in kept.items() if id not in ("GOV-02", "GOV-03")}
    judged = applied(waivers, others, definitions, day_of(now))
    if not again:
        kept["GOV-03"] = _own(asked, definitions["GOV-03"], store, lambda write: selfcheck.waivers_hold(
            waivers, judged.problems, write))  # fmt: skip
        kept["GOV-02"] = _own(asked, definitions["GOV-02"], store, lambda write: selfcheck.in_force(
            [each for id, each in kept.items() if id not in selfcheck.OWN], now, write))  # fmt: skip
    outcomes = {**judged.outcomes, **{id: kept[id].outcome for id in ("GOV-02", "GOV-03")}}
    return _Counted(kept, outcomes, judged.problems)


def _documented(asked: Asked, kept: Mapping[str, Kept], write: EvidenceWriter) -> selfcheck.Made:
    policy = asked.policy.policy
    place = file.Place(asked.root, policy.left_out, asked.out)
    outcome = file.built(policy.technical_file, kept, place, day_of(asked.clock()), write)
    return selfcheck.Made(outcome, tuple(write.items))


def _summed(asked: Asked, report: Report, changed: Sequence[str], unread: int, write: EvidenceWriter) -> selfcheck.Made:
    plain = msgspec.to_builtins(report)
    policy = asked.policy.policy
    records = recompute.kept_records(asked.out / "evidence", {each.id: each.record for each in report.checks})
    waivers = [msgspec.to_builtins(each) for each in policy.waivers]
    lines = recompute.lines(records, waivers, seconds(report.finished))
    total = recompute.summed(lines, policy.thresholds.category, policy.thresholds.coverage)
    differences, numbers = recompute.differences(plain, total)
    return selfcheck.sums_agree(differences, numbers, changed, unread, write)


def _report(
    asked: Asked,
    counted: _Counted,
    subject: Any,
    times: tuple[float, float],
    previous: history.Head | None,
    store: EvidenceStore,
) -> Report:
    policy = asked.policy.policy
    policy_sha256, _ = store.keep(asked.policy.content)
    scored = counted.scored()
    started, finished = times
    mask = asked.masker.mask
    records = tuple(_check_record(each, counted.outcomes[id], one, store)
                    for (id, each), one in zip(counted.kept.items(), scored, strict=True))  # fmt: skip
    return Report(
        schema=FORM,
        report_id=secrets.token_hex(12),
        number=1 if previous is None else previous.number + 1,
        tool=tool(),
        policy=PolicyRecord(
            name=mask(policy.name),
            sha256=policy_sha256,
            thresholds=policy.thresholds,
            plug_ins=policy.plug_ins,
            choices=tuple(Choice(where=mask(each.where), text=mask(each.text)) for each in choices(policy)),
        ),
        subject=(subject,),
        left_out=policy.left_out,
        service=None if asked.service is None else asked.masker.mask(asked.service),
        environment=environment(asked.root),
        started=instant(started),
        finished=instant(finished),
        valid_until=_valid_until(asked, records, finished),
        verdict=verdict(scored, policy.thresholds),
        score=score(scored),
        checks=records,
        waivers=tuple(_waiver_record(asked, *pair) for pair in zip(policy.waivers, counted.problems, strict=True)),
        previous=None if previous is None else _previous(asked, previous, records),
        apart=tuple(tree.not_walked(asked.root, policy.left_out, (asked.out,))),
    )


def _check_record(kept: Kept, outcome: Outcome, scored: Scored, store: EvidenceStore) -> CheckRecord:
    definition = kept.definition
    record, _ = store.keep(msgspec.json.encode(kept, order="sorted"))
    return CheckRecord(
        id=definition.id,
        title=definition.title,
        category=definition.category,
        weight=definition.weight,
        blocker=definition.blocker,
        automation=definition.automation,
        status=outcome.status,
        credit=float(scored.credit),
        manual=kept.manual,
        reason=outcome.reason,
        rule=definition.rule,
        measured=outcome.measured,
        coverage=outcome.coverage,
        findings=outcome.findings,
        applicability=outcome.applicability,
        evidence=kept.evidence,
        started=kept.started,
        ended=kept.ended,
        valid_until=kept.valid_until,
        remediation=definition.remediation,
        source=definition.source,
        tags=definition.tags,
        record=record,
    )


def _waiver_record(asked: Asked, waiver: Waiver, problem: str) -> WaiverRecord:
    mask = asked.masker.mask
    return WaiverRecord(
        check=waiver.check,
        fingerprint=waiver.fingerprint,
        owner=mask(waiver.owner),
        approver=mask(waiver.approver),
        reason=mask(waiver.reason),
        created=str(waiver.created),
        expires=str(waiver.expires),
        days_left=(waiver.expires - day_of(asked.clock())).days,
        ticket=mask(waiver.ticket),
        problem=problem,
    )


def _valid_until(asked: Asked, records: Sequence[CheckRecord], finished: float) -> str:
    policy = asked.policy.policy
    ends = [finished + policy.thresholds.max_age_days * DAY_S]
    ends += [seconds(each.valid_until) for each in records if each.valid_until is not None]
    waived = {each.id for each in records if each.status is Status.WAIVED}
    ends += [day_start(each.expires) + DAY_S for each in policy.waivers if each.check in waived]
    return instant(min(ends))


def _previous(asked: Asked, head: history.Head, records: Sequence[CheckRecord]) -> Previous:
    earlier = history.as_report(asked.out, head.report)
    before = {each.id: each.status for each in earlier.checks}
    after = {each.id: each.status for each in records}
    deltas = tuple(
        Delta(check=id, before=before.get(id), after=after.get(id))
        for id in dict.fromkeys((*before, *after))
        if before.get(id) is not after.get(id)
    )
    return Previous(
        report_sha256=head.report,
        number=head.number,
        decision=str(earlier.verdict.decision),
        overall=earlier.score.overall,
        deltas=deltas,
    )
