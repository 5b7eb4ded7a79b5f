"""JSON allows numbers that no machine number holds: they are passed on or refused, and never a bug of ours."""

from __future__ import annotations

import pytest

import doubles
from roadworthy.gateway.settings import CacheSettings

BODY = '{"model":"chat","messages":[{"role":"user","content":"Hi"}],MORE}'


@pytest.mark.parametrize("number", ["1e400", "-1e999"])
async def test_the_cache_tells_such_requests_apart_by_their_bytes(start_edge, number: str) -> None:
    with doubles.openai() as double:
        edge = await start_edge({"openai": double.base_url}, ["openai/m"], cache=CacheSettings(enabled=True))

        async def ask(text: str) -> str:
            body = BODY.replace("MORE", f'"metadata":{{"a":{text}}}')
            response = await edge.http.post("/v1/chat/completions", content=body)
            assert response.status_code == 200, response.text
            return response.headers["x-roadworthy-cache"]

        assert [await ask(number), await ask(number), await ask(f"{number}1")] == ["miss", "hit", "miss"]
        assert edge.service.in_flight == 0


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "field",
    [
        '"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":1e400}}}]',
        '"stream":true,"stream_options":{"include_usage":true,"a":1e400}',
    ],
    ids=["tools", "options"],
)
async def test_a_provider_or_a_refusal_answers(start_edge, kind: str, field: str) -> None:
    with getattr(doubles, kind)() as double:
        edge = await start_edge({kind: double.base_url}, [f"{kind}/m"], kinds={kind: kind})
        body = BODY.replace("MORE", field)
        response = await edge.http.post("/v1/chat/completions", content=body)
        assert response.status_code in (200, 400), response.text
        assert not [event for event in edge.ledger.events if event[0] == "unexpected_error"]


async def test_a_request_that_breaks_before_it_sets_out_leaves_no_place_taken(start_edge, monkeypatch) -> None:
    with doubles.openai() as double:
        edge = await start_edge({"openai": double.base_url}, ["openai/m"], cache=CacheSettings(enabled=True))

        def broken(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(edge.service.cache, "visit", broken)
        assert (await edge.ask()).status_code == 500
        assert edge.service.in_flight == 0
