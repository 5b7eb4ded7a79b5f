"""What `roadworthy verify advisories` does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from roadworthy.cli.output import Settings
from roadworthy.cli.progress import bytes_progress
from roadworthy.cli.verify_bill import chosen
from roadworthy.core.errors import Exit, StorageError
from roadworthy.verify.supply.advisory_database import import_osv, load, save
from roadworthy.verify.supply.advisory_match import match, stale
from roadworthy.verify.supply.installed import counted
from roadworthy.verify.tree import shown

_SHOWN_ROWS = 20


def import_source(source: Path, file: Path, out: Settings) -> None:
    """Write a database and say what is in it."""
    now = datetime.now(UTC)
    with bytes_progress(out, "reading advisories") as progress:
        database = import_osv(source, now, progress.total, progress.step)
    try:
        digest = save(database, file)
    except OSError as problem:
        raise StorageError("The database cannot be written.", f"{problem.strerror}.") from None
    out.emit(
        {
            "database": str(file), "sha256": digest, "source": database.source,
            "source_sha256": database.source_sha256, "newest": database.newest, "records": database.records,
            "advisories": len(database.advisories), "withdrawn": database.withdrawn,
            "other_ecosystems": database.other,
            "unreadable": [{"name": name, "why": why} for name, why in database.unreadable],
        },
        f"{len(database.advisories)} advisories about PyPI of {database.records} records, the newest of "
        f"{database.newest}, in {shown(file)}.",
    )  # fmt: skip
    why = stale(database, now)
    if why:
        out.say(f"No check against it will pass: {why}")
    if database.unreadable:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)


def check(subject: Path, place: Path | None, file: Path, out: Settings) -> None:
    """Look every package up and end with the exit code that says how it went."""
    database = load(file)
    found = chosen(subject, place)
    matched = match(found.distributions, database)
    existing = counted(found.folders)
    skipped = [*matched.skipped, *found.unread]
    why = stale(database, datetime.now(UTC))
    out.emit(
        {
            "packages": {"examined": matched.examined, "installed": existing},
            "database": {"newest": database.newest, "sha256": database.sha256, "stale": why or None},
            "vulnerabilities": matched.hits,
            "skipped": [{"name": shown(name), "why": reason} for name, reason in skipped],
        },
        out.table(
            ["package", "version", "severity", "ids", "mended in"],
            [
                (hit.package, hit.version, hit.severity, " ".join(hit.ids[:3]), " ".join(hit.fixed[:4]))
                for hit in matched.hits
            ],
        )
        if matched.hits
        else "",
    )
    grave = sum(hit.grave for hit in matched.hits)
    out.say(f"{matched.examined} of {existing} packages looked up: {grave} grave, {len(matched.hits) - grave} other.")
    for name, reason in skipped[:_SHOWN_ROWS]:
        out.say(f"Not looked up: {shown(name)}: {reason}")
    if why:
        out.say(f"Not measured: {why}")
    if grave:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)
    if why or skipped or matched.examined != existing or not existing:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)
