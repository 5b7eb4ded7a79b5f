"""Haiku on a word, written by a model and kept: the smallest application that does durable work."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from roadworthy.core.application import Call, Later, Platform, Reply, Route, Service
from roadworthy.core.errors import ConfigError, RoadworthyError, UsageError
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun

PATH = "/api/haiku"


class Haiku:
    """The application; its settings are those under `applications.haiku`."""

    name = "haiku"

    def start(self, platform: Platform) -> Service:
        """Called once, in the worker process."""
        model = platform.settings.get("model", "chat")
        if not isinstance(model, str):
            raise ConfigError("applications.haiku.model is no text.", "It names a route or a mode of the gateway.")
        desk = Desk(platform, model)
        routes = [Route("POST", PATH, desk.order), Route("GET", f"{PATH}/{{id}}", desk.show)]
        return Service(routes, {"haiku.write": desk.write})


class Desk:
    """Takes orders, and does the job."""

    def __init__(self, platform: Platform, model: str) -> None:
        self.platform = platform
        self.model = model

    def order(self, call: Call) -> Later:
        """POST /api/haiku {"word": "frog"}: the haiku, or where it will be."""
        word = read_word(call.body)
        haiku_id = hashlib.sha256(f"{call.tenant} {word}".encode()).hexdigest()[:16]
        self.platform.jobs.enqueue("haiku.write", haiku_id, {"tenant": call.tenant, "id": haiku_id, "word": word})
        where = {"location": f"{PATH}/{haiku_id}"}
        late = Reply({"id": haiku_id, "state": "running"}, 202, headers=where)
        return Later(lambda: self.written(call.tenant, haiku_id), 60.0, lambda: late)

    def show(self, call: Call) -> Reply:
        """GET /api/haiku/{id}: one haiku of this tenant."""
        found = self.written(call.tenant, call.path["id"])
        if found is None:
            raise UsageError("There is no such haiku.", code="not_found")
        return found

    def written(self, tenant: str, haiku_id: str) -> Reply | None:
        """The reply with a haiku, or with the reason why there is none; None while nobody knows."""
        found = self.platform.records.get(tenant, "haiku", haiku_id)
        return None if found is None else Reply(found, 502 if "error" in found else 200)

    def write(self, run: JobRun, payload: Payload) -> Json:
        """The job. A step that is done is never done again, whatever is killed; so nothing is paid for twice."""
        tenant, haiku_id = str(payload["tenant"]), str(payload["id"])

        def ask() -> Json:
            question = f"Write a haiku about: {payload['word']}"
            body: Payload = {"model": self.model, "messages": [{"role": "user", "content": question}]}
            try:
                answer = self.platform.chat(tenant, body, run.check)
            except RoadworthyError as error:  # no text of our own takes its place
                return {"error": {"code": error.code, "what": error.what, "why": error.why, "mend": error.mend}}
            return {"haiku": text_of(answer), "model": answer["model"]}

        told = run.step("ask", ask)
        assert isinstance(told, dict)
        self.platform.records.put(tenant, "haiku", haiku_id, {"id": haiku_id, **told})
        return "written"


def text_of(answer: Any) -> str:
    """The text of a chat completion."""
    return str(answer["choices"][0]["message"]["content"])


def read_word(body: bytes) -> str:
    """The word of an order.

    Raises:
        UsageError: `invalid_request`.
    """
    try:
        word = json.loads(body)["word"]
    except (ValueError, KeyError, TypeError, RecursionError):
        word = None
    if not isinstance(word, str) or not 0 < len(word) <= 40:
        raise UsageError("The order is not usable.", 'It must look like {"word": "frog"}.', param="word")
    return word


HAIKU = Haiku()
