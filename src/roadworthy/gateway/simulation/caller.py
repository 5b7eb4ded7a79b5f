"""A caller in virtual time: it gets exactly one answer, in time, and looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.edge.answer import error_body, error_lines
from roadworthy.gateway.edge.request import Request
from roadworthy.gateway.simulation.answer import Answers, Made, fits
from roadworthy.gateway.simulation.feature import CHAT, MAX_TOKENS, MODEL, OWN_RULES
from roadworthy.gateway.simulation.flight_watch import Key, check_kept
from roadworthy.gateway.simulation.invariant import GRACE_S, Broken, check_attempts
from roadworthy.gateway.simulation.provider import FAULTY
from roadworthy.gateway.simulation.schedule import Arrival, Schedule

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange

SPENT = frozenset(("llm_chain_failed", "llm_unavailable", "runtime_quality_failed"))
SYSTEM = "You are plain."
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class SimulatedCaller:
    """One request with everything that `edge.client.ClientConnection` offers to those who answer it.

    Args:
        loop: Virtual time.
        identity: The request's id.
        arrival: Who asks what.
        schedule: What is played.
        answers: What providers said.
        spent: Called with the code and the attempts when nobody could serve, or only an old answer could.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, identity: str, arrival: Arrival, schedule: Schedule, answers: Answers,
        spent: Callable[[SimulatedCaller, str], None],
    ) -> None:  # fmt: skip
        self._loop = loop
        self.identity = identity
        self.arrival = arrival
        self._schedule = schedule
        self._answers = answers
        self._spent = spent
        self.deadline_s = next(
            (mode.roles[0].deadline_s for mode in schedule.settings.modes if mode.name == arrival.model),
            schedule.deadline_s,
        )
        self.started = loop.time()
        self._text = ""
        self._begun = False
        self.gone = False
        self.answers = 0
        self.code = ""
        self.told: dict[str, Any] = {}
        self.attempts: list[dict[str, Any]] = []
        self.made: Made | None = None
        self.asked = 0
        """Providers that were asked for it."""
        self.hedges = 0
        """Those of them who were asked while another one was."""
        self.model = ""
        """Of the last of them."""
        self.since = 0.0
        """Second in which the first of them with this model was asked."""
        self.exchange: Exchange | None = None
        self.task: asyncio.Task[None] | None = None
        self.tenant = f"tenant{arrival.tenant}"
        self.question = f"Is the {FAULTY if arrival.faulty else 'plain'} question {arrival.question} answered?"
        self.system = SYSTEM * arrival.system
        self.key: Key = (self.tenant, arrival.model, self.system, self.question, arrival.wants_json, arrival.ruled)
        answers.expect(identity, self.tenant, arrival.ruled)
        self._messages = [{"role": "user", "content": self.question}]
        if self.system:
            self._messages.insert(0, {"role": "system", "content": self.system})

    def request(self) -> Request:
        """The bytes that arrive."""
        request = Request()
        request.method, request.path = b"POST", b"/v1/chat/completions"
        body: dict[str, Any] = {"model": self.arrival.model, "messages": self._messages, "max_tokens": MAX_TOKENS}
        if self.arrival.stream:
            body["stream"] = True
        if self.arrival.wants_json:
            body["response_format"] = {"type": "json_object"}
        if self.arrival.ruled:
            body["quality"] = OWN_RULES
        request.body = _encode(body)
        request.headers[b"authorization"] = b"Bearer rw_" + self.tenant.encode()
        if self.arrival.directive:
            request.headers[b"cache-control"] = self.arrival.directive.encode()
        return request

    @property
    def prompt_bytes(self) -> int:
        """Bytes that a model has to read."""
        return len(_encode(self._messages)) + (len(b'{"type":"json_object"}') if self.arrival.wants_json else 0)

    def hang_up(self) -> None:
        """Wait no longer."""
        if not self.answers:
            self.gone = True
            if self.exchange is not None:
                self.exchange.cancel()

    def now(self) -> float:
        """Virtual seconds."""
        return self._loop.time()

    @property
    def cache(self) -> str:
        """What the answer says of the cache."""
        return str(self.told.get("cache", ""))

    @property
    def _gated(self) -> bool:
        return self.arrival.ruled or self._schedule.settings.routes[0].quality is not None

    # -- what the gateway does

    def answer(self, status: int, lines: bytes, body: bytes, kind: bytes = b"application/json") -> None:
        """A whole answer."""
        self._once()
        self._in_time("an answer")
        data = _decode(body)
        if status == 200:
            self.code, self.told = "ok", data["roadworthy"]
            self._look(data["choices"][0]["message"]["content"] or "")
        else:
            error = data["error"]
            self.code, self.attempts = error["code"], error.get("attempts", [])
            if self.code in SPENT:
                self._spent(self, self.code)
            elif self.code == "unexpected_error":
                raise Broken("nothing crashes", "the gateway reports a bug of its own", self.now())
            self._check_attempts()
            self._check_rejected(error.get("rejected"))

    def fail(self, error: RoadworthyError, identity: str) -> None:
        """An error as answer."""
        self.answer(error.spec.http_status, error_lines(error, identity), error_body(error, identity))

    def begin(self, lines: bytes) -> None:
        """The header of a stream."""
        if self._begun:
            raise Broken("every request is answered once", "a stream begins twice", self.now())
        self._begun = True
        self._in_time("the first token")

    def write(self, data: bytes) -> None:
        """Bytes of a stream."""
        for block in data.split(b"\n\n"):
            _, mark, payload = block.rpartition(b"data: ")
            if not mark or payload == b"[DONE]":
                continue
            event = _decode(payload)
            self.told = event.get("roadworthy", self.told)
            self.code = event.get("error", {}).get("code", self.code)
            for choice in event.get("choices", ()):
                self._text += choice["delta"].get("content") or ""

    def end(self) -> None:
        """The stream is complete."""
        self._once()
        self.code = "ok"
        self._look(self._text)

    def cut(self) -> None:
        """The stream is not complete, and says so."""
        self._once()
        if self.code in {"", "ok"} or (self._text and self.code != "stream_incomplete"):
            raise Broken("a cut stream says so", f"its last code is {self.code!r}", self.now())
        self.attempts = self.told.get("attempts", [])

    # -- checks

    def _look(self, text: str) -> None:
        self.attempts = self.told["attempts"]
        made = self.made = self._answers.find(text)
        if made is None:
            raise Broken("no made-up answer is served", f"{self.tenant} got {text[:60]!r}", self.now())
        if (made.tenant, made.question, made.system) != (self.tenant, self.question, self.system):
            self._crossed(made)
        stream, gated = self.arrival.stream, self._gated
        fit = fits(made, text, gated, stream and self.cache in {"off", "miss"}, self.arrival.wants_json)
        if not fit or (made.kind == "refusal" and self.told["quality"] == "passed"):
            raise Broken("no answer leaves that failed its gate", f"{made.kind}: {text[:60]!r}", self.now())
        self._check_mode(made)
        if self.cache in {"hit", "stale"}:
            route = self._schedule.settings.routes[0]
            check_kept(self, made, self.told, route.cache_ttl_s or 0.0, self._schedule.settings.cache.stale_s)
            if self.cache == "stale":
                self._spent(self, "stale")
        elif made.request_id != self.identity:
            raise Broken("everybody gets his own answer", f"{self.identity} got that of {made.request_id}", self.now())
        self._check_attempts()

    def _check_rejected(self, rejected: dict[str, Any] | None) -> None:
        """What is shown of a rejected answer was said to this request, and is shown to who asked for it alone."""
        made = None if rejected is None else self._answers.find(rejected["text"])
        if rejected is not None and (made is None or made.request_id != self.identity or not self.arrival.ruled):
            raise Broken("everybody gets his own answer", f"{self.identity} is shown {rejected}", self.now())

    def _crossed(self, made: Made) -> None:
        if made.tenant != self.tenant:
            invariant = "no answer crosses tenants"
        elif made.system != self.system:
            invariant = "no answer crosses system prompts"
        else:
            invariant = "everybody gets his own answer"
        raise Broken(invariant, f"{self.identity} got the answer to {made.request_id}", self.now())

    def _check_mode(self, made: Made) -> None:
        """The mode that is told is the one that served; an answer of another mode never comes out of the cache."""
        asked, served = self.told.get("mode_requested"), self.told.get("mode_served")
        if self.arrival.model == CHAT:
            if made.model != MODEL or asked is not None:
                raise Broken("no answer crosses modes", f"a mode's answer to {self.question!r}", self.now())
            return
        if asked != self.arrival.model:
            raise Broken("the mode told is the one that served", f"{asked} is told as asked for", self.now())
        if served != made.model:
            raise Broken("the mode told is the one that served", f"{served} is told, {made.model} served", self.now())
        if self.cache in {"hit", "stale"} and self.told["age_s"] > 0 and served != asked:
            raise Broken("no answer crosses modes", f"{served} out of the cache for {asked}", self.now())
        if not self.told["mode_reason"] and served != asked:
            raise Broken("a downshift says why", f"{served} for {asked} without a reason", self.now())

    def _check_attempts(self) -> None:
        settings = self._schedule.settings
        quality = settings.routes[0].quality
        repairs = 1 if quality is None else quality.repairs
        if self.arrival.ruled:
            repairs = max(repairs, OWN_RULES["repairs"])
        check_attempts(self.attempts, settings.retry.max_tries, repairs, self.now())

    def _once(self) -> None:
        self.answers += 1
        if self.answers > 1:
            raise Broken("every request is answered once", "there is a second answer", self.now())

    def _in_time(self, what: str) -> None:
        late = self.now() - self.started - self.deadline_s
        if late > GRACE_S and not self._begun:
            raise Broken("deadlines are kept", f"{what} comes {late:.3f} s late", self.now())
