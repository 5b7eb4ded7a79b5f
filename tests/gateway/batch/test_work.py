"""A batch is worked off line by line: good lines are sent once, bad ones are named, whatever happens between."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from roadworthy.core.errors import StorageError
from roadworthy.core.job import JobInterrupted
from roadworthy.gateway.batch import work as work_module
from roadworthy.gateway.batch.record import Answered, Batch
from roadworthy.gateway.batch.service import BatchService, NewBatch
from roadworthy.gateway.batch.work import BatchWork

CHAT = "/v1/chat/completions"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "LOOK_S", 0.005)
    monkeypatch.setattr(work_module, "AWAY_S", 0.01)


class Sender:
    """Answers every line with its own name, and notes what it was asked."""

    def __init__(self, on_line: Callable[[str], None] = lambda name: None, status: int = 200, seconds: float = 0.0):
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self._on_line, self._status, self._seconds = on_line, status, seconds

    @asynccontextmanager
    async def open(self):
        yield self._send

    async def _send(self, batch, line, stop):
        self.asked.append(line.custom_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self._on_line(line.custom_id)
        await asyncio.sleep(self._seconds)
        self.at_once -= 1
        body = msgspec.Raw(b'{"said":"%b"}' % line.custom_id.encode())
        return Answered(line.number, line.custom_id, self._status, "req_1", body)


def lines(names: list[str]) -> list[str]:
    return [json.dumps({"custom_id": n, "method": "POST", "url": CHAT, "body": {"model": "m"}}) for n in names]


def begin(service: BatchService, content: list[str], tenant: str = "key_a") -> Batch:
    part = service.files.open_part()
    part.write("\n".join(content).encode())
    file = service.keep_upload(tenant, part, "in.jsonl", "batch")
    return service.create(tenant, NewBatch(file.id, CHAT, "24h"))


def do(service: BatchService, batch: Batch, run, sender: Sender, parallel: int = 2) -> object:
    return BatchWork(service.store, service.files, sender.open, parallel)(run, {"batch": batch.id})


def read(service: BatchService, file_id: str | None) -> list[dict]:
    assert file_id is not None
    return [json.loads(line) for line in service.files.read_lines(file_id)]


def test_good_lines_are_answered_and_bad_ones_named_with_their_numbers(service, run) -> None:
    names = [f"n{number}" for number in range(10)]
    batch = begin(service, ["{broken", *lines(names[:5]), "", "[]", *lines(["n3"]), *lines(names[5:])])
    assert do(service, batch, run, Sender()) == "completed"
    ended = service.get("key_a", batch.id)
    assert (ended.status, ended.total, ended.completed, ended.failed) == ("completed", 13, 10, 3)
    answers = read(service, ended.output_file_id)
    assert [one["custom_id"] for one in answers] == names
    assert all(one["response"]["status_code"] == 200 and one["error"] is None for one in answers)
    assert all(one["response"]["body"] == {"said": one["custom_id"]} for one in answers)
    assert [one["error"]["line"] for one in read(service, ended.error_file_id)] == [1, 8, 9]
    assert [fault.line for fault in ended.errors] == [1, 8, 9]
    assert {"in_progress_at", "finalizing_at", "completed_at"} <= set(ended.stamps)


def test_so_many_lines_are_under_way_at_once_and_no_more(service, run) -> None:
    sender = Sender(seconds=0.01)
    do(service, begin(service, lines([f"n{number}" for number in range(20)])), run, sender, parallel=4)
    assert sender.most_at_once == 4


def test_after_an_interruption_only_the_rest_is_sent(service, run) -> None:
    batch = begin(service, lines([f"n{number}" for number in range(30)]))

    def interrupt(name: str) -> None:
        run.interrupted = run.interrupted or name == "n10"

    first = Sender(interrupt, seconds=0.005)
    with pytest.raises(JobInterrupted):
        do(service, batch, run, first)
    assert 10 < len(first.asked) < 30
    done = len(first.asked)
    run.interrupted = False
    second = Sender()
    assert do(service, batch, run, second) == "completed"
    assert sorted(first.asked + second.asked) == sorted(f"n{number}" for number in range(30))
    assert len(second.asked) == 30 - done


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def test_a_worker_that_dies_in_a_line_repeats_that_line_alone(service, run) -> None:
    def die(name: str) -> None:
        if name == "n5":
            raise Killed

    batch = begin(service, lines([f"n{number}" for number in range(8)]))
    first = Sender(die)
    with pytest.raises(BaseExceptionGroup) as ended:
        do(service, batch, run, first, parallel=1)
    assert ended.group_contains(Killed)
    second = Sender()
    do(service, batch, run, second, parallel=1)
    assert second.asked == ["n5", "n6", "n7"]


def test_cancelled_it_keeps_its_answers_tells_what_is_left_and_can_go_on(service, run) -> None:
    batch = begin(service, lines([f"n{number}" for number in range(30)]))

    def cancel(name: str) -> None:
        if name == "n8":
            service.cancel("key_a", batch.id)

    assert do(service, batch, run, Sender(cancel, seconds=0.01)) == "cancelled"
    ended = service.get("key_a", batch.id)
    kept = len(read(service, ended.output_file_id))
    assert 8 <= kept < 30
    assert {one["error"]["code"] for one in read(service, ended.error_file_id)} == {"batch_cancelled"}
    assert ended.completed + ended.failed == 30
    service.resume("key_a", batch.id)
    run.recorded.clear()
    rest = Sender()
    assert do(service, batch, run, rest) == "completed"
    assert len(rest.asked) == 30 - kept
    ended = service.get("key_a", batch.id)
    assert (ended.completed, ended.failed, ended.error_file_id) == (30, 0, None)


def test_when_its_time_is_over_the_rest_is_told_as_expired(service, run, monkeypatch) -> None:
    batch = begin(service, lines(["a", "b"]))
    monkeypatch.setattr(time, "time", lambda: batch.expires_at + 1.0)
    assert do(service, batch, run, Sender()) == "expired"
    ended = service.get("key_a", batch.id)
    assert [one["error"]["code"] for one in read(service, ended.error_file_id)] == ["batch_expired"] * 2


@pytest.mark.parametrize(("content", "code"), [([""], "empty_file"), (["{", "nonsense"], "invalid_request")])
def test_a_file_without_a_good_line_fails_as_a_whole(service, run, content: list[str], code: str) -> None:
    batch = begin(service, content)
    assert do(service, batch, run, sender := Sender()) == "failed"
    ended = service.get("key_a", batch.id)
    assert (ended.status, ended.errors[0].code, sender.asked) == ("failed", code, [])


def test_an_answer_that_is_an_error_goes_to_the_error_file(service, run) -> None:
    batch = begin(service, lines(["a"]))
    do(service, batch, run, Sender(status=404))
    ended = service.get("key_a", batch.id)
    assert (ended.output_file_id, ended.completed, ended.failed) == (None, 0, 1)
    [told] = read(service, ended.error_file_id)
    assert (told["custom_id"], told["response"]["status_code"]) == ("a", 404)


def test_a_store_that_is_away_loses_no_paid_answer(service, run, monkeypatch) -> None:
    batch, refused = begin(service, lines(["a", "b"])), []
    add = service.store.add_lines

    def away(batch_id, answered):
        if answered and answered[0].good and len(refused) < 3:
            refused.append(answered)
            raise StorageError("away")
        add(batch_id, answered)

    monkeypatch.setattr(service.store, "add_lines", away)
    sender = Sender()
    assert do(service, batch, run, sender) == "completed"
    assert (len(refused), sorted(sender.asked)) == (3, ["a", "b"])


def test_a_batch_whose_input_vanished_fails_at_once_and_says_why(service, run) -> None:
    batch = begin(service, lines(["a"]))
    service.files.remove(batch.input_file_id)
    sender = Sender()
    assert do(service, batch, run, sender) == "failed"
    ended = service.get("key_a", batch.id)
    assert [(fault.code, fault.param) for fault in ended.errors] == [("not_found", "input_file_id")]
    assert not sender.asked


def test_what_was_answered_before_the_input_vanished_is_told(service, run) -> None:
    batch = begin(service, lines([f"n{number}" for number in range(30)]))

    def interrupt(name: str) -> None:
        run.interrupted = run.interrupted or name == "n10"

    with pytest.raises(JobInterrupted):
        do(service, batch, run, Sender(interrupt, seconds=0.005))
    run.interrupted = False
    service.files.remove(batch.input_file_id)
    assert do(service, batch, run, Sender()) == "failed"
    ended = service.get("key_a", batch.id)
    assert len(read(service, ended.output_file_id)) == ended.completed > 0
    assert ended.errors[0].code == "not_found"
