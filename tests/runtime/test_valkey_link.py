"""The line to Valkey: commands in order, None when it is away, back by itself; a hanging server is an absent one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from rig.stores import PASSWORD, Valkey, free_port
from roadworthy.core.errors import ConfigError, StorageError
from roadworthy.runtime.valkey_link import MAX_WAITING, ValkeyLink
from roadworthy.runtime.valkey_url import check_url, host_of, look


class Line:
    """A link and what it told."""

    def __init__(self, url: str) -> None:
        self.messages: list[bytes] = []
        self.changes: list[tuple[bool, str]] = []
        self.link = ValkeyLink(url, "test:news", self.messages.append, lambda up, why: self.changes.append((up, why)))
        self.link.start()

    async def ask(self, *command: bytes | str | int) -> object:
        answer = asyncio.get_running_loop().create_future()
        self.link.send(*command, told=answer.set_result)
        return await asyncio.wait_for(answer, 3)

    async def until(self, up: bool) -> None:
        async with asyncio.timeout(30):
            while self.link.up is not up:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def line(valkey: Valkey) -> AsyncIterator[Line]:
    found = Line(valkey.url)
    await found.until(up=True)
    yield found
    await found.link.close()


async def test_commands_are_answered_in_order(line: Line) -> None:
    await line.ask("DEL", "n")
    told: list[object] = []
    for _ in range(1_000):
        line.link.send("INCR", "n", told=told.append)
    assert await line.ask("GET", "n") == b"1000"
    assert told == list(range(1, 1_001))


async def test_what_the_server_refuses_is_none_and_breaks_nothing(line: Line) -> None:
    assert await line.ask("NO-SUCH-COMMAND") is None
    assert await line.ask("SET", "k", b"\x00\xff") is not None
    assert await line.ask("GET", "k") == b"\x00\xff"
    assert line.changes == [(True, "")]


async def test_messages_are_heard(line: Line) -> None:
    for n in range(3):
        await line.ask("PUBLISH", "test:news", f"m{n}")
    await line.ask("PUBLISH", "test:other", "not ours")
    async with asyncio.timeout(30):
        while len(line.messages) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert line.messages == [b"m0", b"m1", b"m2"]


async def test_killed_and_back(valkey: Valkey, line: Line) -> None:
    valkey.kill()
    try:
        await line.until(up=False)
        assert await line.ask("GET", "k") is None
        assert "refused" in line.link.why or "closed" in line.link.why or "reset" in line.link.why.lower()
    finally:
        valkey.start()
    await line.until(up=True)
    assert await line.ask("PING") is not None
    assert [up for up, _ in line.changes][0 :: len(line.changes) - 1] == [True, True]


async def test_a_server_that_hangs_is_away(valkey: Valkey, line: Line) -> None:
    valkey.pause()
    try:
        assert await line.ask("GET", "k") is None
        await line.until(up=False)
        assert await line.ask("GET", "k") is None
    finally:
        valkey.resume()
    await line.until(up=True)


async def test_a_full_queue_answers_none(line: Line) -> None:
    told: list[object] = []
    for _ in range(MAX_WAITING + 10):
        line.link.send("PING", told=told.append)
    assert told == [None] * 10
    async with asyncio.timeout(30):
        while len(told) < MAX_WAITING + 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_bug_in_a_listener_does_not_end_the_line(valkey: Valkey) -> None:
    loop, crashed = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: crashed.append(context["exception"]))
    heard: list[bytes] = []

    def listen(message: bytes) -> None:
        if message == b"bad":
            raise ZeroDivisionError
        heard.append(message)

    link = ValkeyLink(valkey.url, "test:news", listen, lambda up, why: None)
    link.start()
    async with asyncio.timeout(30):
        for word in ("bad", "good"):
            while not link.up:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            link.send("PUBLISH", "test:news", word)
            while link.up and not heard:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert heard == [b"good"]
    assert len(crashed) == 1
    await link.close()


@pytest.mark.parametrize(
    "url",
    ["", PASSWORD, f"http://:{PASSWORD}@host", f"valkey://:{PASSWORD}@host:port", "valkey://", "unix://",
     f"redis://:{PASSWORD}@host/name"],
)  # fmt: skip
def test_a_bad_url_is_named_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_url(url)
    assert caught.value.code == "config_invalid"
    assert "7f3a" not in f"{caught.value} {caught.value.why} {caught.value.mend}"


@pytest.mark.parametrize("url", ["valkey://h", "valkeys://u:p@h:1/3", "redis://h/0", "rediss://h/", "unix:///s?db=1"])
def test_good_urls(url: str) -> None:
    check_url(url)


def test_looking_says_who_answers_and_never_the_password(valkey: Valkey) -> None:
    assert look(valkey.url).startswith("Valkey 8")
    assert host_of(valkey.url) == f"127.0.0.1:{valkey.port}"
    for url in (valkey.url.replace("canary", "wrong"), valkey.url.replace(str(valkey.port), str(free_port()))):
        with pytest.raises(StorageError) as caught:
            look(url)
        assert "7f3a" not in f"{caught.value!r} {caught.value.why} {caught.value.mend} {caught.value.__cause__}"
