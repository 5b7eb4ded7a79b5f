"""SUP-02: each installed distribution is looked up in a database of advisories that is of this week."""

from __future__ import annotations

from datetime import UTC, datetime

from roadworthy.core.errors import SubjectError
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Measure,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
    not_measured,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.advisory_database import load
from roadworthy.verify.supply.advisory_match import Hit, match, stale
from roadworthy.verify.supply.installed import counted
from roadworthy.verify.supply.subject import installed, unread
from roadworthy.verify.tree import shown

_SEVERITIES = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "medium": Severity.NOTE, "low": Severity.NOTE}


def probe(context: Context) -> Outcome:
    """Look each distribution up."""
    try:
        database = load(context.root / str(context.settings["database"]))
    except SubjectError as problem:
        raise NotMeasured(f"{problem} {problem.mend}") from None
    found = installed(context)
    matched = match(found.distributions, database)
    about = {
        "source": database.source, "source_sha256": database.source_sha256, "sha256": database.sha256,
        "newest": database.newest, "imported": database.imported, "records": database.records,
        "advisories": len(database.advisories),
    }  # fmt: skip
    context.evidence.write_json(
        {
            "database": about,
            "packages": [f"{each.key} {each.version}" for each in found.distributions],
            "hits": [hit._asdict() for hit in matched.hits],
            "skipped": matched.skipped,
        },
        "advisories for what is installed",
        covers=[database.sha256],
    )
    findings = [_finding(context.check, hit) for hit in matched.hits]
    grave = sum(hit.grave for hit in matched.hits)
    coverage = Coverage(
        examined=matched.examined,
        existing=counted(found.folders),
        how_counted="Existing: importlib.metadata over the same folders. Examined: looked up to the end.",
        missing=(*unread(found), *(Missing(name=shown(name)) for name, _ in matched.skipped)),
    )
    why = stale(database, datetime.now(UTC))
    if why and not grave:
        return not_measured(why, coverage=coverage)
    return judged(
        f"{grave} grave and {len(matched.hits) - grave} other vulnerabilities in {matched.examined} packages; "
        f"the database is of {database.newest[:10]} and has {database.records} records. {why}".strip(),
        coverage=coverage,
        findings=findings,
        measured=[Measure(name="advisories", value=len(database.advisories), unit="1")],
    )


def _finding(check: str, hit: Hit) -> Finding:
    mend = f" Mended in {', '.join(hit.fixed[:6])}." if hit.fixed else ""
    level = hit.severity or "nobody says how grave"
    return finding(
        check, hit.ids[0], f"{hit.package} {hit.version}: {', '.join(hit.ids[:4])} ({level}).{mend}",
        key=(hit.package, hit.version, *sorted(hit.ids)),
        severity=_SEVERITIES.get(hit.severity or "", Severity.HIGH),
    )  # fmt: skip
