"""New keys for a running edge: swapped between requests, the old one still taken out of providers' words."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

import doubles
from doubles import Fault
from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.gateway.edge import rekey
from roadworthy.gateway.edge.rekey import NewKeys
from roadworthy.gateway.settings import ProviderSettings

OLD, NEW = "test-key", "rotated-key-0123456789"


def news(edge, generation: int = 1, **changes: object) -> NewKeys:
    settings = msgspec.structs.replace(edge.service.settings.providers[0], api_key=NEW)
    return NewKeys(generation, (msgspec.structs.replace(settings, **changes),))


async def test_a_request_under_way_ends_with_the_old_key_and_the_next_has_the_new_one(start_edge) -> None:
    with doubles.openai(faults=[Fault("delay", seconds=0.3)]) as api:
        edge = await start_edge({"a": api.base_url}, ["a/gpt-4.1-mini"])
        under_way = asyncio.create_task(edge.ask())
        while not api.requests:  # noqa: ASYNC110 - the double lives in another thread
            await asyncio.sleep(0.005)
        told = rekey.apply(edge.service, news(edge))
        assert told == {"generation": 1, "changed": ["a"]}
        assert (await under_way).status_code == 200
        api.api_key = NEW
        assert (await edge.ask()).status_code == 200
        sent = [request.headers["authorization"] for request in api.requests]
    assert sent == [f"Bearer {OLD}", f"Bearer {NEW}"]
    assert api.connections == 1  # the connection stays
    assert [event for event in edge.ledger.events if event[0] == "provider.rekeyed"]


async def test_old_and_new_keys_are_taken_out_of_what_a_provider_says(start_edge) -> None:
    with doubles.openai() as api:
        edge = await start_edge({"a": api.base_url}, ["a/gpt-4.1-mini"])
        rekey.apply(edge.service, news(edge))
    assert edge.service.redact(f"no {NEW} and no {OLD}!") == "no ***MASKED*** and no ***MASKED***!"


async def test_a_refused_key_is_no_reason_to_leave_the_provider_alone_any_more(start_edge) -> None:
    with doubles.openai(api_key=NEW) as api:
        edge = await start_edge({"a": api.base_url}, ["a/gpt-4.1-mini"], route={"deadline_s": 1.0})
        assert (await edge.ask()).status_code == 502
        rekey.apply(edge.service, news(edge))
        assert (await edge.ask()).status_code == 200


async def test_an_older_generation_is_not_taken(start_edge) -> None:
    with doubles.openai(api_key=NEW) as api:
        edge = await start_edge({"a": api.base_url}, ["a/gpt-4.1-mini"])
        rekey.apply(edge.service, news(edge, 5))
        told = rekey.apply(edge.service, news(edge, 4, api_key="older-key-000000"))
        assert told == {"generation": 5, "changed": []}
        assert (await edge.ask()).status_code == 200


async def test_a_withdrawn_key_is_not_sent_and_comes_back_with_the_next_one(start_edge, reasons) -> None:
    with doubles.openai() as api, doubles.openai() as other:
        edge = await start_edge(
            {"a": api.base_url, "b": other.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"], route={"deadline_s": 1.0}
        )
        assert reasons(await edge.ask()) == ["served"]
        rekey.apply(edge.service, NewKeys(1, (), ("a", "nobody")))
        served = await edge.ask()
        assert reasons(served) == ["breaker_open", "served"]
        assert "authorization" not in dict(edge.service.upstreams["a"].endpoint.lines)
        assert len(api.requests) == 1
        rekey.apply(edge.service, NewKeys(1, (), ("a",)))  # said again
        levels = [level for kind, level, _ in edge.ledger.events if kind == "provider.key_withdrawn"]
        assert levels == ["error"]
        api.api_key = NEW
        rekey.apply(edge.service, news(edge, 2))
        assert reasons(await edge.ask()) == ["served"]


async def test_all_or_nothing(start_edge) -> None:
    """One provider that cannot be built: none is swapped."""
    with doubles.openai() as api:
        edge = await start_edge({"a": api.base_url, "b": api.base_url}, ["a/gpt-4.1-mini", "b/gpt-4.1-mini"])
        good = news(edge).providers[0]
        bad = ProviderSettings("b", "openai", api.base_url, "line\nbreak-0123456789")
        with pytest.raises(ConfigError) as caught:
            rekey.apply(edge.service, NewKeys(1, (good, bad)))
        assert "0123456789" not in str(caught.value.as_dict())
        assert (await edge.ask()).status_code == 200
        assert api.requests[-1].headers["authorization"] == f"Bearer {OLD}"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b"\xff", b'{"generation": "x"}', b'{"generation": 1, "k": 2}']
)
def test_bodies_that_are_none(body: bytes) -> None:
    with pytest.raises(UsageError):
        rekey.read(body)


def test_it_is_shown_without_keys() -> None:
    told = NewKeys(1, (ProviderSettings("a", "openai", "http://x/v1", NEW),))
    assert NEW not in repr(told)
    assert rekey.read(msgspec.json.encode(told)) == told
