"""Over fifty values, planted wherever text enters, with every kind of trouble: none is seen anywhere afterwards.

Where they may stand, because they are the caller's own there: the answer to the very request that held the value, and
the caller's files and batches (`files/`, and names, notes and good lines in `jobs.db`), in a folder that nobody else
may enter. And what the operator wrote into configuration and prompts stands in the files that hold it.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import signal
import socket
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from doubles import Fault
from doubles.openai_api import OpenAIDouble
from doubles.server import Answer, Event, Received, json_answer
from rig.gateway import Gateway, await_true, free_ports
from rig.inside import inside
from rig.planted import Planted, Search, planted

pytestmark = pytest.mark.slow
SEED = 20_261_121
JSON = "application/json"

TELLING: dict[str, Any] = {
    "e500": lambda echo: json_answer({"error": {"message": echo, "type": echo, "code": echo, "param": echo}}, 500),
    "e400": lambda echo: json_answer({"error": {"message": f"Invalid request: {echo}", "type": "bad"}}, 400),
    "e401": lambda echo: json_answer({"error": {"message": f"Incorrect key: {echo}"}}, 401, {"www-authenticate": "x"}),
    "e429": lambda echo: json_answer({"detail": {"input": echo}}, 429, {"x-echo": quote(echo)}),
    "e502": lambda echo: Answer(502, f"<html><body>{echo}</body></html>".encode(), content_type="text/html"),
    "e503": lambda echo: Answer(503, (("x" * 190) + " " + echo).encode(), content_type="text/plain"),
    "html": lambda echo: Answer(200, f"<p>{echo}</p>".encode(), content_type="text/html"),
    "nojson": lambda echo: Answer(200, json.dumps({"choices": echo}).encode()[:-9]),
    "noshape": lambda echo: json_answer({"id": echo, "model": echo, "choices": [{"message": echo}]}),
    "octets": lambda echo: Answer(200, echo.encode("utf-16"), content_type="application/octet-stream"),
    "event": lambda echo: Answer(200, events=[_delta("so "), Event(json.dumps({"error": {"message": echo}}).encode())]),
    "garbled": lambda echo: Answer(200, events=[_delta("so "), Event(echo.replace("\n", " ").encode())]),
    "named": lambda echo: Answer(200, events=[Event(json.dumps({"message": echo}).encode(), name="error")]),
}  # fmt: skip
"""How a provider tells what it was sent, by the model that is asked."""
STREAMS = {"event", "garbled", "named", "early"}
FAULTS = {
    "hang": Fault("hang"), "close": Fault("close"), "reset": Fault("reset"), "cut": Fault("cut"),
    "short": Fault("wrong_length"), "early": Fault("end_early"),
}  # fmt: skip
ROUTES = [*TELLING, *FAULTS, "good", "gone", "raises", "judged", "guarded", "prompted"]

CONFIG = """\
version: 1
gateway:
  retry: {{max_tries: 1}}
  breaker: {{consecutive_failures: 1000, error_rate: 1, window: 1000}}
  guard: {{key: "env:GUARD_KEY"}}
  prompts: {{folder: prompts}}
  limits: {{drain_timeout_s: 1}}
  providers:
    p:
      kind: openai
      base_url: "{url}"
      api_key: "env:FIRST_KEY"
      headers: {{x-owner: "{owner}", x-team-token: "env:SECOND_KEY"}}
    r: {{kind: raising, base_url: "{url}", api_key: "env:SECOND_KEY"}}
    gone: {{kind: compatible, base_url: "http://127.0.0.1:{port}/v1/{path}/", api_key: "env:FIRST_KEY"}}
    nowhere: {{kind: compatible, base_url: "http://{host}.invalid/v1"}}
  routes:
{routes}
    gone: {{chain: [gone/m, nowhere/m]}}
    raises: {{chain: [r/good]}}
    judged: {{chain: [p/good], quality: {{checks: [raising], repairs: 1}}}}
    guarded: {{chain: [p/good], guard: {{prompts: token, answers: true}}}}
    prompted: {{chain: [p/good], prompt: planted@1}}
log: {{level: debug}}
journal: {{database: "env:JOURNAL_DSN"}}
state: {{url: "env:STATE_URL"}}
jobs: {{max_attempts: 1}}
"""

PLUGIN = """
from roadworthy.gateway.providers.openai import OpenAI

