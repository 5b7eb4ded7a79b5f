"""A small application that the tests install by a fake distribution: shelves with things, and a job that packs them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from roadworthy.core.application import Call, Later, Platform, Reply, Route, Service
from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobRun


class Stall:
    """The application `stall`: one route."""

    name = "stall"

    def start(self, platform: Platform) -> Service:
        return Service([Route("GET", "/api/stall", lambda call: Reply({"tenant": call.tenant}))], {})


class Thief(Stall):
    """An application that wants another one's paths."""

    name = "thief"

    def start(self, platform: Platform) -> Service:
        return Service([Route("GET", "/api/shop/things", lambda call: Reply({"stolen": True}))], {})


class Shop:
    """The application `shop`."""

    name = "shop"

    def start(self, platform: Platform) -> Service:
        if platform.settings.get("broken"):
            raise ConfigError("The shop is closed.", "Somebody set `broken`.", "Take it out.")
        work = _Work(platform)
        return Service(
            [
                Route("GET", "/api/shop/things", work.things),
                Route("POST", "/api/shop/things", work.add),
                Route("GET", "/api/shop/things/{id}", work.thing),
                Route("DELETE", "/api/shop/things/{id}", work.remove),
                Route("GET", "/api/shop/echo/{word}/{other}", work.echo),
                Route("POST", "/api/shop/echo", work.echo),
                Route("GET", "/api/shop/file", work.file),
                Route("GET", "/api/shop/wrong/{how}", work.wrong),
                Route("POST", "/api/shop/orders", work.order),
                Route("GET", "/api/shop/orders/{id}", work.state),
                Route("DELETE", "/api/shop/orders/{id}", work.cancel),
                Route("POST", "/api/shop/ask", work.ask),
            ],
            {"shop.order": work.pack},
        )


class _Work:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.records = platform.records

    def things(self, call: Call) -> Reply:
        found = self.records.all_of(call.tenant, "thing", call.query.get("prefix", ""))
        return Reply({"things": [{"id": name, **value} for name, value in found]})

    def add(self, call: Call) -> Reply:
        thing = json.loads(call.body)
        if not self.records.add(call.tenant, "thing", thing["id"], {"price": thing["price"]}):
            raise UsageError("There is such a thing.", param="id")
        return Reply(thing, 201, headers={"location": f"/api/shop/things/{thing['id']}", "etag": '"1"'})

    def thing(self, call: Call) -> Reply:
        found = self.records.get(call.tenant, "thing", call.path["id"])
        if found is None:
            raise UsageError("There is no such thing.", code="not_found")
        return Reply(found)

    def remove(self, call: Call) -> Reply:
        return Reply({"deleted": self.records.delete(call.tenant, "thing", call.path["id"])})

    def echo(self, call: Call) -> Reply:
        told: dict[str, Any] = {**call._asdict(), "body": len(call.body), "profile": self.platform.profile}
        return Reply({**told, "settings": dict(self.platform.settings)})

    def file(self, call: Call) -> Reply:
        size = int(call.query.get("size", "10"))
        headers = {"content-disposition": 'attachment; filename="a.pdf"'}
        return Reply(b"x" * size, int(call.query.get("status", "200")), "application/pdf", headers)

    def wrong(self, call: Call) -> Reply:
        how = call.path["how"]
        if how == "bug":
            raise RuntimeError("the caller's text is quoted here")
        if how == "header":
            return Reply({}, headers={"location": "/x\r\nset-cookie: a=b"})
        if how == "unknown-header":
            return Reply({}, headers={"set-cookie": "a=b"})
        if how == "no-json":
            return Reply({"a": object()})  # type: ignore[dict-item]
        return Reply({}, 204)

    def order(self, call: Call) -> Reply | Later:
        wanted = json.loads(call.body)
        job = self.platform.jobs.enqueue("shop.order", wanted["id"], {**wanted, "tenant": call.tenant})
        if "respond-async" in call.headers.get("prefer", ""):
            return Reply({"state": job.state}, 202, headers={"preference-applied": "respond-async"})

        def ready() -> Reply | None:
            done = self.records.get(call.tenant, "order", wanted["id"])
            return None if done is None else Reply(done)

        return Later(ready, wanted.get("wait_s", 60.0), lambda: Reply({"state": "late"}, 202))

    def state(self, call: Call) -> Reply:
        job = self.platform.jobs.get(call.path["id"])
        return Reply({"job": None if job is None else job.state})

    def cancel(self, call: Call) -> Reply:
        return Reply({"job": self.platform.jobs.cancel(call.path["id"]).state})

    def pack(self, run: JobRun, payload: Payload) -> Json:
        """Three steps, each noted in a file when it begins, so that a test sees what was repeated."""
        log = Path(str(payload["log"]))
        for number in range(3):

            def step(number: int = number) -> Json:
                with log.open("a") as file:
                    file.write(f"{number} {os.getpid()}\n")
                time.sleep(float(str(payload.get("step_s", 0.0))))
                return number

            run.step(f"step-{number}", step)
            run.check()
        if "ask" in payload:
            run.step("ask", lambda: dict(self.platform.chat(str(payload["tenant"]), _question(payload), run.check)))
        self.records.put(str(payload["tenant"]), "order", str(payload["id"]), {"state": "done"})
        return "done"

    def ask(self, call: Call) -> Reply:
        return Reply(dict(self.platform.chat(call.tenant, json.loads(call.body), lambda: None)))


def _question(payload: Payload) -> dict[str, Any]:
    return {"model": "chat", "messages": [{"role": "user", "content": str(payload["ask"])}]}


SHOP = Shop()
STALL = Stall()
THIEF = Thief()
