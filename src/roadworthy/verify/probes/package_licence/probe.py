"""SUP-04: the licence of each installed distribution is known and allowed."""

from __future__ import annotations

from roadworthy.core.errors import ConfigError
from roadworthy.verify.outcome import Coverage, Finding, NotMeasured, Outcome, Severity, finding, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.accepted import Accepted, accepted
from roadworthy.verify.supply.installed import Distribution, counted
from roadworthy.verify.supply.licence import Licence, LicencePolicy, Ruling, licence_of, policy, ruling
from roadworthy.verify.supply.subject import installed, unread
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Read and judge each licence."""
    settings = context.settings
    try:
        rules = policy(settings["allow"], settings["deny"], settings["packages"], settings["also_allow"])
        entries = accepted(settings["accepted"])
    except ConfigError as problem:
        raise NotMeasured(str(problem)) from None
    found = installed(context)
    rows = [(each, licence_of(each, rules.packages)) for each in found.distributions]
    context.evidence.write_json(
        [
            {"package": each.name, "version": each.version, "licence": licence.expression, "from": licence.source,
             "why_unknown": licence.why}
            for each, licence in rows
        ],
        "licences of what is installed",
    )  # fmt: skip
    findings = [bad for each, licence in rows if (bad := _finding(context, each, licence, rules, entries))]
    coverage = Coverage(
        examined=len(rows),
        existing=counted(found.folders),
        how_counted="Existing: importlib.metadata over the same folders. Examined: metadata that were read.",
        missing=unread(found),
    )
    unknown = sum(licence.expression is None for _, licence in rows)
    kept = sum(each.severity is Severity.NOTE for each in findings)
    return judged(
        f"{len(rows)} packages: {unknown} licences unknown, {len(findings) - unknown - kept} not allowed, "
        f"{kept} accepted under conditions.",
        coverage=coverage, findings=findings,
    )  # fmt: skip


def _finding(
    context: Context, each: Distribution, licence: Licence, rules: LicencePolicy, entries: tuple[Accepted, ...]
) -> Finding | None:
    check, name = context.check, f"{each.name} {each.version}"
    if licence.expression is None:
        return finding(check, "unknown", f"{name}: {licence.why}.", key=(each.key,))
    verdict = ruling(licence.expression, rules)
    if verdict is Ruling.ALLOWED:
        return None
    key = (each.key, licence.expression)
    for entry in entries:
        if entry.covers(each.key, licence.expression):
            faults = entry.faults(context.root)
            if faults:
                return finding(check, "condition", f"{name}: {' '.join(faults)}", key=key)
            said = f"{name}: {licence.expression}, accepted. {shown(entry.because)}"
            return finding(check, "accepted", said, key=key, severity=Severity.NOTE)
    word = "is denied" if verdict is Ruling.DENIED else "is not among the allowed"
    return finding(check, str(verdict.name).lower(), f"{name}: {licence.expression} {word}.", key=key)
