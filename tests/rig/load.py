"""Callers that keep asking, and remember what each request became."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from doubles.fault import Fault
from doubles.openai_api import OpenAIDouble
from rig.gateway import DEADLINE_S, Gateway, await_true


class Echo(OpenAIDouble):
    """A paid API that repeats the question, so that no answer can be taken for another one."""

    def content(self, body: dict[str, Any], fault: Fault | None) -> str:
        return f"You said: {body['messages'][-1]['content']}"


@dataclass
class Request:
    """One request. Times as `time.monotonic()`.

    Attributes:
        worker: Edge that the connection belongs to.
        began: When it was sent.
        ended: When the answer was complete, or the connection was gone.
        identity: `x-request-id`; empty without an answer.
        status: HTTP status; None without an answer.
        failure: Kind of exception; empty with an answer.
        right: Whether the answer is the one to this question.
    """

    worker: int
    began: float
    ended: float = 0.0
    identity: str = ""
    status: int | None = None
    failure: str = ""
    right: bool = False
    body: str = ""


@dataclass
class Caller:
    """One connection and everything that was asked on it and its successors."""

    gateway: Gateway
    model: str
    more: dict[str, Any]
    connection: http.client.HTTPConnection
    worker: int
    requests: list[Request] = field(default_factory=list)

    def ask(self, text: str) -> None:
        """One request; on a broken connection the next one is opened."""
        request = Request(self.worker, time.monotonic())
        self.requests.append(request)
        body = {"model": self.model, "messages": [{"role": "user", "content": text}], **self.more}
        try:
            self.connection.request(
                "POST",
                "/v1/chat/completions",
                json.dumps(body),
                {"content-type": "application/json"},
            )
            answer = self.connection.getresponse()
            request.identity = answer.headers["x-request-id"]
            request.body = answer.read().decode()
            request.status = answer.status
        except (OSError, http.client.HTTPException) as error:
            request.failure = type(error).__name__
            request.ended = time.monotonic()
            self.connection.close()
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.connection, self.worker = connected(self.gateway)
            return
        request.ended = time.monotonic()
        if request.status == 200:
            said = json.loads(request.body)["choices"][0]["message"]["content"]
            request.right = said == f"You said: {text}"


def connected(gateway: Gateway) -> tuple[http.client.HTTPConnection, int]:
    """A connection that stays, and the number of the worker that has it."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=DEADLINE_S)
    try:
        connection.request("GET", "/health")
        return connection, int(json.loads(connection.getresponse().read())["worker"])
    except BaseException:
        connection.close()
        raise


def on_each_worker(gateway: Gateway, count: int) -> list[tuple[http.client.HTTPConnection, int]]:
    """`count` connections to each of the two workers."""
    found: dict[int, list[tuple[http.client.HTTPConnection, int]]] = {0: [], 1: []}
    deadline = time.monotonic() + DEADLINE_S
    while min(map(len, found.values())) < count:
        assert time.monotonic() < deadline, "one worker gets no connections"
        connection, worker = connected(gateway)
        if len(found[worker]) < count:
            found[worker].append((connection, worker))
        else:
            connection.close()
    return [*found[0], *found[1]]


@contextlib.contextmanager
def load(gateway: Gateway, model: str, *, per_worker: int = 4, warm: int = 3, **more: Any) -> Iterator[list[Caller]]:
    """Callers on both workers that ask without a pause until the block ends; each has had `warm` answers before it."""
    over = threading.Event()
    callers = [
        Caller(gateway, model, more, connection, worker) for connection, worker in on_each_worker(gateway, per_worker)
    ]

    def run(number: int, caller: Caller) -> None:
        while not over.is_set():
            caller.ask(f"question {number}.{len(caller.requests)}")

    threads = [
        threading.Thread(target=run, args=(number, caller), daemon=True) for number, caller in enumerate(callers)
    ]
    for thread in threads:
        thread.start()
    try:
        await_true(lambda: all(len(caller.requests) > warm for caller in callers), "the load does not run")
        yield callers
    finally:
        over.set()
        for thread in threads:
            thread.join(DEADLINE_S)
        for caller in callers:
            caller.connection.close()
