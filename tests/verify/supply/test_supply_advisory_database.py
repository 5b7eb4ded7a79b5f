"""The database of advisories: dated by its newest record, guarded by its hash; old or partial is never clean."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from roadworthy.core.errors import SubjectError
from roadworthy.verify.supply.advisory_database import Database, import_osv, load, save
from roadworthy.verify.supply.advisory_match import Matched, match, stale
from roadworthy.verify.supply.installed import Distribution

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GRAVE = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def _osv(id: str, package: str, fixed: str = "2", **values: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
    }
    return {
        "id": id,
        "modified": "2026-11-20T00:00:00Z",
        "summary": f"About {package}",
        "affected": [affected],
    } | values


RECORDS = [
    _osv("T-1", "alpha", severity=[{"type": "CVSS_V3", "score": GRAVE}], aliases=["CVE-1"]),
    _osv("T-2", "Alpha", aliases=["CVE-1"], database_specific={"severity": "LOW"}, modified="2026-11-18T00:00:00Z"),
    _osv("T-3", "beta_pack", database_specific={"severity": "LOW"}),
    _osv("T-4", "gamma", withdrawn="2026-11-01T00:00:00Z"),
    _osv("T-5", "delta"),
    {"id": "T-6", "modified": "2026-11-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "alpha"}}]},
    {"id": "T-7", "modified": "2026-11-01T00:00:00Z",
     "affected": [{"package": {"ecosystem": "PyPI", "name": "vague"}, "ranges": [{"type": "GIT", "events": []}]}]},
]  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "osv"
    (folder / "deep").mkdir(parents=True)
    for record in RECORDS:
        (folder / "deep" / f"{record['id']}.json").write_text(json.dumps(record))
    (folder / "README.md").write_text("no record")
    return folder


@pytest.fixture
def database(source: Path) -> Database:
    return import_osv(source, NOW)


def _installed(*pairs: tuple[str, str]) -> list[Distribution]:
    return [Distribution(name, version, Path(), None, None, (), (), "") for name, version in pairs]


def test_counts_and_dates(database: Database) -> None:
    assert (database.records, database.withdrawn, database.other) == (7, 1, 1)
    assert database.newest == "2026-11-20T00:00:00Z"
    assert [advisory.id for advisory in database.advisories] == ["T-1", "T-2", "T-3", "T-5", "T-7"]
    assert database.unreadable == ()


def test_archives_and_yaml_say_the_same(source: Path, database: Database, tmp_path: Path) -> None:
    archive = tmp_path / "osv.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(source.rglob("*.json")):
            file.write(path, path.name)
    assert import_osv(archive, NOW).advisories == database.advisories
    for given in (archive, source):
        totals, steps = [], []
        import_osv(given, NOW, totals.append, steps.append)
        assert (len(totals), len(steps)) == (1, len(RECORDS))
        assert totals == [sum(steps)]
    for path in source.rglob("*.json"):
        # JSON is YAML, but for times, which YAML would turn into something else
        path.with_suffix(".yaml").write_text(path.read_text().replace('"2026-11-20T00:00:00Z"', "2026-11-20T00:00:00Z"))
        path.unlink()
    assert import_osv(source, NOW).advisories == database.advisories


def test_saved_and_loaded(database: Database, tmp_path: Path) -> None:
    digest = save(database, tmp_path / "db.json")
    loaded = load(tmp_path / "db.json")
    assert loaded.sha256 == digest
    assert loaded.advisories == database.advisories
    assert save(database, tmp_path / "again.json") == digest


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.unlink(), "subject_unreadable"),
        (lambda path: path.write_text("{}"), "subject_unreadable"),
        (lambda path: path.write_bytes(b"\xff"), "subject_unreadable"),
        (lambda path: path.write_text(path.read_text().replace("advisories/1", "advisories/9")), "subject_unreadable"),
        (lambda path: path.write_text(path.read_text().replace('"fixed","2"', '"fixed","1"')), "integrity_mismatch"),
        (lambda path: path.write_text(path.read_text().replace("2026-11-20", "2026-11-21")), "integrity_mismatch"),
        (lambda path: path.write_text(path.read_text().replace("2026-11-20T00:00:00Z", "soon")), "subject_unreadable"),
    ],
)
def test_bad_databases(make: Any, code: str, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "db.json"
    save(database, path)
    make(path)
    with pytest.raises(SubjectError) as caught:
        load(path)
    assert caught.value.code == code


def _found(matched: Matched) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [(hit.package, hit.ids, hit.severity) for hit in matched.hits]


def test_match(database: Database) -> None:
    matched = match(
        _installed(
            ("ALPHA", "1.0"), ("Beta.Pack", "1.0"), ("gamma", "1.0"), ("delta", "2.0"), ("unheard-of", "1"),
            ("unheard-of-too", "what"),
        ),
        database,
    )  # fmt: skip
    # two records of one vulnerability are one hit, as grave as the gravest says
    assert _found(matched) == [("alpha", ("T-1", "CVE-1", "T-2"), "critical"), ("beta-pack", ("T-3",), "low")]
    assert matched.hits[0].fixed == ("2",)
    assert (matched.examined, matched.skipped) == (6, ())


def test_what_cannot_be_decided_is_skipped_and_told(database: Database) -> None:
    matched = match(_installed(("vague", "1.0"), ("alpha", "not a version"), ("delta", "2")), database)
    assert matched.examined == 1
    assert [name for name, _ in matched.skipped] == ["vague 1.0", "alpha not a version"]


def test_a_severity_that_nobody_states_counts_as_grave(database: Database) -> None:
    (hit,) = match(_installed(("delta", "1")), database).hits
    assert hit.severity is None
    assert hit.grave


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW, ""),
        (NOW + timedelta(days=5), ""),
        (NOW + timedelta(days=7), "at most 7 are allowed"),
        (NOW - timedelta(days=3), "in the future"),
    ],
)
def test_age_is_that_of_the_newest_record(database: Database, now: datetime, said: str) -> None:
    why = stale(database, now)
    assert said in why
    assert bool(why) is bool(said)


def test_an_old_copy_imported_today_is_old(source: Path) -> None:
    for path in source.rglob("*.json"):
        path.write_text(path.read_text().replace("2026-11", "2024-10"))
    assert "at most 7 are allowed" in stale(import_osv(source, NOW), NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 100_000,
        b"\xff\xfe",
        b"[]",
        json.dumps(_osv("F-1", "alpha", modified="2027-01-01T00:00:00Z")).encode(),
        json.dumps(_osv("F-2", "alpha", modified="yesterday")).encode(),
    ],
)
def test_a_record_that_cannot_be_read_is_named_and_makes_the_rest_unreliable(content: bytes, source: Path) -> None:
    (source / "a\nb.json").write_bytes(content)
    database = import_osv(source, NOW)
    assert database.records == 7
    assert [name for name, _ in database.unreadable] == ["a\\nb.json"]
    assert "could not be read" in stale(database, NOW)


def test_large_records_and_bombs_are_not_taken(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.verify.supply.advisory_database.MOST_RECORD_BYTES", 1000)
    archive = tmp_path / "osv.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.json", b" " * 5_000_000)
        file.writestr("good.json", json.dumps(RECORDS[3]))
    database = import_osv(archive, NOW)
    assert database.unreadable[0][0] == "bomb.json"


@pytest.mark.parametrize("what", ["missing", "empty", "no-zip"])
def test_nothing_to_import(what: str, tmp_path: Path) -> None:
    if what == "empty":
        (tmp_path / what).mkdir()
    elif what == "no-zip":
        (tmp_path / what).write_text("text")
    with pytest.raises(SubjectError) as caught:
        import_osv(tmp_path / what, NOW)
    assert caught.value.code == "subject_unreadable"
