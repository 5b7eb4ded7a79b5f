"""Two edges that share answers through a real Valkey: one asks the provider, the other answers from the cache."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import doubles
from rig.stores import Valkey
from roadworthy.gateway.allowance_store import SqliteAllowances
from roadworthy.gateway.settings import CacheSettings, State
from roadworthy.runtime.metrics import Metrics
from roadworthy.serve.edge_state import SharedState

CHAIN = ["openai/gpt-4.1-mini"]


@pytest.mark.parametrize("killed", [False, True], ids=["up", "killed"])
async def test_the_other_replica_answers_from_the_cache(
    start_edge, valkey: Valkey, tmp_path: Path, killed: bool
) -> None:
    with doubles.openai() as double:
        edges = [await start_edge({"openai": double.base_url}, CHAIN, cache=CacheSettings(enabled=True)) for _ in "ab"]
        own = SqliteAllowances(tmp_path / "budget.db")
        shared = [
            SharedState(State(valkey.url, name, tmp_path.name), edge.service, Metrics(), own)
            for name, edge in zip("ab", edges, strict=True)
        ]
        try:
            async with asyncio.timeout(30):
                while not all(each.link.up for each in shared):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            if killed:
                valkey.kill()
            results = [(await edge.ask()).headers["x-roadworthy-cache"] for edge in [*edges, *edges]]
            assert results == (["miss", "miss", "hit", "hit"] if killed else ["miss", "hit", "hit", "hit"])
            assert len(double.requests) == (2 if killed else 1)
        finally:
            if killed:
                valkey.start()
            for each in shared:
                await each.close()
