"""Evidence is masked, named by its hash, written once, and every change of it shows."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadworthy.core.errors import RoadworthyError, StorageError
from roadworthy.verify import evidence
from roadworthy.verify.child import Ports
from roadworthy.verify.evidence import EvidenceStore, evidence_bytes
from roadworthy.verify.probe import EvidenceWriter


@pytest.fixture
def store(tmp_path: Path, guard_ports: Ports) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence", guard_ports.masker)


def test_there_and_back(store: EvidenceStore) -> None:
    digest, size = store.put(b"42 tests collected")
    assert digest == hashlib.sha256(b"42 tests collected").hexdigest()
    assert (evidence_bytes(store.folder, digest), size) == (b"42 tests collected", 18)
    assert (store.folder / digest).stat().st_mode & 0o222 == 0


def test_masked_at_the_door(store: EvidenceStore) -> None:
    secret = b"sk-proj-" + b"a1B2c3D4" * 6
    writer = EvidenceWriter(store, lambda: 0.0)
    digest = writer.write(
        b"Authorization: Bearer " + secret, "call with " + secret.decode(), argv=["curl", secret.decode()]
    )
    assert secret not in evidence_bytes(store.folder, digest)
    assert secret.decode() not in repr(writer.items)
    assert writer.items[0].sha256 == digest == hashlib.sha256(evidence_bytes(store.folder, digest)).hexdigest()


def test_the_same_bytes_at_the_same_time(store: EvidenceStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: store.put(b"x" * 100_000)[0], range(64)))
    assert len(digests) == 1
    assert [path.name for path in store.folder.iterdir()] == list(digests)


def test_a_damaged_piece_is_written_again(store: EvidenceStore) -> None:
    digest, _ = store.put(b"whole")
    (store.folder / digest).unlink()
    (store.folder / digest).write_bytes(b"who")
    store.put(b"whole")
    assert evidence_bytes(store.folder, digest) == b"whole"


@pytest.mark.parametrize("change", ["flip", "cut", "grow", "gone", "link", "folder"])
def test_every_change_shows(store: EvidenceStore, change: str) -> None:
    digest, _ = store.put(b"whole")
    file = store.folder / digest
    file.chmod(0o644)
    if change in ("gone", "link", "folder"):
        file.unlink()
    if change == "link":
        (store.folder / "other").write_bytes(b"whole")
        file.symlink_to("other")
    elif change == "folder":
        file.mkdir()
    elif change != "gone":
        file.write_bytes({"flip": b"whale", "cut": b"whol", "grow": b"whole "}[change])
    with pytest.raises(RoadworthyError) as caught:
        evidence_bytes(store.folder, digest)
    assert caught.value.code in ("integrity_mismatch", "subject_unreadable")


@pytest.mark.parametrize("name", ["", "../" * 3 + "etc/passwd", "A" * 64, "0" * 63, "0" * 65])
def test_only_hashes_are_names(store: EvidenceStore, name: str) -> None:
    with pytest.raises(RoadworthyError, match="no SHA-256"):
        evidence_bytes(store.folder, name)


def test_what_is_too_large_is_refused(store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "LARGEST_BYTES", 10)
    with pytest.raises(StorageError, match="too large"):
        store.put(b"x" * 11)
    assert not store.folder.exists()


def test_a_disk_that_refuses(tmp_path: Path, guard_ports: Ports) -> None:
    (tmp_path / "evidence").write_text("a file is in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        EvidenceStore(tmp_path / "evidence", guard_ports.masker).put(b"x")
