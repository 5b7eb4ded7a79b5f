"""Whole gateways whose PostgreSQL or Valkey is killed under load: no request fails, no record is lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from rig import Echo, Gateway, await_true, load
from rig.stores import PASSWORD, Postgres, Valkey

KEY = "double-key-77b2"
CONFIG = """
version: 1
gateway:
  providers:
    echo: {{kind: openai, base_url: "{echo}", api_key: "env:DOUBLE_KEY"}}
  routes: {{echo: {{chain: [echo/gpt-4.1-mini]}}}}
"""
RECORDS = 'jobs: {enabled: false}\ncontrol: {enabled: false}\njournal: {database: "env:DATABASE"}\n'


def waiting(gateway: Gateway) -> object:
    return gateway.get("/health").json()["stores"]["records"]["waiting"]


@pytest.mark.slow
def test_postgres_killed_under_load_costs_no_request_and_loses_no_record(
    postgres: Postgres, echo: Echo, tmp_path: Path
) -> None:
    dsn = postgres.fresh()
    environ = {"DOUBLE_KEY": KEY, "DATABASE": dsn}
    with Gateway(tmp_path, CONFIG.format(echo=echo.base_url) + RECORDS, environ=environ) as gateway:
        with load(gateway, "echo", per_worker=2) as callers:
            time.sleep(0.5)
            postgres.kill()
            await_true(lambda: not gateway.get("/health").json()["stores"]["records"]["ok"])
            status = gateway.cli("gateway", "status")
            assert "store_unavailable" in status.out
            assert gateway.get("/health").json()["status"] == "degraded"
            time.sleep(0.5)
            postgres.start()
            time.sleep(0.5)
        requests = [request for caller in callers for request in caller.requests]
        assert len(requests) > 20
        assert all(request.right for request in requests), [r for r in requests if not r.right][:3]
        await_true(lambda: waiting(gateway) == 0)
        assert "roadworthy_records_waiting" in gateway.get("/metrics").text
        assert gateway.events("records.held_back")
        assert gateway.events("records.flowing_again")
    # The last records are shipped while the gateway stops.
    local = gateway.cli("gateway", "journal", "verify", "--json").data
    chains = gateway.cli("gateway", "journal", "verify", "--database", "--json").data["chains"]
    (mine,) = [chain for chain in chains if chain["head"] == local["head"]]
    assert mine["entries"] == local["entries"]
    rows = postgres.rows(
        f"SELECT payload FROM journal_record WHERE replica = '{mine['replica']}' AND kind = 'request.finished'",
        dsn,
    )
    stored = [json.loads(row[0])["request_id"] for row in rows]
    assert len(stored) == len(set(stored))
    assert {request.identity for request in requests} <= set(stored)
    for text in (gateway.err, gateway.out, status.out, status.err, str(rows)):
        assert PASSWORD not in text


def test_doctor_names_a_database_that_is_away(postgres: Postgres, echo: Echo, tmp_path: Path) -> None:
    gateway = Gateway(
        tmp_path, CONFIG.format(echo=echo.base_url) + RECORDS, environ={"DOUBLE_KEY": KEY, "DATABASE": postgres.dsn}
    )
    found = {one["check"]: one for one in gateway.cli("doctor", "--json").data["findings"]}
    assert found["records database"]["state"] == "ok", found
    for dsn in (postgres.dsn.replace(str(postgres.port), "1"), postgres.dsn.replace("canary", "wrong")):
        told = gateway.cli("doctor", "--json", DATABASE=dsn)
        found = {one["check"]: one for one in told.data["findings"]}
        assert found["records database"]["state"] == "bad"
        assert "PostgreSQL says" in found["records database"]["evidence"]
        assert "7f3a" not in told.out + told.err
    told = gateway.cli("config", "check", "--json", DATABASE=f"postgresql://u:{PASSWORD}@h/x")
    assert "journal.database" in told.out
    assert PASSWORD not in told.out + told.err


SHARED = """
version: 1
gateway:
  providers:
    openai: {{kind: openai, base_url: "{echo}", api_key: "env:DOUBLE_KEY"}}
  routes: {{echo: {{chain: [openai/gpt-4.1-mini]}}}}
  budget: {{default: {{usd_per_day: {usd}, requests_per_minute: 100000}}}}
  cache: {{enabled: true}}
jobs: {{enabled: false}}
control: {{enabled: false}}
state: {{url: "env:STATE", prefix: {prefix}}}
"""


@pytest.fixture
def short_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The name of a socket may have 107 bytes."""
    return tmp_path_factory.mktemp("two")


def two(echo: Echo, valkey: Valkey, folder: Path, usd: float) -> tuple[Gateway, Gateway]:
    config = SHARED.format(echo=echo.base_url, usd=usd, prefix=folder.name)
    one, other = (
        Gateway(folder / name, config, environ={"DOUBLE_KEY": KEY, "STATE": valkey.url}) for name in ("one", "other")
    )
    return one, other


def spent(gateway: Gateway) -> float:
    """Dollars of all answered requests in the journal of one replica."""
    attempts = [attempt for one in gateway.journaled() for attempt in one["attempts"]]
    return sum(attempt.get("cost_usd") or 0.0 for attempt in attempts)


@pytest.mark.long
def test_two_replicas_spend_one_budget_and_not_more(echo: Echo, valkey: Valkey, short_path: Path) -> None:
    limit = 0.0003
    one, other = two(echo, valkey, short_path, limit)
    with one, other:
        codes: list[int] = []
        for number in range(300):
            for gateway in (one, other):
                answer = gateway.ask(f"question {number} of {gateway.port}", model="echo", max_tokens=40)
                codes.append(answer.status_code)
            if codes[-4:] == [429] * 4:
                break
        assert set(codes) == {200, 429}, set(codes)
        assert codes[-4:] == [429] * 4
        time.sleep(1.5)  # spending is told once a second
        use, total = budget(one), spent(one) + spent(other)
        assert use["limit"] == limit
        assert 0.6 * limit < total <= limit
        assert use["spent"] == pytest.approx(total, abs=1e-7)
        assert "replicas 2" in one.cli("gateway", "status").out


def budget(gateway: Gateway) -> dict:
    (use,) = [use for use in gateway.cli("gateway", "status", "--json").data["budgets"] if use["budget"] == "usd"]
    return use


@pytest.mark.slow
def test_valkey_killed_under_load_costs_no_request(echo: Echo, valkey: Valkey, short_path: Path) -> None:
    one, other = two(echo, valkey, short_path, 50.0)
    with one, other, load(one, "echo", per_worker=2) as here, load(other, "echo", per_worker=2) as there:
        time.sleep(0.3)
        valkey.kill()
        try:
            for gateway in (one, other):
                await_true(lambda: not gateway.get("/health").json()["stores"]["state"]["ok"])  # noqa: B023
            assert "store_unavailable" in one.cli("gateway", "status").out
            time.sleep(1.0)
        finally:
            valkey.start()
        for gateway in (one, other):
            await_true(lambda: gateway.get("/health").json()["stores"]["state"]["replicas"] == 2)  # noqa: B023
        time.sleep(0.3)
    requests = [request for caller in [*here, *there] for request in caller.requests]
    assert len(requests) > 50
    assert all(request.right for request in requests), [r for r in requests if not r.right][:3]
    for gateway in (one, other):
        assert PASSWORD not in gateway.err + gateway.out
