"""Whole gateways whose PostgreSQL or Valkey is killed under load: no request fails, no record is lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rig import Echo, Gateway, await_true, load
from rig.stores import PASSWORD, Postgres

KEY = "double-key-77b2"
CONFIG = """
version: 1
gateway:
  providers:
    echo: {{kind: openai, base_url: "{echo}", api_key: "env:DOUBLE_KEY"}}
  routes: {{echo: {{chain: [echo/gpt-4.1-mini]}}}}
"""
RECORDS = "journal: {database: \"env:DATABASE\"}\n"


def waiting(gateway: Gateway) -> object:
    return gateway.get("/health").json()["stores"]["records"]["waiting"]


def test_postgres_killed_under_load_costs_no_request_and_loses_no_record(
    postgres: Postgres, echo: Echo, tmp_path: Path
) -> None:
    environ = {"DOUBLE_KEY": KEY, "DATABASE": postgres.dsn}
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
        f"SELECT payload FROM journal_record WHERE replica = '{mine['replica']}' AND kind = 'request.finished'"
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