class Raising(OpenAI):
    kind = "raising"

    def chat_reply(self, *given, **named):
        raise ValueError(given, named)

    def chat_stream(self, *given, **named):
        raise ValueError(given, named)

    def failure(self, *given, **named):
        raise ValueError(given, named)

def judge(text):
    raise RuntimeError(text)
"""
POINTS = (
    "[roadworthy.providers]\nraising = raising_plugin:Raising\n[roadworthy.quality]\nraising = raising_plugin:judge\n"
)


def _delta(text: str) -> Event:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    event = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return Event(json.dumps(event, ensure_ascii=False).encode(), text=True)


class TellTale(OpenAIDouble):
    """Gives back all that it was sent, in the way that the model's name says."""

    def _next_fault(self) -> Fault | None:
        body = self.requests[-1].json
        return FAULTS.get(body["model"]) if isinstance(body, dict) else None

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        body = request.json
        if request.path.endswith("/embeddings"):
            return json_answer({"error": {"message": f"no {body['input']}"}}, 400)
        echo = str(body["messages"][-1]["content"])
        if body["model"] in TELLING:
            heads = " ".join(f"{name}: {value}" for name, value in request.headers.items())
            return TELLING[body["model"]](f"{echo} {heads} {request.body.decode()}")
        if body.get("stream"):
            return Answer(200, events=[*(_delta(echo[at : at + 3]) for at in range(0, len(echo), 3)), Event(b"[DONE]")])
        return self.chat({**body, "model": "m"}, fault)

    def content(self, body: dict[str, Any], fault: Fault | None) -> str:
        return str(body["messages"][-1]["content"])


@dataclass
class Heard:
    """What callers got that is not the answer to their own words."""

    search: Search
    found: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    count: int = 0

    def look(self, where: str, *texts: str | bytes) -> None:
        self.count += 1
        for text in texts:
            if hits := self.search.hits(text):
                self.found.setdefault(where, []).extend(hits)


