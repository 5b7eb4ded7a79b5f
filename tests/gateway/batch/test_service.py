"""Files and batches of tenants: each sees its own, and nothing half done is left behind."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadworthy.core.errors import GatewayError, StorageError, UsageError
from roadworthy.gateway.batch.files import FileStore
from roadworthy.gateway.batch.record import StoredFile
from roadworthy.gateway.batch.service import BatchService, NewBatch, read_body

CHAT = "/v1/chat/completions"


def upload(service: BatchService, tenant: str = "key_a", content: bytes = b"{}", name: str = "in.jsonl") -> StoredFile:
    part = service.files.open_part()
    part.write(content)
    try:
        return service.keep_upload(tenant, part, name, "batch")
    finally:
        part.drop()


def test_a_tenant_sees_its_own_files_and_batches_alone(service) -> None:
    mine, other = upload(service), upload(service, "key_b")
    batch = service.create("key_a", NewBatch(mine.id, CHAT, "24h"))
    assert [one.id for one in service.store.files("key_a", None, None, 10)] == [mine.id]
    assert [one.id for one in service.list("key_a", None, 10)] == [batch.id]
    assert not service.list("key_b", None, 10)
    for refused in (
        lambda: service.store.file("key_b", mine.id),
        lambda: service.content("key_b", mine.id),
        lambda: service.delete("key_b", mine.id),
        lambda: service.create("key_a", NewBatch(other.id, CHAT, "24h")),
        lambda: service.get("key_b", batch.id),
        lambda: service.cancel("key_b", batch.id),
        lambda: service.resume("key_b", batch.id),
    ):
        with pytest.raises(UsageError) as error:
            refused()
        assert error.value.code == "not_found"


def test_pages_go_backwards_without_gap_or_repetition(service) -> None:
    made = [upload(service).id for _ in range(7)]
    seen, after = [], None
    while page := service.store.files("key_a", "batch", after, 3):
        seen += [one.id for one in page]
        after = page[-1].id
    assert sorted(seen) == sorted(made)
    assert len(seen) == 7


@pytest.mark.parametrize(
    "wanted",
    [
        NewBatch("FILE", "/v1/completions", "24h"),
        NewBatch("FILE", CHAT, "1h"),
        NewBatch("FILE", CHAT, "24h", {str(n): "x" for n in range(17)}),
        NewBatch("FILE", CHAT, "24h", {"n": "x" * 513}),
        NewBatch("file-none", CHAT, "24h"),
    ],
)
def test_what_makes_no_batch(service, jobs, wanted: NewBatch) -> None:
    file = upload(service)
    wanted.input_file_id = wanted.input_file_id.replace("FILE", file.id)
    with pytest.raises(UsageError):
        service.create("key_a", wanted)
    assert not service.list("key_a", None, 10)
    assert not jobs.queued


def test_a_full_queue_leaves_no_batch(service, jobs) -> None:
    file, jobs.full = upload(service), True
    with pytest.raises(GatewayError) as full:
        service.create("key_a", NewBatch(file.id, CHAT, "24h"))
    assert full.value.code == "queue_full"
    assert not service.list("key_a", None, 10)


def test_a_dead_job_is_a_failed_batch_and_replays_as_one_that_runs(service, jobs) -> None:
    batch = service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"))
    [job] = jobs.queued
    jobs.die(job, "poison: its worker ended")
    failed = service.get("key_a", batch.id)
    assert failed.status == "failed"
    assert "poison" in failed.errors[0].message
    service.replay(job)
    assert service.get("key_a", batch.id).status == "in_progress"


def test_a_batch_that_is_over_cannot_be_cancelled_nor_one_that_runs_resumed(service) -> None:
    batch = service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"))
    with pytest.raises(UsageError, match="cannot be resumed"):
        service.resume("key_a", batch.id)
    assert service.cancel("key_a", batch.id).status == "cancelling"
    assert service.cancel("key_a", batch.id).status == "cancelling"
    service.store.advance(batch.id, "completed")
    with pytest.raises(UsageError, match="completed"):
        service.cancel("key_a", batch.id)


def test_a_file_in_use_stays_and_a_removed_one_is_gone(service) -> None:
    file = upload(service)
    batch = service.create("key_a", NewBatch(file.id, CHAT, "24h"))
    with pytest.raises(UsageError, match="in use"):
        service.delete("key_a", file.id)
    service.store.advance(batch.id, "completed")
    path = service.content("key_a", file.id)
    service.delete("key_a", file.id)
    assert not path.exists()


def test_the_room_for_files_is_bounded(service, tmp_path: Path) -> None:
    upload(service, content=b"x" * 900_000)
    with pytest.raises(UsageError) as full:
        upload(service, "key_b", content=b"x" * 200_000)
    assert full.value.code == "request_too_large"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b\n", "", "x" * 500, "한국어.jsonl"])
def test_names_are_kept_as_words_and_never_used_as_paths(service, tmp_path: Path, name: str) -> None:
    file = upload(service, name=name)
    assert file.filename.isprintable()
    assert 0 < len(file.filename) <= 200
    assert service.content("key_a", file.id).parent == tmp_path / "files"


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    half = FileStore(tmp_path).open_part()
    half.write(b"half")
    half._file.close()  # as the system does for a killed process
    assert list(tmp_path.iterdir())
    FileStore(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input_file_id":1}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_none_is_told(body: bytes) -> None:
    with pytest.raises(UsageError):
        read_body(body, NewBatch)


def test_the_same_idempotency_key_makes_one_batch(service, jobs) -> None:
    first = service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"), "k")
    again = service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"), "k")  # another upload, same content
    assert again.id == first.id
    assert len(jobs.queued) == 1
    other = service.create("key_b", NewBatch(upload(service, "key_b").id, CHAT, "24h"), "k")
    assert other.id != first.id
    assert service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"), "k2").id != first.id


def test_eight_at_once_with_the_same_key_get_one_batch(service, jobs) -> None:
    file = upload(service)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: service.create("key_a", NewBatch(file.id, CHAT, "24h"), "k").id, range(8)))
    assert len(set(made)) == len(jobs.queued) == 1


def test_an_idempotency_key_with_another_content_is_refused(service) -> None:
    service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"), "k")
    for other in (
        NewBatch(upload(service, content=b"[]").id, CHAT, "24h"),
        NewBatch(upload(service).id, "/v1/embeddings", "24h"),
    ):
        with pytest.raises(UsageError) as refused:
            service.create("key_a", other, "k")
        assert refused.value.param == "idempotency-key"


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "\u00e9"])
def test_an_unusable_idempotency_key_is_refused(service, key: str) -> None:
    with pytest.raises(UsageError):
        service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"), key)


def test_a_batch_without_its_job_gets_one_at_the_next_look(service, jobs) -> None:
    """The worker was killed between the two writes."""
    batch = service.create("key_a", NewBatch(upload(service).id, CHAT, "24h"))
    jobs.queued.clear()
    jobs.full = True
    assert service.get("key_a", batch.id).status == "validating"
    jobs.full = False
    service.list("key_a", None, 10)
    assert list(jobs.queued) == [f"{batch.id}.1"]


def test_a_content_that_is_gone_is_told_as_gone(service) -> None:
    file = upload(service)
    service.files.remove(file.id)
    with pytest.raises(UsageError) as refused:
        service.content("key_a", file.id)
    assert refused.value.code == "not_found"


def test_an_upload_whose_row_is_refused_leaves_no_content(service, engine, tmp_path: Path) -> None:
    upload(service)
    with sqlite3.connect(tmp_path / "jobs.db") as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON roadworthy_file BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    db.close()
    before = sorted(path.name for path in (tmp_path / "files").iterdir())
    with pytest.raises(StorageError):
        upload(service)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == before
