"""Planted keys appear nowhere: no answer, log line, metric, journal row or crash output of a real worker holds one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from doubles.wire_api import EVENT_STREAM, Call, WireDouble, chunk, completion, framed, whole
from raw_http import chat, get, post, say
from rig.worker import Worker, settings
from roadworthy.gateway.settings import Breaker, ProviderSettings, Retry, Route, Target

# No shape that a masker could know: only who knows the value can find it.
API_KEY = "Canary/Provider+Key0001"
HEADER_KEY = "Canary-Header-Key0002"
# Shapes of real keys, which nobody told the gateway about.
CALLERS_KEY = "sk-proj-Canary0003abcdefghijklmnopqrstuvwxyz012345"
OTHER_KEY = "rw_Canary0004_abcdefghijklmnopqrstuvwxyz0123456789"
CANARIES = [API_KEY, HEADER_KEY, CALLERS_KEY, OTHER_KEY]
PARTS = ["Canary", "Key0001", "Key0002", "abcdefghijklmnopqrstuvwxyz"]
"""Nor may half of one appear."""

ECHOES = [
    f"Incorrect API key provided: {API_KEY}. You can find your key at https://example.com.",
    f"Authorization: Bearer {API_KEY}, x-team: {HEADER_KEY}",
    f"bad header 'Bearer {HEADER_KEY}'",
    f"{'x' * 190}{API_KEY}",
    f"{'x ' * 95}{HEADER_KEY} {CALLERS_KEY}",
    f"https://api.example.com/?key={quote(API_KEY, safe='')}&other={CALLERS_KEY}",
    f"the caller sent {CALLERS_KEY} and {OTHER_KEY}",
    json.dumps({"headers": {"authorization": f"Bearer {API_KEY}", "x-team": HEADER_KEY}}),
]


def failing(number: int) -> bytes:
    """An answer of a provider that tells too much."""
    words = ECHOES[number % len(ECHOES)]
    error = json.dumps({"error": {"message": words, "type": words, "code": words, "param": words}}).encode()
    shapes = [
        whole(error, status=b"401 Unauthorized"),
        whole(error, status=b"400 Bad Request"),
        whole(error, status=b"500 " + API_KEY.encode()),
        whole(error, b"x-key: " + API_KEY.encode(), status=b"429 Too Many"),
        whole(error.replace(b"/", b"\\/"), status=b"404 Not Found"),
        whole(error),
        whole(f"<html>{words}</html>".encode(), status=b"502 Bad Gateway"),
        whole(words.encode(), status=b"503 Service Unavailable"),
        whole(error[:-20].replace(b"/", b"\\/"), status=b"503 Service Unavailable"),
        b"HTTP/1.1 200 OK " + words.encode() + b"\0\r\n\r\n",
        words.encode(),
        EVENT_STREAM + framed(b"event: error\ndata: " + error + b"\n\n"),
        EVENT_STREAM + framed(chunk("hello") + b"data: " + error + b"\n\n"),
        EVENT_STREAM + framed(chunk("hello") + b"data: " + words.encode() + b"\n\n"),
    ]
    return shapes[number // len(ECHOES) % len(shapes)]


SHAPES = 14

WRONG_PLACES = [
    post(chat("x", model=CALLERS_KEY)),
    post(chat("x", temperature=CALLERS_KEY)),
    post(chat("x", stream=CALLERS_KEY)),
    post(chat("x", **{CALLERS_KEY: 1})),
    post(chat("x", **{OTHER_KEY: CALLERS_KEY})),
    post(chat("x", response_format={"type": CALLERS_KEY})),
    post(chat("x", response_format={"type": "json_schema", "json_schema": {CALLERS_KEY: 1}})),
    post(chat("x", messages=[{"role": CALLERS_KEY, "content": "x"}])),
    post(chat("x", messages=[{CALLERS_KEY: "user"}])),
    post(chat("x", messages=CALLERS_KEY)),
    post(json.dumps({CALLERS_KEY: CALLERS_KEY}).encode()),
    post(json.dumps(CALLERS_KEY).encode()),
    post(CALLERS_KEY.encode()),
    post(b'{"model": "' + CALLERS_KEY.encode()),
    post(b"{" + CALLERS_KEY.encode() + b"}"),
    post(json.dumps({"model": CALLERS_KEY, "input": 1}).encode(), path=b"/v1/embeddings"),
    post(json.dumps({"model": CALLERS_KEY, "input": "x"}).encode(), path=b"/v1/embeddings"),
    post(chat("x", model="unknown"), b"authorization: Bearer " + CALLERS_KEY.encode()),
    post(chat("x", model="unknown"), b"authorization: " + CALLERS_KEY.encode(), b"authorization: a"),
    post(chat("x", model="unknown"), b"x-api-key: " + CALLERS_KEY.encode(), b"cookie: a=" + OTHER_KEY.encode()),
    get(b"/" + CALLERS_KEY.encode()),
    get(b"/v1/models/" + CALLERS_KEY.encode()),
    get(b"/livez?key=" + CALLERS_KEY.encode()),
    get(b"/v1/models", b"authorization: Bearer " + OTHER_KEY.encode()),
    get(b"/livez", b"host: " + CALLERS_KEY.encode()),
    get(b"/livez", CALLERS_KEY.encode()),
    get(b"/livez", b"content-length: " + CALLERS_KEY.encode()),
    get(b"/livez", b"transfer-encoding: " + CALLERS_KEY.encode()),
    get(b"/livez", b"expect: " + CALLERS_KEY.encode()),
    CALLERS_KEY.encode() + b" / HTTP/1.1\r\n\r\n",
    b"GET / " + CALLERS_KEY.encode() + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + CALLERS_KEY.encode() + b"\r\n",
]


def build(folder: Path, base_url: str, **more: object):
    providers = (
        ProviderSettings("up", "openai", base_url, API_KEY, {"x-team": HEADER_KEY}),
        ProviderSettings("other", "compatible", base_url, None, {"authorization": f"Bearer {HEADER_KEY}"}),
    )
    options = {
        "providers": providers,
        "routes": (
            Route("chat", (Target("up", "m"), Target("other", "m")), deadline_s=2.0),
            Route("free-*", (Target("other", "*"),)),
        ),
        "breaker": Breaker(10**9, 1.0, open_s=0.001),
        "retry": Retry(max_tries=1),
        "log_level": "debug",
        **more,
    }
    return settings(folder, base_url, **options)


def on_disk(folder: Path) -> bytes:
    """Everything in the state directory: the journal with its write-ahead log, the process's output."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def assert_clean(what: str, data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = [part for part in CANARIES + PARTS if part in text]
    assert not found, (what, found, text[max(0, text.find(found[0]) - 200) :][:500])


