"""A whole gateway with two workers: budgets outlive kill -9, are shared, shown, and told at the end."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import httpx2
import pytest

import doubles
from rig.gateway import Gateway, await_true
from roadworthy.gateway.allowance_store import FILE, SqliteAllowances, Used, day_of

CONFIG = """
version: 1
gateway:
  require_key: true
  providers: {{openai: {{kind: openai, base_url: "{url}", api_key: "env:DOUBLE_KEY"}}}}
  routes: {{chat: {{chain: [openai/gpt-4.1-mini]}}}}
"""


def spent(gateway: Gateway) -> Used:
    """The key's dollars of today as the store has them."""
    store = SqliteAllowances(gateway.state / FILE)
    try:
        rows = [used for used in store.used(day_of(time.time())) if used.resource == "usd"]
    finally:
        store.close()
    return rows[0] if rows else Used("", "", "usd", 0, 0, 0)


def ask(gateway: Gateway, key: str, stream: bool = False) -> httpx2.Response:
    return gateway.ask(key=key, stream=stream, max_tokens=100)


@pytest.mark.slow
def test_a_budget_is_spent_to_its_end_through_kills_and_a_restart(tmp_path: Path) -> None:
    with doubles.openai() as double:
        double.reply = "It is Paris. " * 20
        with Gateway(tmp_path, CONFIG.format(url=double.base_url), environ={"DOUBLE_KEY": "test-key"}) as gateway:
            made = gateway.cli("key", "create", "app", "--usd-per-day", "0.002", "--json").data
            key, name = made["secret"], made["key"]["id"]
            for number in range(4):
                assert ask(gateway, key, number % 2 == 1).status_code == 200
            await_true(lambda: (used := spent(gateway)).spent and not used.leased, "nothing was told")
            before = spent(gateway)
            for child, pid in gateway.pids.items():
                if child.startswith("edge"):
                    os.kill(pid, signal.SIGKILL)
            await_true(lambda: answers(gateway), "no worker came back")
            assert spent(gateway) == before
            codes = [ask(gateway, key, number % 2 == 1).status_code for number in range(30)]
            assert set(codes) == {200, 429}
            # A refusal is final when no worker holds a part that it reserved and did not use: none does a second later.
            await_true(lambda: refused_with_nothing_held(gateway, key), "the budget has no end")
            answers_ = [ask(gateway, key, number % 2 == 1) for number in range(10)]
            assert {answer.status_code for answer in answers_} == {429}
            assert answers_[-1].json()["error"]["code"] == "budget_exceeded"
            listed = gateway.cli("gateway", "status").out
            assert name in listed
            assert "budget near its end" in listed
            assert gateway.stop() == 0
        used = spent(gateway)
        assert (used.leased, used.spent + used.lost <= 2_000_000) == (0, True)
        costs = gateway.cli("gateway", "cost", "--by", "key", "--json").data
        booked = next(row for row in costs["rows"] if row["name"] == name)
        assert round(booked["cost_usd"] * 1e9) == pytest.approx(used.spent, abs=100)
        with Gateway(tmp_path, CONFIG.format(url=double.base_url), environ={"DOUBLE_KEY": "test-key"}) as again:
            assert ask(again, key).status_code == 429
            assert again.cli("key", "set", "app", "--usd-per-day", "1").code == 0
            await_true(lambda: ask(again, key).status_code == 200, "the new budget never came into force")


def refused_with_nothing_held(gateway: Gateway, key: str) -> bool:
    """Whether a request is refused although the store has all that is left."""
    await_true(lambda: not spent(gateway).leased, "a part is kept")
    return ask(gateway, key).status_code == 429


def answers(gateway: Gateway) -> bool:
    """Whether both workers take requests."""
    try:
        ready = gateway.get("/readyz").status_code == 200
    except httpx2.HTTPError:
        return False
    told = gateway.cli("gateway", "status", "--json")
    return ready and told.code == 0 and all(not worker["error"] for worker in json.loads(told.out)["data"]["workers"])
