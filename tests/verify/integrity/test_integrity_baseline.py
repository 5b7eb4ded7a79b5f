"""The check against a baseline: what passes, what fails, and what was not measured."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roadworthy.core.errors import SubjectError
from roadworthy.verify.integrity.baseline import (
    PAYLOAD_TYPE,
    Loaded,
    Survey,
    check,
    create,
    load,
    name_below,
    save,
    survey,
)
from roadworthy.verify.integrity.manifest import PREDICATE_TYPE, STATEMENT_TYPE, manifest_of, statement
from roadworthy.verify.integrity.walk import Oddity, Problem
from roadworthy.verify.outcome import Status

MADE = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = MADE + timedelta(days=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.bin", "b.bin", "deep/c.bin"):
        (folder / name).write_bytes(name.encode() * 1000)
    return folder


@pytest.fixture
def loaded(root: Path) -> Loaded:
    return Loaded(create(root, survey(root), MADE), Status.PASS)


def _flip(root: Path) -> None:
    path = root / "b.bin"
    whole = bytearray(path.read_bytes())
    whole[1234] ^= 1
    path.write_bytes(whole)


def _rename(root: Path) -> None:
    (root / "a.bin").rename(root / "deep/z.bin")


@pytest.mark.parametrize(
    ("act", "status", "said"),
    [
        (lambda root: None, Status.PASS, "3 files are as the baseline says."),
        (_flip, Status.FAIL, "1 changed."),
        (lambda root: (root / "new.bin").write_bytes(b""), Status.FAIL, "1 added."),
        (lambda root: (root / "a.bin").unlink(), Status.FAIL, "1 missing."),
        (_rename, Status.FAIL, "1 renamed."),
        (lambda root: os.mkfifo(root / "pipe"), Status.FAIL, "1 names are no plain files, the first is pipe:"),
        (lambda root: (root / "loop").symlink_to("."), Status.FAIL, "a link to a folder above it"),
        (lambda root: (root / "out").symlink_to("/etc/hosts"), Status.FAIL, "a link that leads out of the root"),
        (lambda root: (root / "a\nb").write_bytes(b"x"), Status.FAIL, "1 added."),
    ],
)
def test_check(root: Path, loaded: Loaded, act: Callable[[Path], None], status: Status, said: str) -> None:
    act(root)
    found = check(survey(root), loaded, started=LATER)
    assert found.status is status
    assert said in found.reason


def test_a_baseline_of_the_same_run_proves_nothing(root: Path, loaded: Loaded) -> None:
    for started in (MADE, MADE - timedelta(seconds=1)):
        found = check(survey(root), loaded, started=started)
        assert found.status is Status.NOT_MEASURED
        assert "made by this run" in found.reason


def test_a_file_that_is_not_known_is_not_measured(root: Path, loaded: Loaded) -> None:
    contents = tuple(content for content in survey(root).contents if content.name != "a.bin")
    oddities = (Oddity(Problem.UNREADABLE, "a.bin", "cannot be read: Permission denied"),)
    found = check(Survey(contents, oddities, 3), loaded, started=LATER)
    assert found.status is Status.NOT_MEASURED
    assert found.difference.unexamined == ("a.bin",)


def test_nothing_against_nothing_is_not_measured(root: Path, loaded: Loaded) -> None:
    empty = Loaded(loaded.manifest._replace(contents=()), Status.PASS)
    assert check(Survey((), (), 0), empty, started=LATER).status is Status.NOT_MEASURED


def test_a_manifest_that_leaves_paths_out_fails(root: Path, loaded: Loaded) -> None:
    lax = Loaded(loaded.manifest._replace(ignored=("models.json", "deep")), Status.PASS)
    found = check(survey(root), lax, started=LATER, own_name="models.json")
    assert found.status is Status.FAIL
    assert "1 paths out, the first is deep" in found.reason


@pytest.mark.parametrize("odd", ["pipe", "link", "empty"])
def test_no_baseline_of_what_is_no_plain_file(root: Path, odd: str) -> None:
    if odd == "pipe":
        os.mkfifo(root / "pipe")
    elif odd == "link":
        (root / "link").symlink_to("..")
    else:
        root = root / "empty"
        root.mkdir()
    with pytest.raises(SubjectError) as caught:
        create(root, survey(root), MADE)
    assert caught.value.code == "subject_unreadable"


def test_the_statement_is_that_of_model_signing(root: Path, loaded: Loaded) -> None:
    made = statement(loaded.manifest)
    digests = [hashlib.sha256((root / name).read_bytes()) for name in ("a.bin", "b.bin", "deep/c.bin")]
    assert made["_type"] == STATEMENT_TYPE
    assert made["predicateType"] == PREDICATE_TYPE
    whole = hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
    assert made["subject"] == [{"name": "models", "digest": {"sha256": whole}}]
    predicate = made["predicate"]
    assert isinstance(predicate, dict)
    assert predicate["serialization"]["method"] == "files"
    assert predicate["serialization"]["hash_type"] == "sha256"
    assert predicate["resources"][2] == {
        "name": "deep/c.bin", "algorithm": "sha256", "digest": digests[2].hexdigest(), "size": 10_000,
    }  # fmt: skip
    assert manifest_of(json.loads(json.dumps(made))) == loaded.manifest


def test_saved_and_loaded(root: Path, loaded: Loaded, tmp_path: Path) -> None:
    save(loaded.manifest, tmp_path / "plain.json")
    assert load(tmp_path / "plain.json") == Loaded(loaded.manifest, Status.NOT_MEASURED)
    save(loaded.manifest, tmp_path / "signed.json", sign=_sealed)
    assert load(tmp_path / "signed.json") == Loaded(loaded.manifest, Status.NOT_MEASURED)
    assert load(tmp_path / "signed.json", _opened) == loaded
    with pytest.raises(SubjectError, match="not signed"):
        load(tmp_path / "plain.json", _opened)


def _sealed(payload: bytes) -> bytes:
    body = {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(), "signatures": [{"sig": ""}]}
    return json.dumps(body).encode()


def _opened(envelope: bytes) -> bytes:
    return base64.b64decode(json.loads(envelope)["payload"])


def _changed(make: Callable[[dict[str, object]], object]) -> Callable[[Loaded], bytes]:
    def changed(loaded: Loaded) -> bytes:
        values = statement(loaded.manifest)
        make(values)
        return json.dumps(values).encode()

    return changed


def _resource(index: int, **values: object) -> Callable[[Loaded], bytes]:
    return _changed(lambda made: made["predicate"]["resources"][index].update(values))  # type: ignore[index]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (None, "baseline_missing"),
        (lambda loaded: b"", "subject_unreadable"),
        (lambda loaded: b"\xff{", "subject_unreadable"),
        (lambda loaded: b"[" * 100_000, "subject_unreadable"),
        (lambda loaded: b"[]", "subject_unreadable"),
        (lambda loaded: b'{"payload": "!", "payloadType": "application/vnd.in-toto+json"}', "subject_unreadable"),
        (lambda loaded: b'{"payload": "e30=", "payloadType": "text/plain"}', "subject_unreadable"),
        (_changed(lambda made: made.update(predicateType="https://slsa.dev/provenance/v1")), "subject_unreadable"),
        (_changed(lambda made: made["predicate"]["serialization"].update(method="shards")), "subject_unreadable"),
        (_changed(lambda made: made["predicate"].update(created="yesterday")), "subject_unreadable"),
        (_changed(lambda made: made["predicate"].update(created="2026-11-01T12:00:00")), "subject_unreadable"),
        (_changed(lambda made: made["predicate"]["resources"].pop()), "integrity_mismatch"),
        (_resource(0, algorithm="md5"), "subject_unreadable"),
        (_resource(0, digest="00"), "subject_unreadable"),
        (_resource(0, digest="0" * 64), "integrity_mismatch"),
        (_resource(0, name="../a.bin"), "integrity_mismatch"),
        (_resource(0, name="/a.bin"), "integrity_mismatch"),
        (_resource(0, name="b.bin"), "integrity_mismatch"),
        (_resource(0, size="1"), "subject_unreadable"),
    ],
)  # fmt: skip
def test_bad_manifests(make: Callable[[Loaded], bytes] | None, code: str, loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    if make is not None:
        path.write_bytes(make(loaded))
    with pytest.raises(SubjectError) as caught:
        load(path)
    assert caught.value.code == code


def test_names_below(tmp_path: Path) -> None:
    assert name_below(tmp_path, tmp_path / "a/b") == "a/b"
    assert name_below(tmp_path / "a", tmp_path / "b") is None
    assert name_below(tmp_path, tmp_path) is None