class Caller:
    """Sends requests as no client library would."""

    def __init__(self, port: int, heard: Heard) -> None:
        self._port, self._heard = port, heard

    def send(self, where: str, method: str, path: str, headers: dict[str, Any], body: bytes, own: bool = False) -> int:
        """One request on a connection of its own; an answer other than 200 must be clean, 200 too unless `own`."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self._heard.look(f"headers of {where}", str(answer.headers))
            text = answer.read()
        except (http.client.HTTPException, OSError):
            return 0
        finally:
            connection.close()
        if answer.status != 200 or not own:
            self._heard.look(f"answer to {where}", text)
        elif b"event: error" in text:
            self._heard.look(f"stream's error of {where}", text[text.index(b"event: error") :])
        return answer.status


def chat(one: Planted, model: str, **more: Any) -> bytes:
    """A request that holds the value wherever a request may hold text."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"a": one.text})}}
    return json.dumps({
        "model": model, "user": one.text, "metadata": {"note": one.text}, "safety_identifier": one.inline[:60],
        "messages": [
            {"role": "system", "content": f"Be kind. {one.text}"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": f"result: {one.text}"},
            {"role": "user", "content": [{"type": "text", "text": one.text}]},
            {"role": "user", "content": one.text},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": one.text, "parameters": {}}}],
        **more,
    }, ensure_ascii=len(one.text) % 2 == 0).encode()  # fmt: skip


def heads(one: Planted) -> dict[str, Any]:
    """Header lines that hold the value."""
    value = one.inline.encode()
    return {"content-type": JSON, "user-agent": value, "x-request-id": value, "authorization": b"Bearer " + value,
            "x-forwarded-for": value, "referer": value, "cookie": b"a=" + value, "traceparent": value,
            "idempotency-key": value}  # fmt: skip


def wrong(one: Planted) -> Iterator[tuple[str, str, str, dict[str, Any], bytes]]:
    """Requests with the value where it does not belong."""
    in_path = quote(one.inline, safe="")
    bare = {"content-type": JSON}
    message = [{"role": "user", "content": "hello"}]
    yield "model name", "POST", "/v1/chat/completions", bare, chat(one, one.text)
    yield "role", "POST", "/v1/chat/completions", bare, chat(one, "good", messages=[{"role": one.text, "content": "x"}])
    yield "unknown field", "POST", "/v1/chat/completions", bare, chat(one, "good", **{one.text: one.text})
    yield "wrong type", "POST", "/v1/chat/completions", bare, chat(one, "good", temperature=one.text)
    yield "no JSON", "POST", "/v1/chat/completions", bare, b'{"model": "good", "x": ' + one.text.encode()
    yield "prompt", "POST", "/v1/chat/completions", bare, chat(one, "good", prompt={"id": one.text, "variables": {}})
    yield "mode", "POST", "/v1/chat/completions", {**bare, "x-roadworthy-mode": one.inline.encode()}, json.dumps(
        {"model": f"creative/{one.inline}", "messages": message}).encode()  # fmt: skip
    yield "embeddings", "POST", "/v1/embeddings", bare, json.dumps({"model": "p/e", "input": one.text}).encode()
    yield "embeddings of nobody", "POST", "/v1/embeddings", bare, json.dumps({"model": one.text, "input": "x"}).encode()
    yield "path", "GET", f"/v1/models/{in_path}", {}, b""
    yield "query", "GET", f"/v1/models?key={in_path}", heads(one), b""
    yield "nowhere", "PUT", f"/{in_path}?a={in_path}", {}, b""
    yield "health", "GET", f"/health?token={in_path}", heads(one), b""
    yield "batch", "POST", "/v1/batches", bare, json.dumps({"input_file_id": one.text, "endpoint": one.text}).encode()
    yield "file", "GET", f"/v1/files/{in_path}", heads(one), b""
    yield "upload", "POST", "/v1/files", {"content-type": b"multipart/form-data; boundary=" + one.inline.encode()}, b"x"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: unix sockets lie below it."""
    with tempfile.TemporaryDirectory(prefix="rw-") as name:
        yield Path(name)


def write_plugin(folder: Path) -> None:
    """A package with a provider and a check that raise with all that they hold."""
    info = folder / "raising_plugin-1.dist-info"
    info.mkdir(parents=True)
    (folder / "raising_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: raising_plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text(POINTS)


def configured(folder: Path, url: str, named: dict[str, Planted]) -> tuple[str, dict[str, str]]:
    """A configuration and an environment that hold values wherever they may."""
    prompts = folder / "prompts"
    prompts.mkdir(parents=True)
    text = f"Answer for {named['e-mail with a tag'].value}. Password: {named['password, German'].value}"
    (prompts / "planted-1.yaml").write_text(
        f"name: planted\nversion: 1\nsystem:\n  en: {json.dumps(text)}\n  ko: {json.dumps(text)}\n"
    )
    port, away, third = free_ports(3)
    config = CONFIG.format(
        url=url, port=port, owner=named["e-mail in brackets"].value, path=named["Hugging Face"].value,
        host=named["GitLab"].value.lower().replace("_", "-"),
        routes="\n".join(f"    {name}: {{chain: [p/{name}], deadline_s: 0.4}}" for name in [*TELLING, *FAULTS, "good"]),
    )  # fmt: skip
    given = {
        "FIRST_KEY": named["OpenAI"].value, "SECOND_KEY": named["hexadecimal key"].value,
        "GUARD_KEY": named["own API key"].value,
        "JOURNAL_DSN": f"postgresql://rw:{named['PostgreSQL'].value}@127.0.0.1:{away}/none",
        "STATE_URL": f"redis://:{named['Redis'].value}@127.0.0.1:{third}/0",
        "DATABASE_URL": named["MongoDB"].text, "HTTPS_PROXY": f"http://u:{named['password, flag'].value}@127.0.0.1:9",
        "PYTHONPATH": os.pathsep.join([str(folder / "plugin"), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    return config, given


def asked(gateway: Gateway, values: list[Planted], heard: Heard) -> None:
    """Every value in all bodies and headers, with every other trouble and wrong place, in turn."""
    caller = Caller(gateway.port, heard)
    with ThreadPoolExecutor(12) as pool:
        done = []
        for number, one in enumerate(values):
            for place, model in enumerate(ROUTES):
                if (number + place) % (8 if model in ("hang", "gone") else 2):
                    continue
                more = {"stream": True} if model in STREAMS or (number + place) % 3 == 0 else {}
                body = chat(one, model, **more)
                done.append(pool.submit(caller.send, model, "POST", "/v1/chat/completions", heads(one), body, own=True))
            done += [pool.submit(caller.send, *request) for request in list(wrong(one))[number % 2 :: 2]]
        statuses = {task.result() for task in done}
    assert {200, 400, 404} <= statuses, statuses


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else can write to the database meanwhile, as on a full disk."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


def batches(gateway: Gateway, values: list[Planted], heard: Heard) -> None:
    """A file of values, some of whose lines fail, and a batch that ends its worker; what callers can read of them."""
    http = httpx2.Client(base_url=gateway.url, trust_env=False, verify=False, timeout=30)

    def begin(models: list[str]) -> dict[str, Any]:
        lines = []
        for number, one in enumerate(values):
            body = json.loads(chat(one, models[number % len(models)]))
            line = {"custom_id": f"{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
            lines.append(json.dumps(line))
        bad = {"custom_id": values[4].text, "method": values[5].text, "url": values[6].text}
        lines += [values[3].text, json.dumps(bad)]
        file = {"file": (values[0].inline, io.BytesIO("\n".join(lines).encode()), JSON)}
        stored = http.post("/v1/files", files=file, data={"purpose": "batch"}).json()
        made = http.post("/v1/batches", json={
            "input_file_id": stored["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "metadata": {"note": values[1].text},
        }).json()  # fmt: skip
        assert "id" in made, made
        return made

    def state(made: dict[str, Any]) -> dict[str, Any]:
        return http.get(f"/v1/batches/{made['id']}").json()

    first = begin(["good", "e500", "nojson", "raises"])
    await_true(lambda: state(first)["status"] == "completed", "the batch did not end")
    over = state(first)
    assert over["request_counts"]["completed"]
    assert over["request_counts"]["failed"]
    heard.look("batch's errors", json.dumps(over["errors"]))
    heard.look("batch's error file", http.get(f"/v1/files/{over['error_file_id']}/content").content)
    second = begin(["hang"])
    await_true(lambda: state(second)["status"] == "in_progress")
    pid = gateway.pids["worker"]
    os.kill(pid, signal.SIGKILL)
    await_true(lambda: gateway.pids.get("worker") not in {None, pid})
    http.close()


def jobs_table(path: Path) -> bytes:
    """All that is known of jobs, without the three columns that hold what callers may read again of their own."""
    own = {("roadworthy_file", "filename"), ("roadworthy_batch", "metadata")}
    found: list[str] = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(column for column in columns if (table, column) not in own)
            good = " WHERE NOT good" if table == "roadworthy_line" else ""  # a good line is the caller's answer
            found += [repr(row) for row in db.execute(f"SELECT {kept} FROM {table}{good}")]
    return "\n".join(found).encode()


COMMANDS = (
    "doctor", "doctor --json", "config show", "config show --json", "config check --json",
    "config get gateway.providers", "gateway status", "gateway status --json",
    "gateway jobs list --json", "gateway jobs list --state dead",
    "gateway cost", "gateway breaker list --json", "gateway cache status", "gateway modes", "gateway models",
    "gateway journal tail -n 10000 --json", "gateway journal tail -n 2000", "gateway journal verify", "key list --json",
    "guard secret list", "guard secret check --json", "guard secret show env:FIRST_KEY --verbose",
    "gateway live-check --json",
)  # fmt: skip
ADMIN = (
    "status",
    "breakers",
    "modes",
    "cache",
    "keys",
    "journal?limit=1000",
    "journal/verify",
    "jobs",
    "jobs?state=dead",
)
PUBLIC = ("/metrics", "/health", "/health/llm", "/livez", "/readyz", "/v1/models", "/v1/models/nobody")


def seen(gateway: Gateway, cli: Any, heard: Heard) -> None:
    """All that operators and other callers can look at."""
    for path in PUBLIC:
        heard.look(path, gateway.get(path).content)
    heard.look("another caller's failure", *(gateway.ask("hello", model=model).content for model in ("e500", "gone")))
    control, key = f"http://127.0.0.1:{gateway.control_port}", gateway.told["admin_key"]
    for path in ADMIN:
        told = httpx2.get(f"{control}/admin/{path}", headers={"authorization": f"Bearer {key}"}, trust_env=False)
        assert told.status_code == 200, (path, told.text)
        heard.look(f"/admin/{path}", told.content)
    for words in COMMANDS:
        told = cli(*words.split())
        heard.look(words, told.out, told.err)
    for identity in [job["id"] for job in cli("gateway", "jobs", "list", "--json").data["jobs"]]:
        told = cli("gateway", "jobs", "show", identity)
        heard.look("jobs show", told.out, told.err)


def crash(gateway: Gateway, one: Planted, heard: Heard) -> None:
    """An edge dies of a segmentation fault while it holds the value; no core file is written."""
    for name, pid in gateway.pids.items():
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]], name
        heard.look(f"command line of {name}", Path(f"/proc/{pid}/cmdline").read_bytes())
    caller = Caller(gateway.port, heard)
    under = threading.Thread(
        target=caller.send, args=("crash", "POST", "/v1/chat/completions", heads(one), chat(one, "hang"), True)
    )
    under.start()
    pid = gateway.pids["edge-0"]
    os.kill(pid, signal.SIGSEGV)
    under.join()
    await_true(lambda: gateway.pids.get("edge-0") not in {None, pid}, "the edge was not started again")
    await_true(lambda: _listens(gateway), "the edge does not answer")


def _listens(gateway: Gateway) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", gateway.port)) == 0


def refused(folder: Path, cli: Any, one: Planted, heard: Heard) -> None:
    """A configuration that is wrong wherever it holds the value: what is said of it, and a start that fails."""
    value = json.dumps(one.text)
    wrong = folder / "wrong.yaml"
    for text in (
        f"gateway: {{providers: {{p: {{kind: {value}}}}}}}",
        f"gateway: {{providers: {{p: {{kind: openai, api_key: {value}}}}}}}",
        f"gateway: {{providers: {{p: {{kind: openai, base_url: {value}}}}}}}",
        f"{value}: 1\ngateway: {{port: {value}}}",
        f"gateway: [{one.inline}",
    ):
        wrong.write_text(f"version: 1\n{text}\n")
        for words in (["config", "check"], ["doctor", "--json"], ["up"]):
            told = cli(*words, ROADWORTHY_CONFIG=str(wrong))
            assert told.code != 0, words
            heard.look(f"{words[0]}, refused", told.out, told.err)


def on_disk(gateway: Gateway, heard: Heard) -> None:
    """The state directory: whose it is, and all bytes in it that are not callers' own."""
    own = gateway.state / "files"
    assert gateway.state.stat().st_mode & 0o077 == 0
    for path in gateway.folder.rglob("*"):
        if not path.is_file() or own in path.parents or gateway.folder / "plugin" in path.parents:
            continue
        name = path.relative_to(gateway.folder)
        assert not path.name.startswith("core"), name
        if path.name.startswith("jobs.db"):
            continue
        if str(name) not in {"roadworthy.yaml", "wrong.yaml", "prompts/planted-1.yaml"}:
            heard.look(str(name), path.read_bytes())
    heard.look("jobs.db", jobs_table(gateway.state / "jobs.db"))


def test_no_planted_value_is_seen_anywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = planted(SEED)
    named = {one.name: one for one in values}
    assert len(named) >= 50
    heard = Heard(Search(values))
    home = folder / "g"
    write_plugin(home / "plugin")
    with TellTale(api_key=named["OpenAI"].value) as provider:
        config, given = configured(home, provider.base_url, named)
        with Gateway(home, config, environ=given, workers=1, jobs=True) as gateway:
            monkeypatch.syspath_prepend(str(home / "plugin"))
            cli = inside(gateway, monkeypatch, capsys)
            asked(gateway, values, heard)
            with locked(gateway.state / "state.db"):
                asked(gateway, values[:2], heard)
            batches(gateway, values, heard)
            crash(gateway, values[0], heard)
            seen(gateway, cli, heard)
            refused(home, cli, named["PostgreSQL"], heard)
            refused(home, cli, named["Anthropic"], heard)
        on_disk(gateway, heard)
        reached = "\n".join(str(request.json).replace("\\n", "\n") for request in provider.requests)
    assert heard.count > 1_000
    marks = Counter(re.findall(r"[*]{3}(?:[A-Z_]+_)?MASKED[*]{3}", gateway.err))
    assert marks.total() > 200  # the values did go where they would have been seen
    assert len(marks) > 8
    assert heard.found == {}
    assert [one.name for one in values if one.value not in reached] == []
