"""Modes, gates, prompts, cache, hedges, budgets, streams, faults and callers who hang up, at random, on real sockets.

Afterwards every request has one record, what callers were told is what is recorded, nothing is held any more, and the
store of the budgets knows exactly what the records say.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

import doubles
from doubles import Fault
from roadworthy.gateway.allowance_store import SqliteAllowances
from roadworthy.gateway.cost import nano
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.prompts.template import Template
from roadworthy.gateway.quality.rule import Quality
from roadworthy.gateway.settings import (
    Breaker,
    Budget,
    CacheSettings,
    Downshift,
    Hedge,
    Key,
    KeyLimits,
    Mode,
    Parameters,
    Price,
    Recovery,
    Route,
    Target,
)

MODEL = "gpt-4.1-mini"
SEED = 20
REQUESTS = 500
SPREAD_S = 3.0
PATIENCE_S = 120.0
GATE = Quality(forbidden_terms=("zebra",), heartbeat_s=0.05)
HEDGE = Hedge(after_s=0.05, max_extra_cost=1.0)
FAULTS: list[Fault | None] = [None] * 30
FAULTS += [Fault(kind) for kind in ("hang", "reset", "empty", "length", "filtered", "truncated_json")]
FAULTS += [Fault("status", status=500), Fault("status", status=429), Fault("cut", after=1), Fault("stall", after=1)]
FAULTS += [Fault("delay", seconds=0.12)] * 12 + [Fault("drip", seconds=0.03)]


def mode(name: str, provider: str, tokens: int, rules: dict[str, Any], **route: Any) -> Mode:
    limits = {"deadline_s": 1.0, "try_timeout_s": 0.3, "stream_idle_timeout_s": 0.4, **route}
    return Mode(
        name,
        (Route(name, tuple(Target(each, MODEL) for each in provider), **limits),),
        Parameters(tokens),
        downshift=Downshift(memory_fraction=None, **rules),
        recovery=Recovery(0.1, 0.3, 0.05, 1, (0.5,)),
    )


MODES = (
    mode("good", "a", 100, {"in_flight": 6}, quality=GATE, prompt="short"),
    mode("mid", "ba", 50, {"p95_s": 0.5}, cache="exact", cache_ttl_s=0.05, hedge=HEDGE),
    mode("low", "b", 20, {}, quality=GATE),
)
OPTIONS: dict[str, Any] = {
    "modes": MODES,
    "prompts": (Template("short", 1, {"en": "Be brief.", "ko": "짧게 답하십시오."}),),
    "route": {"quality": GATE, "cache": "exact", "cache_ttl_s": 0.05, "hedge": HEDGE},
    "prices": {MODEL: Price(1, 1, 1, 1)},
    "cache": CacheSettings(enabled=True, ttl_start_s=0.05, ttl_min_s=0.05),
    "budget": Budget(KeyLimits(usd_per_day=5.0, requests_per_minute=100_000, concurrent=12)),
    "breaker": Breaker(consecutive_failures=6, error_rate=0.6, open_s=0.1),
}


class Told:
    """What a caller was told."""

    def __init__(self, response: httpx2.Response, stream: bool) -> None:
        self.identity = response.headers["x-request-id"]
        self.status = response.status_code
        lines = response.text.splitlines()
        found = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        if not (stream and self.status == 200):
            found = [response.json()]
        self.extras = [each["roadworthy"] for each in found if "roadworthy" in each]
        self.errors = [each["error"] for each in found if "error" in each]
        self.whole = not stream or self.status != 200 or "data: [DONE]" in lines

    def agrees(self, record: Finished) -> bool:
        """Whether the record says the same."""
        if (record.code == "ok") != (self.whole and not self.errors) or record.status != self.status:
            return False
        if record.code != "ok":
            return self.errors[0]["code"] == record.code
        (extra,) = self.extras
        prompt, served = extra.get("prompt"), record.mode
        return (
            (extra["cache"], extra["quality"]) == (record.cache, record.quality)
            and extra["mode_served"] == (None if served is None else served.served)
            and (None if prompt is None else prompt["id"]) == (None if record.prompt is None else record.prompt.id)
            and (None if extra["cost"] is None else nano(extra["cost"]))
            == (None if record.cost_usd is None else nano(record.cost_usd))
        )


async def ask(edge: Any, draw: random.Random) -> Told | None:
    """One caller; None when he hung up, or was cut off."""
    body: dict[str, Any] = {
        "model": draw.choice(["good", "mid", "low", "chat", f"a/{MODEL}"]), "stream": draw.random() < 0.5,
        "messages": [{"role": "user", "content": f"Question {draw.randrange(4)}"}],
    }  # fmt: skip
    if draw.random() < 0.15:
        body["response_format"] = {"type": "json_object"}
    headers = {"authorization": f"Bearer secret-{draw.randrange(4)}"}  # one of them is nobody's
    if draw.random() < 0.2:
        headers["cache-control"] = draw.choice(["no-cache", "no-store", "max-age=0", "max-age=1"])
    patience_s = draw.random() * 0.3 if draw.random() < 0.2 else PATIENCE_S
    await asyncio.sleep(draw.random() * SPREAD_S)
    try:
        async with asyncio.timeout(patience_s):
            response = await edge.http.post("/v1/chat/completions", json=body, headers=headers)
    except TimeoutError:
        assert patience_s < PATIENCE_S
        return None
    except httpx2.RemoteProtocolError:  # a stream that broke is cut
        return None
    return Told(response, body["stream"])


async def stir(servers: list[Any], draw: random.Random) -> None:
    """Something else goes wrong every now and then."""
    while True:
        for server in servers:
            server.faults = draw.choice(FAULTS)
        await asyncio.sleep(draw.random() * 0.1)


def nothing_is_left(edge: Any) -> bool:
    service = edge.service
    running = sum(account.running for account in service.allowances._accounts())
    in_modes = sum(state.in_flight for state in service.modes.selector.states)
    return (service.in_flight, len(service.cache.flights), running, in_modes) == (0, 0, 0, 0)


async def test_every_request_is_told_and_recorded_once_and_the_same(start_edge, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    with doubles.openai() as a, doubles.openai() as b:
        edge = await start_edge({"a": a.base_url, "b": b.base_url}, [f"a/{MODEL}", f"b/{MODEL}"], **OPTIONS)
        store = SqliteAllowances(tmp_path / "budget.db")
        edge.service.limit_keys(store)
        secrets = [hashlib.sha256(f"secret-{number}".encode()).hexdigest() for number in range(3)]
        edge.service.load_keys([Key(f"key-{number}", secret, ("use",)) for number, secret in enumerate(secrets)])
        stirring = asyncio.create_task(stir([a, b], draw))
        told = await asyncio.gather(*(ask(edge, random.Random(f"{SEED}-{number}")) for number in range(REQUESTS)))
        stirring.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while not nothing_is_left(edge):  # noqa: ASYNC110 - the edge has no event for it
                    await asyncio.sleep(0.02)
        assert nothing_is_left(edge)
        edge.service.allowances.close()
        edge.service.allowances = None
        assert "unexpected_error" not in {kind for kind, _, _ in edge.ledger.events}
        records = {record.request_id: record for record in edge.ledger.records}
        assert len(records) == len(edge.ledger.records)
        differ = [(vars(one), records[one.identity]) for one in told if one and not one.agrees(records[one.identity])]
        assert not differ, differ[0]
        assert {record.cache for record in records.values()} > {"miss", "off"}  # and at least one that was kept
        assert {record.hedge for record in records.values()} > {""}
        spent = dict.fromkeys((record.key_id for record in records.values()), 0)
        for record in records.values():
            spent[record.key_id] += sum(nano(attempt.cost_usd or 0) for attempt in record.attempts)
        used = store.used(time.strftime("%Y-%m-%d", time.gmtime()))
        assert {row.key_id: row.spent for row in used if row.resource == "usd"} == spent
