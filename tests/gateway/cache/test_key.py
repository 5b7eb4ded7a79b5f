"""Keys: equal exactly when nothing differs that could change the answer, above all the tenant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from rig.examples import examples
from roadworthy.core.clock import ManualClock
from roadworthy.gateway.cache.key import question
from roadworthy.gateway.cache.memory import MemoryCache
from roadworthy.gateway.chat import ChatRequest

BASE: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5}


def request(**more: Any) -> ChatRequest:
    return ChatRequest.parse(json.dumps(BASE | more).encode())


def key(raw: str) -> bytes:
    return question("ann", "chat", ChatRequest.parse(raw.encode())).key


def test_form_does_not_matter() -> None:
    one = question("ann", "chat", request()).key
    assert one == question("ann", "chat", request(stream=True, stream_options={"include_usage": True})).key
    assert one == key('{"temperature":0.5,"messages":[ {"content":"H\\u0065llo","role":"user"} ],"model":"chat"}')


@pytest.mark.parametrize(
    ("tenant", "route", "more"),
    [
        ("bob", "chat", {}), ("ann", "fast", {}), ("ann", "chat", {"model": "other"}), ("ann", "chat", {"top_p": 1}),
        ("ann", "chat", {"temperature": 0.6}), ("ann", "chat", {"some_new_parameter": 1}),
        ("ann", "chat", {"messages": [{"role": "assistant", "content": "Hello"}]}),
        ("ann", "chat", {"messages": [*BASE["messages"], *BASE["messages"]]}),
    ],
)  # fmt: skip
def test_content_matters(tenant: str, route: str, more: dict[str, Any]) -> None:
    assert question(tenant, route, request(**more)).key != question("ann", "chat", request()).key


def test_tenant_and_route_do_not_run_into_each_other() -> None:
    assert question("ab", "c", request()).key != question("a", "bc", request()).key
    assert question('a","b', "c", request()).key != question("a", 'b","c', request()).key


@pytest.mark.parametrize(
    "twice",
    [
        '{"model":"chat","messages":[{"role":"user","content":"evil","content":"Hello"}],"temperature":0.5}',
        '{"model":"chat","messages":[{"role":"user","content":"e","content":"Hello"}],"temperature":0.5}',
        '{"model":"chat","messages":[{"role":"user","content":"\\u0022\\u0022","content":"Hello"}],"temperature":0.5}',
    ],
)
def test_a_key_given_twice_is_not_the_same_question(twice: str) -> None:
    """A provider may read the first one, and its answer must not become the answer to the second."""
    assert key(twice) != question("ann", "chat", request()).key


@pytest.mark.parametrize("number", ["1e400", "9" * 5_000], ids=["large", "long"])
def test_numbers_that_no_machine_holds_are_told_apart_by_their_bytes(number: str) -> None:
    raw = '{"model":"chat","messages":[{"role":"user","content":"Hello"}],"metadata":{"a":%s}}'
    assert key(raw % number) == key(raw % number) != key(raw % f"{number}1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_equal_exactly_when_equal(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    keys = [question("ann", "chat", request(metadata=value)).key for value in (one, other)]
    assert (keys[0] == keys[1]) == same


@given(st.permutations(sorted(BASE)), st.booleans())
def test_order_and_escapes_do_not_matter(order: list[str], ascii_only: bool) -> None:
    body = {name: BASE[name] for name in order}
    body["messages"] = [{"content": '안녕 "Hello" \\ \n', "role": "user"}]
    plain = {**BASE, "messages": [{"role": "user", "content": '안녕 "Hello" \\ \n'}]}
    assert key(json.dumps(body, ensure_ascii=ascii_only)) == key(json.dumps(plain))


def test_only_the_last_words_of_the_user_leave_the_partition() -> None:
    def partition(tenant: str = "ann", **more: Any) -> bytes | None:
        return question(tenant, "chat", request(**more), similar=True).partition

    other = [{"role": "user", "content": "Something else"}]
    assert partition() == partition(messages=other)
    assert question("ann", "chat", request(messages=other), similar=True).text == "Something else"
    assert partition() != partition("bob")
    assert partition() != partition(messages=[{"role": "system", "content": "x"}, *other])
    assert partition() != partition(temperature=0.6)
    assert partition(messages=[{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]) is None
    assert partition(messages=[{"role": "assistant", "content": "Hello"}]) is None


class Tenants(RuleBasedStateMachine):
    """Everybody asks and fills as they like; every answer carries its tenant's name, and nobody ever sees another's."""

    tenants = st.sampled_from(["ann", "bob", 'ann","bob', "an", "anonymous", ""])
    routes = st.sampled_from(["chat", "fast", "nchat", "n"])
    texts = st.sampled_from(["Hello", "hello", "n", '"', "안녕"])

    def __init__(self) -> None:
        super().__init__()
        self.cache = MemoryCache(200_000, ManualClock())
        self.crossings = 0

    @rule(tenant=tenants, route=routes, text=texts, seed=st.integers(0, 2))
    def ask(self, tenant: str, route: str, text: str, seed: int) -> None:
        asked = question(tenant, route, request(messages=[{"role": "user", "content": text}], seed=seed))
        canary = json.dumps([tenant, route, text, seed]).encode()
        told: list[Any] = []
        self.cache.fetch(asked.key, told.append)
        if told[0] is None:
            self.cache.put(asked.key, canary, 60)
        else:
            assert told[0].value == canary


TestTenants = Tenants.TestCase
TestTenants.settings = settings(max_examples=examples(60), stateful_step_count=60, deadline=None)
