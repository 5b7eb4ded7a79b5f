"""Batches on a real gateway with the official SDK and as a user types them; the providers are doubles."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from doubles import Fault
from rig import Echo, Gateway, await_true
from rig.gateway import COMMAND
from rig.postgres import fresh_database, postgres_server
from roadworthy.runtime.jobs.liveness import started
from roadworthy.serve.rundir import read_run_record

CHAT = "/v1/chat/completions"
CONFIG = """
version: 1
gateway:
  require_key: {keys}
  retry: {{base_s: 0.01, cap_s: 0.02}}
  providers:
    double: {{kind: openai, base_url: "{double}", api_key: "env:DOUBLE_KEY"}}
  routes:
    chat: {{chain: [double/gpt-4.1-mini]}}
jobs: {{batch_parallel: 4}}
"""
KEY = "double-key-4c1d"


@pytest.fixture(scope="module")
def double() -> Iterator[Any]:
    with Echo(api_key=KEY) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(double: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = CONFIG.format(double=double.base_url, keys="true")
    with Gateway(tmp_path_factory.mktemp("batch"), config, environ={"DOUBLE_KEY": KEY}, jobs=True) as made:
        yield made


def secret(gateway: Gateway, name: str, scope: str = "use") -> str:
    made: str = gateway.cli("key", "create", name, "--scope", scope, "--json").data["secret"]
    return made


@pytest.fixture(scope="module")
def alice(gateway: Gateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=secret(gateway, "alice"), max_retries=0)


@pytest.fixture(scope="module")
def bob(gateway: Gateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=secret(gateway, "bob"), max_retries=0)


def line(name: str, model: str = "chat", **more: Any) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": f"say {name}"}], **more}
    return json.dumps({"custom_id": name, "method": "POST", "url": CHAT, "body": body})


def begin(client: openai.OpenAI, lines: list[str]) -> Any:
    file = client.files.create(file=("in.jsonl", io.BytesIO("\n".join(lines).encode())), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"for": "x"})


def ended(client: openai.OpenAI, batch_id: str) -> Any:
    last: Any = None

    def over() -> bool:
        nonlocal last
        try:
            last = client.batches.retrieve(batch_id)
        except openai.InternalServerError:
            return False
        return last.status in {"completed", "failed", "cancelled"}

    await_true(over)
    return last


def read(client: openai.OpenAI, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


def worker_pid(gateway: Gateway) -> int:
    record = read_run_record(gateway.folder / ".roadworthy")
    assert record is not None
    return next(child.pid or 0 for child in record.children if child.name == "worker")


def test_the_sdk_drives_a_batch_from_file_to_answers(gateway: Gateway, alice: openai.OpenAI) -> None:
    names = [f"n{number}" for number in range(20)]
    batch = begin(alice, [*map(line, names[:10]), "{broken", line("lost", "no-such-model"), *map(line, names[10:])])
    assert batch.status == "validating"
    over = ended(alice, batch.id)
    assert over.status == "completed"
    assert over.metadata == {"for": "x"}
    assert (over.request_counts.total, over.request_counts.completed, over.request_counts.failed) == (22, 20, 2)
    answers = read(alice, over.output_file_id)
    assert [one["custom_id"] for one in answers] == names
    for one in answers:
        body = one["response"]["body"]
        assert one["custom_id"] in body["choices"][0]["message"]["content"]
        assert body["roadworthy"]["attempts"][0]["reason"] == "served"
    bad, unknown = read(alice, over.error_file_id)
    assert (bad["error"]["line"], bad["error"]["code"], bad["response"]) == (11, "invalid_request", None)
    assert (unknown["custom_id"], unknown["response"]["status_code"]) == ("lost", 404)
    assert [error.line for error in over.errors.data] == [11]
    assert over.id in {one.id for one in alice.batches.list()}
    assert over.output_file_id in {one.id for one in alice.files.list(purpose="batch_output")}


def test_each_line_may_bring_rules_for_its_answer(gateway: Gateway, alice: openai.OpenAI, double: Any) -> None:
    rules = [{"required_terms": ["vetiver"]}, {"forbidden_terms": ["said"], "keep_rejected": True}, {"repairs": 9}]
    over = ended(alice, begin(alice, [line(f"r{at}", quality=one) for at, one in enumerate(rules)]).id)
    repaired = read(alice, over.output_file_id)[0]["response"]["body"]
    assert "vetiver" in repaired["choices"][0]["message"]["content"]  # the double repeats what it was told was missing
    assert [one["reason"] for one in repaired["roadworthy"]["attempts"]] == ["quality_failed", "served"]
    failed, wrong = (one["response"] for one in read(alice, over.error_file_id))
    assert (failed["status_code"], failed["body"]["error"]["code"]) == (422, "runtime_quality_failed")
    assert failed["body"]["error"]["rejected"]["text"].startswith("You said: ")
    assert (wrong["status_code"], wrong["body"]["error"]["param"]) == (400, "quality.repairs")
    assert not any("quality" in request.json for request in list(double.requests))
    kept = failed["body"]["error"]["request_id"]
    await_true(lambda: any(one.get("request_id") == kept for one in gateway.journaled()))
    told = json.dumps([one for one in gateway.journaled() if one.get("request_id") == kept])
    assert "runtime_quality_failed" in told
    assert "You said" not in told + gateway.err


def test_the_lines_count_for_the_tenant_and_go_into_the_journal_as_his(gateway: Gateway, alice: openai.OpenAI) -> None:
    keys = {one["name"]: one["id"] for one in gateway.cli("key", "list", "--json").data["keys"]}
    over = ended(alice, begin(alice, [line("mine")]).id)
    request = read(alice, over.output_file_id)[0]["response"]["request_id"]
    seen: list[str] = []

    def found() -> bool:
        seen[:] = [one["key_id"] for one in gateway.journaled() if one.get("request_id") == request]
        return bool(seen)

    await_true(found)
    assert seen == [keys["alice"]]


def test_a_tenant_has_no_way_to_anothers_files_and_batches(alice: openai.OpenAI, bob: openai.OpenAI) -> None:
    over = ended(alice, begin(alice, [line("private")]).id)
    for ask in (
        lambda: bob.batches.retrieve(over.id),
        lambda: bob.batches.cancel(over.id),
        lambda: bob.files.content(over.output_file_id),
        lambda: bob.files.retrieve(over.input_file_id),
        lambda: bob.files.delete(over.input_file_id),
        lambda: bob.batches.create(input_file_id=over.input_file_id, endpoint=CHAT, completion_window="24h"),
    ):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert over.id not in {one.id for one in bob.batches.list()}


def test_without_a_key_or_scope_nothing_is_taken(gateway: Gateway) -> None:
    stranger = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="rw_wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        begin(stranger, [line("a")])
    operator = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=secret(gateway, "op", "operate"), max_retries=0)
    with pytest.raises(openai.PermissionDeniedError):
        begin(operator, [line("a")])


@pytest.mark.slow
def test_a_revoked_key_stops_its_batch_from_asking(gateway: Gateway, double: Any) -> None:
    carol = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=secret(gateway, "carol"), max_retries=0)
    double.faults = Fault("delay", seconds=0.05)
    batch = begin(carol, [line(f"n{number}") for number in range(400)])
    await_true(lambda: carol.batches.retrieve(batch.id).request_counts.completed >= 1)
    gateway.cli("key", "revoke", "carol")
    double.faults = None
    store = sqlite3.connect(gateway.folder / ".roadworthy" / "jobs.db")
    sql = "SELECT status FROM roadworthy_batch WHERE id = ?"
    await_true(lambda: store.execute(sql, (batch.id,)).fetchone()[0] == "completed")
    rows = store.execute("SELECT told FROM roadworthy_line WHERE batch = ?", (batch.id,))
    told = [json.loads(row[0]) for row in rows]
    store.close()
    statuses = Counter(one["status_code"] for one in told)
    assert statuses[401] > 0
    assert statuses[200] + statuses[401] == 400


@pytest.mark.slow
def test_a_killed_worker_costs_no_line_and_repeats_none_that_was_over(
    gateway: Gateway, alice: openai.OpenAI, double: Any
) -> None:
    names = [f"k{number}" for number in range(300)]
    batch = begin(alice, list(map(line, names)))
    for due in (40, 150):
        await_true(lambda due=due: _completed(alice, batch.id) >= due)
        os.kill(worker_pid(gateway), signal.SIGKILL)
    over = ended(alice, batch.id)
    assert (over.status, over.request_counts.completed) == ("completed", 300)
    assert [one["custom_id"] for one in read(alice, over.output_file_id)] == names
    _no_finished_line_was_asked_again(double, "k", 300, 2)


def _no_finished_line_was_asked_again(double: Any, prefix: str, lines: int, kills: int) -> None:
    asked = Counter(
        content
        for request in list(double.requests)
        if (content := request.json["messages"][-1]["content"]).startswith(f"say {prefix}")
    )
    assert len(asked) == lines
    assert sum(asked.values()) <= lines + kills * 4, "more than the lines that were under way were sent again"
    print(f"\n{lines} lines, {kills} kills: 0 lost, {sum(asked.values()) - lines} lines under way asked again")


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def test_everything_killed_and_started_again_goes_on(
    store: str, double: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """kill -9 of the supervisor takes every process with it; the next start finishes the batch."""
    environ, text, prefix = {"DOUBLE_KEY": KEY}, CONFIG.format(double=double.base_url, keys="false"), f"{store}-"
    if store == "postgres":
        environ["JOBS_DSN"] = request.getfixturevalue("database")
        text = text.replace("jobs: {batch_parallel: 4}", 'jobs: {batch_parallel: 4, store: "env:JOBS_DSN"}')
    with Gateway(tmp_path, text, environ=environ, jobs=True) as gateway:
        client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0)
        names = [f"{prefix}{number}" for number in range(300)]
        batch = begin(client, list(map(line, names)))
        await_true(lambda: _completed(client, batch.id) >= 60)
        gateway.kill()
        await_true(lambda: not any(map(_lives, gateway.pids.values())))
        gateway.start()
        gateway.await_told()
        over = ended(client, batch.id)
        assert (over.status, over.request_counts.completed) == ("completed", 300)
        assert [one["custom_id"] for one in read(client, over.output_file_id)] == names
        assert (tmp_path / ".roadworthy" / "jobs.db").exists() == (store == "sqlite")
        assert "JOBS_DSN" not in gateway.err
    _no_finished_line_was_asked_again(double, prefix, 300, 1)


@pytest.fixture
def database() -> Iterator[str]:
    """URL of an empty database of a real PostgreSQL server."""
    with postgres_server() as server, fresh_database(server) as url:
        yield url


def _lives(pid: int) -> bool:
    return started(pid) is not None


def _completed(client: openai.OpenAI, batch_id: str) -> int:
    try:
        return int(client.batches.retrieve(batch_id).request_counts.completed)
    except openai.InternalServerError:
        return 0


@pytest.mark.slow
def test_a_full_queue_is_told_with_a_time_and_leaves_nothing(double: Any, tmp_path: Path) -> None:
    text = CONFIG.format(double=double.base_url, keys="false")
    text = text.replace("jobs: {batch_parallel: 4}", "jobs: {batch_parallel: 1, concurrency: 1, max_queued: 1}")
    double.faults = Fault("delay", seconds=0.3)
    try:
        with Gateway(tmp_path, text, environ={"DOUBLE_KEY": KEY}, jobs=True) as gateway:
            client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0)
            first = begin(client, [line(f"q{number}") for number in range(200)])
            await_true(lambda: client.batches.retrieve(first.id).status == "in_progress")
            begin(client, [line("waits")])
            with pytest.raises(openai.RateLimitError) as refused:
                begin(client, [line("too-many")])
            assert refused.value.code == "queue_full"
            assert 1 <= int(refused.value.response.headers["retry-after"]) <= 600
            assert len(client.batches.list().data) == 2
            client.batches.cancel(first.id)
            ended(client, first.id)
    finally:
        double.faults = None


@pytest.mark.slow
def test_a_dead_letter_is_listed_and_replayed_by_command(gateway: Gateway, alice: openai.OpenAI) -> None:
    batch = ended(alice, begin(alice, [line("dead")]).id)
    with closing(sqlite3.connect(gateway.folder / ".roadworthy" / "jobs.db", timeout=30)) as store, store:
        sql = "UPDATE workflow_status SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED' WHERE workflow_uuid = ?"
        assert store.execute(sql, (f"{batch.id}.1",)).rowcount == 1
    [dead] = gateway.cli("gateway", "jobs", "list", "--state", "dead", "--json").data["jobs"]
    assert dead["id"] == f"{batch.id}.1"
    assert gateway.cli("gateway", "jobs", "replay", dead["id"], "--json").data["job"]["state"] in {"queued", "running"}
    await_true(lambda: not gateway.cli("gateway", "jobs", "list", "--state", "dead", "--json").data["jobs"])
    await_true(lambda: gateway.cli("gateway", "jobs", "show", dead["id"], "--json").data["job"]["state"] == "done")


def test_an_idempotency_key_of_the_caller_makes_one_batch(alice: openai.OpenAI) -> None:
    file = alice.files.create(file=("in.jsonl", io.BytesIO(line("once").encode())), purpose="batch")
    made = {
        alice.batches.create(
            input_file_id=file.id, endpoint=CHAT, completion_window="24h", extra_headers={"Idempotency-Key": "twice"}
        ).id
        for _ in range(2)
    }
    assert len(made) == 1


def test_a_broken_upload_is_refused_and_leaves_nothing(gateway: Gateway, alice: openai.OpenAI) -> None:
    files = gateway.folder / ".roadworthy" / "files"
    client_files = alice.files.list().data  # makes the folder
    assert isinstance(client_files, list)
    before = _uploads(files)
    headers = {"authorization": f"Bearer {alice.api_key}"}
    for kind, body in (
        ("multipart/form-data; boundary=e", b"--e\r\nno header"),
        ("multipart/form-data; boundary=e", b'--e\r\ncontent-disposition: form-data; name="file"\r\n\r\n{}'),
        ("multipart/form-data", b"--e--"),
        ("application/json", b"{}"),
    ):
        answer = httpx2.post(
            f"{gateway.url}/v1/files", content=body, headers={**headers, "content-type": kind}, trust_env=False
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert _uploads(files) == before


def _uploads(files: Path) -> list[Path]:
    """All but the results of batches, which may still be written."""
    return sorted(path for path in files.iterdir() if not path.name.endswith(("-output", "-errors")))


def test_cancel_keeps_what_is_answered(alice: openai.OpenAI) -> None:
    batch = begin(alice, [line(f"n{number}") for number in range(2_000)])
    await_true(lambda: _completed(alice, batch.id) >= 10)
    assert alice.batches.cancel(batch.id).status == "cancelling"
    over = ended(alice, batch.id)
    assert over.status == "cancelled"
    answers = read(alice, over.output_file_id)
    left = read(alice, over.error_file_id)
    assert len(answers) + len(left) == 2_000
    assert {one["error"]["code"] for one in left} == {"batch_cancelled"}


@pytest.mark.slow
def test_an_upload_of_40_mb_passes_while_others_are_answered(gateway: Gateway, alice: openai.OpenAI) -> None:
    content = b"\n".join([line("x" * 200).encode()] * 130_000)[: 40 * 1024 * 1024]
    file = alice.files.create(file=("big.jsonl", io.BytesIO(content)), purpose="batch")
    assert file.bytes == len(content)
    assert alice.files.content(file.id).read() == content
    assert alice.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        alice.files.content(file.id)


@pytest.mark.slow
def test_the_command_works_a_file_off_and_says_what_is_wrong(gateway: Gateway) -> None:
    key = secret(gateway, "dora")
    (gateway.folder / "asked.jsonl").write_text('{"prompt": "one"}\n{oops\n{"prompt": "two", "max_tokens": 9}\n')
    environ = {"ROADWORTHY_API_KEY": key}
    done = gateway.cli("gateway", "batch", "asked.jsonl", "--json", **environ)
    assert (done.code, done.data["batch"]["completed"], done.data["batch"]["failed"]) == (1, 2, 1)
    answers = (gateway.folder / "asked.jsonl.answers.jsonl").read_text().splitlines()
    assert [json.loads(one)["custom_id"] for one in answers] == ["line-1", "line-3"]
    assert "Line 2" in (gateway.folder / "asked.jsonl.answers.errors.jsonl").read_text()
    again = gateway.cli("gateway", "batch", "asked.jsonl", "--json", **environ)
    assert again.data["batch"]["id"] == done.data["batch"]["id"]
    assert "done already" in again.err
    anew = gateway.cli("gateway", "batch", "asked.jsonl", "--json", "--again", **environ)
    assert anew.data["batch"]["id"] != done.data["batch"]["id"]


@pytest.mark.slow
def test_ctrl_c_stops_the_batch_and_the_same_command_goes_on(gateway: Gateway, double: Any) -> None:
    key = secret(gateway, "erin")
    double.faults = Fault("delay", seconds=0.2)  # so that a few lines take as long as many
    (gateway.folder / "many.jsonl").write_text("\n".join(line(f"c{number}") for number in range(400)))
    command = [*COMMAND, "gateway", "batch", "many.jsonl"]
    environ = {**gateway.environ, "ROADWORTHY_API_KEY": key}
    process = subprocess.Popen(
        command, cwd=gateway.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)
    await_true(lambda: any(one.request_counts.completed > 5 for one in client.batches.list()))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    double.faults = None
    assert process.returncode == 130, err
    assert "Go on: roadworthy gateway batch many.jsonl" in err
    [batch] = client.batches.list().data
    over = ended(client, batch.id)
    assert over.status == "cancelled"
    done = gateway.cli("gateway", "batch", "many.jsonl", "--json", ROADWORTHY_API_KEY=key)
    assert (done.code, done.data["batch"]["id"], done.data["batch"]["completed"]) == (0, batch.id, 400)
    assert "Going on with" in done.err


@pytest.mark.slow
def test_jobs_are_listed_shown_and_refused_as_they_should(gateway: Gateway) -> None:
    found = gateway.cli("gateway", "jobs", "list", "--state", "done", "--json").data["jobs"]
    assert found
    assert {one["kind"] for one in found} == {"batch"}
    shown = gateway.cli("gateway", "jobs", "show", found[0]["id"], "--json").data["job"]
    assert shown["state"] == "done"
    refused = gateway.cli("gateway", "jobs", "replay", found[0]["id"], "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_request")
    assert gateway.cli("gateway", "jobs", "show", "none", "--json").error["code"] == "not_found"
    admin = {"ROADWORTHY_ADMIN_KEY": gateway.told["admin_key"]}
    assert gateway.cli("gateway", "jobs", "list", "--json", **admin).data["jobs"]
    stranger = gateway.cli("gateway", "jobs", "list", "--json", ROADWORTHY_ADMIN_KEY="rw_wrong")
    assert stranger.error["code"] == "unauthorized"
