"""A caller in virtual time: it gets exactly one answer, in time, and looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.edge.answer import error_body, error_lines
from roadworthy.gateway.edge.request import Request
from roadworthy.gateway.simulation.invariant import GRACE_S, Broken, check_attempts, check_text
from roadworthy.gateway.simulation.provider import FAULTY
from roadworthy.gateway.simulation.schedule import Arrival

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class SimulatedCaller:
    """One request with everything that `edge.client.ClientConnection` offers to those who answer it.

    Args:
        loop: Virtual time.
        arrival: Who asks what.
        deadline_s: The route's.
        max_tries: For one target.
        failed: Called with the error's code and attempts when the answer is a spent chain.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, arrival: Arrival, deadline_s: float, max_tries: int,
        failed: Callable[[str, list[dict[str, Any]]], None],
    ) -> None:  # fmt: skip
        self._loop = loop
        self.arrival = arrival
        self._deadline_s = deadline_s
        self._max_tries = max_tries
        self._failed = failed
        self.started = loop.time()
        self._text = ""
        self._begun = False
        self.gone = False
        self.answers = 0
        self.status = 0
        self.code = ""
        self.attempts: list[dict[str, Any]] = []
        self.exchange: Exchange | None = None
        self.task: asyncio.Task[None] | None = None
        self.tenant = f"tenant{arrival.tenant}"
        self.question = f"{self.tenant} asks {FAULTY if arrival.faulty else 'question'} {arrival.question}?"

    def request(self) -> Request:
        """The bytes that arrive."""
        request = Request()
        request.method, request.path = b"POST", b"/v1/chat/completions"
        body: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": self.question}]}
        if self.arrival.stream:
            body["stream"] = True
        if self.arrival.wants_json:
            body["response_format"] = {"type": "json_object"}
        request.body = _encode(body)
        request.headers[b"authorization"] = b"Bearer rw_" + self.tenant.encode()
        return request

    def hang_up(self) -> None:
        """Wait no longer."""
        if not self.answers:
            self.gone = True
            if self.exchange is not None:
                self.exchange.cancel()

    # -- what the gateway does

    def answer(self, status: int, lines: bytes, body: bytes, kind: bytes = b"application/json") -> None:
        """A whole answer."""
        self._once()
        self._in_time("an answer")
        self.status = status
        data = _decode(body)
        if status == 200:
            check_text(data["choices"][0]["message"]["content"] or "", self.tenant, self.question, self._now())
            self.attempts = data["roadworthy"]["attempts"]
            self.code = "ok"
        else:
            error = data["error"]
            self.code, self.attempts = error["code"], error.get("attempts", [])
            if self.code in {"llm_chain_failed", "llm_unavailable"}:
                self._failed(self.code, self.attempts)
            elif self.code == "unexpected_error":
                raise Broken("nothing crashes", "the gateway reports a bug of its own", self._now())
        check_attempts(self.attempts, self._max_tries, self._now())

    def fail(self, error: RoadworthyError, identity: str) -> None:
        """An error as answer."""
        self.answer(error.spec.http_status, error_lines(error, identity), error_body(error, identity))

    def begin(self, lines: bytes) -> None:
        """The header of a stream."""
        if self._begun:
            raise Broken("every request is answered once", "a stream begins twice", self._now())
        self._begun = True
        self._in_time("the first token")

    def write(self, data: bytes) -> None:
        """Bytes of a stream."""
        for block in data.split(b"\n\n"):
            payload = block.rpartition(b"data: ")[2]
            if not payload or payload == b"[DONE]":
                continue
            event = _decode(payload)
            self.attempts = event.get("roadworthy", {}).get("attempts", self.attempts)
            self.code = event.get("error", {}).get("code", self.code)
            for choice in event.get("choices", ()):
                self._text += choice["delta"].get("content") or ""

    def end(self) -> None:
        """The stream is complete."""
        self._once()
        self.status, self.code = 200, "ok"
        check_text(self._text, self.tenant, self.question, self._now())
        check_attempts(self.attempts, self._max_tries, self._now())

    def cut(self) -> None:
        """The stream is not complete, and says so."""
        self._once()
        self.status = 200
        if self.code != "stream_incomplete":
            raise Broken("a cut stream says so", f"its last code is {self.code!r}", self._now())

    # -- checks

    def _once(self) -> None:
        self.answers += 1
        if self.answers > 1:
            raise Broken("every request is answered once", "there is a second answer", self._now())

    def _in_time(self, what: str) -> None:
        late = self._now() - self.started - self._deadline_s
        if late > GRACE_S and not self._begun:
            raise Broken("deadlines are kept", f"{what} comes {late:.3f} s late", self._now())

    def _now(self) -> float:
        return self._loop.time()