async def collect(worker: Worker) -> dict[str, bytes]:
    """What operators can look at."""
    seen = {
        path.decode(): (await say(worker.port, get(path))).answers[0].body
        for path in (b"/health", b"/metrics", b"/v1/models", b"/health/llm")
    }
    seen |= {path.decode(): worker.internal(path) for path in (b"/internal/status", b"/internal/metrics")}
    return seen


async def test_keys_appear_nowhere(tmp_path) -> None:
    reached: set[str] = set()

    async def tell_tale(call: Call) -> bool:
        reached.add(call.head.decode().lower())
        await call.send(failing(int(call.marker)) if call.marker.isdecimal() else whole(completion("fine")))
        return False

    answers: list[bytes] = []
    async with WireDouble(tell_tale) as upstream:
        with Worker(build(tmp_path, upstream.base_url)) as worker:

            async def ask(number: int) -> None:
                for streamed in (False, True):
                    heard = await say(worker.port, post(chat(str(number), stream=streamed), b"connection: close"))
                    answers.extend(answer.body + str(answer.headers).encode() for answer in heard.answers)
                    answers.append(heard.rest)

            await asyncio.gather(*(ask(number) for number in range(len(ECHOES) * SHAPES)))
            for request in WRONG_PLACES:
                heard = await say(worker.port, request, half_close=True)
                assert len(heard.answers) == 1, request
                answers.append(heard.answers[0].body + str(heard.answers[0].headers).encode())
            seen = await collect(worker)
        seen["output"] = worker.output().encode()
    assert any(API_KEY.lower() in head for head in reached)
    assert any(f"authorization: bearer {HEADER_KEY}".lower() in head for head in reached)
    for answer in answers:
        assert_clean("answer", answer)
    for what, data in seen.items():
        assert_clean(what, data)
    disk = on_disk(tmp_path)
    assert disk.count(b"request.") > 50 or disk.count(b"llm_chain_failed") > 50
    assert_clean("disk", disk)


