"""Answers that replicas share through a real Valkey: found by the other, aged by the server, gone when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from rig.stores import Valkey
from roadworthy.core.clock import ManualClock
from roadworthy.core.ports import Cache, Kept
from roadworthy.gateway.cache.memory import MemoryCache
from roadworthy.gateway.cache.shared import ALONE_S, CLEARED, SharedCache
from roadworthy.runtime.valkey_link import ValkeyLink


class Worker:
    """One worker's cache and its line."""

    def __init__(self, url: str, prefix: str) -> None:
        self.clock = ManualClock()
        self.heard: list[bytes] = []
        self.memory = MemoryCache(100_000, self.clock)
        self.link = ValkeyLink(url, f"{prefix}:news", self._hear, self._change)
        self.cache = SharedCache(self.memory, self.link, prefix, f"{prefix}:news")
        self.link.start()

    def _hear(self, message: bytes) -> None:
        self.heard.append(message)
        if message == CLEARED:
            self.cache.cleared()

    def _change(self, up: bool, why: str) -> None:
        if up:
            self.cache.back()

    async def fetch(self, key: bytes) -> Kept | None:
        found = asyncio.get_running_loop().create_future()
        self.cache.fetch(key, found.set_result)
        return await asyncio.wait_for(found, 3)

    async def command(self, *words: bytes | str | int) -> object:
        answer = asyncio.get_running_loop().create_future()
        self.link.send(*words, told=answer.set_result)
        return await asyncio.wait_for(answer, 3)

    async def until(self, up: bool) -> None:
        async with asyncio.timeout(30):
            while self.link.up is not up:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def two(valkey: Valkey, tmp_path: Path) -> AsyncIterator[tuple[Worker, Worker]]:
    workers = Worker(valkey.url, tmp_path.name), Worker(valkey.url, tmp_path.name)
    for worker in workers:
        await worker.until(up=True)
    yield workers
    for worker in workers:
        await worker.link.close()


async def test_what_one_keeps_the_other_finds(two: tuple[Worker, Worker]) -> None:
    one, other = two
    cache: Cache = one.cache
    cache.put(b"k\x00", b"\xffanswer", 60.0)
    await one.command("PING")
    found = await other.fetch(b"k\x00")
    assert found is not None
    assert found.value == b"\xffanswer"
    assert 0 <= found.age_s < 5
    assert await other.fetch(b"other") is None


async def test_the_younger_answer_wins_and_a_young_one_is_not_looked_for(two: tuple[Worker, Worker]) -> None:
    one, other = two
    one.cache.put(b"k", b"old", 1_000.0)
    await one.command("PING")
    other.cache.put(b"k", b"new", 1_000.0)
    await other.command("PING")
    assert (await one.fetch(b"k")).value == b"old"  # type: ignore[union-attr]
    one.clock.advance(ALONE_S + 1)
    assert (await one.fetch(b"k")).value == b"new"  # type: ignore[union-attr]


async def test_what_ran_out_is_gone(two: tuple[Worker, Worker]) -> None:
    one, other = two
    one.cache.put(b"k", b"v", 0.05)
    one.cache.put(b"never", b"v", 0.0)
    await one.command("PING")
    await asyncio.sleep(0.1)
    assert await other.fetch(b"k") is None
    assert await other.fetch(b"never") is None


async def test_clearing_reaches_every_replica_and_leaves_nothing_on_the_server(two: tuple[Worker, Worker]) -> None:
    one, other = two
    for n in range(1_200):
        one.cache.put(b"%d" % n, b"v", 1_000.0)
    other.cache.put(b"own", b"v", 1_000.0)
    await one.command("PING")
    await other.command("PING")
    held = len(one.memory)
    assert one.cache.clear() == held > 0
    async with asyncio.timeout(30):
        while CLEARED not in other.heard:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert [await other.fetch(key) for key in (b"5", b"own")] == [None, None]
    async with asyncio.timeout(30):
        while await _kept(one):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    one.cache.put(b"5", b"again", 1_000.0)
    await one.command("PING")
    assert (await other.fetch(b"5")).value == b"again"  # type: ignore[union-attr]


async def _kept(worker: Worker) -> list[bytes]:
    found: list[bytes] = await worker.command("KEYS", worker.cache._every)  # type: ignore[assignment]
    return found


async def test_away_is_memory_alone_and_clearing_is_made_up_for(valkey: Valkey, two: tuple[Worker, Worker]) -> None:
    one, other = two
    one.cache.put(b"k", b"v", 1_000.0)
    await one.command("PING")
    valkey.kill()
    try:
        await one.until(up=False)
        await other.until(up=False)
        one.clock.advance(ALONE_S + 1)
        assert (await one.fetch(b"k")).value == b"v"  # type: ignore[union-attr]
        assert await other.fetch(b"k") is None
        other.cache.put(b"mine", b"v", 1_000.0)
        assert one.cache.clear() == 1
    finally:
        valkey.start()
    await one.until(up=True)
    await other.until(up=True)
    async with asyncio.timeout(30):  # whether it heard the news, or came back after it
        while len(other.memory):
            await other.command("PING")


async def test_a_clearing_that_was_missed_is_made_up_for(valkey: Valkey, two: tuple[Worker, Worker]) -> None:
    one, other = two
    other.cache.put(b"mine", b"v", 1_000.0)
    await other.link.close()
    one.cache.clear()
    await one.command("PING")
    other.link.start()
    await other.until(up=True)
    await other.command("PING")
    assert len(other.memory) == 0
    one.cache.put(b"mine", b"new", 1_000.0)
    await one.command("PING")
    assert (await other.fetch(b"mine")).value == b"new"  # type: ignore[union-attr]


async def test_a_server_that_forgot_everything_clears_nobody(valkey: Valkey, two: tuple[Worker, Worker]) -> None:
    one, _ = two
    one.cache.clear()
    await one.command("PING")
    one.cache.put(b"k", b"v", 1_000.0)
    valkey.kill()
    try:
        await one.until(up=False)
    finally:
        valkey.start()
    await one.until(up=True)
    await one.command("PING")
    assert len(one.memory) == 1


async def test_a_server_that_hangs_costs_the_hit_alone(valkey: Valkey, two: tuple[Worker, Worker]) -> None:
    one, _ = two
    valkey.pause()
    try:
        began = asyncio.get_running_loop().time()
        assert await one.fetch(b"k") is None
        assert asyncio.get_running_loop().time() - began < 2
    finally:
        valkey.resume()


async def test_what_is_no_entry_is_nothing(two: tuple[Worker, Worker]) -> None:
    one, _ = two
    await one.command("SET", f"{one.cache._prefix}0:k", b"short")
    assert await one.fetch(b"k") is None
    await one.command("LPUSH", f"{one.cache._prefix}0:list", b"x")
    assert await one.fetch(b"list") is None