BOOM = f"""
import roadworthy.gateway.providers.openai_shape as shape
def boom(*given, **named):
    secret = {API_KEY + " " + CALLERS_KEY!r}
    raise ValueError(secret, given, named)
"""
CRASHES = {
    "building the request": "shape.OpenAIShape.chat_body = boom",
    "reading the answer": "shape.OpenAIShape.chat_reply = boom",
    "reading the error": "shape.OpenAIShape.failure = boom",
    "beginning the stream": "shape.OpenAIShape.chat_stream = boom",
    "checking the request": "import roadworthy.gateway.edge.ask as ask; ask.ChatAsk.check = boom",
    "asking in the background": "import roadworthy.gateway.edge.health as health; health.LiveProbe.answer = boom",
}


@pytest.mark.parametrize("where", CRASHES)
async def test_a_bug_is_told_without_what_it_held(tmp_path, where) -> None:
    async def script(call: Call) -> bool:
        if where == "reading the error":
            await call.send(whole(API_KEY.encode(), status=b"500 Oops"))
        elif call.streamed:
            await call.send(EVENT_STREAM + framed(chunk(CALLERS_KEY, "stop")))
        else:
            await call.send(whole(completion(CALLERS_KEY)))
        return True

    async with WireDouble(script) as upstream:
        with Worker(build(tmp_path, upstream.base_url), python=BOOM + CRASHES[where]) as worker:
            if where == "asking in the background":
                heard = await say(worker.port, get(b"/health/llm") + get())
            else:
                streamed = where == "beginning the stream"
                heard = await say(worker.port, post(chat(CALLERS_KEY, stream=streamed)) + get())
            assert heard.statuses == [500, 200]
            assert heard.answers[0].code == "unexpected_error"
            assert worker.status()["requests_in_flight"] == 0
            seen = await collect(worker) if where != "asking in the background" else {}
        output = worker.output()
    assert '"unexpected_error"' in output
    assert "ValueError" in output
    assert_clean("answer", heard.answers[0].body)
    assert_clean("output", output.encode())
    for what, data in seen.items():
        assert_clean(what, data)
    assert_clean("disk", on_disk(tmp_path))


BAD_SETTINGS = {
    "no JSON": (API_KEY.encode(), []),
    "wrong type": (b'{"providers": "' + API_KEY.encode() + b'", "routes": []}', []),
    "unknown field": (b'{"providers": [], "routes": [], "' + API_KEY.encode() + b'": 1}', []),
    "unknown kind": (None, ["kind"]),
    "address without port": (None, ["base_url"]),
    "line break in a key": (None, ["api_key"]),
    "line break in a header": (None, ["headers"]),
    "beyond Latin-1 in a key": (None, ["api_key", "é€"]),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_a_worker_that_cannot_start_does_not_say_why_in_keys(tmp_path, case) -> None:
    data, wrong = BAD_SETTINGS[case]
    if data is None:
        value = API_KEY + ("\r\n" if len(wrong) == 1 else wrong[1])
        change: dict[str, object] = {
            "kind": {"kind": value},
            "base_url": {"base_url": f"http://user:{API_KEY}@127.0.0.1:{API_KEY}/v1"},
            "api_key": {"api_key": value},
            "headers": {"headers": {"x-team": value}},
        }[wrong[0]]
        provider = {"name": "up", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", **change}
        plain = msgspec.to_builtins(settings(tmp_path, "http://127.0.0.1:9/v1"))
        data = msgspec.json.encode({**plain, "providers": [provider]})
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "roadworthy.serve.edge_process", "--settings-fd", str(reading), "--worker", "0"],
        pass_fds=[reading],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
    )
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(data)
    output, _ = process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert_clean("output", output)
    assert b"error[" in output, output
