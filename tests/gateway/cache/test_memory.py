"""The store in memory: bounded by real bytes, least recently used first, nothing older than asked for."""

from __future__ import annotations

import tracemalloc
from collections import OrderedDict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rig.examples import examples
from roadworthy.core.clock import ManualClock
from roadworthy.gateway.cache.memory import LARGEST_SHARE, MemoryCache


def get(cache: MemoryCache, key: bytes):
    told = []
    cache.fetch(key, told.append)
    assert len(told) == 1
    return told[0]


def test_value_and_age_come_back() -> None:
    clock = ManualClock()
    cache = MemoryCache(100_000, clock)
    cache.put(b"k", b"value", 60)
    clock.advance(12.5)
    assert get(cache, b"k") == (b"value", 12.5)
    assert get(cache, b"other") is None


def test_nothing_is_kept_longer_than_asked_for() -> None:
    clock = ManualClock()
    cache = MemoryCache(100_000, clock)
    cache.put(b"k", b"value", 60)
    clock.advance(60)
    assert get(cache, b"k") is None
    assert (len(cache), cache.bytes) == (0, 0)


def test_what_was_used_last_stays() -> None:
    cache = MemoryCache(80_000, ManualClock())
    for number in range(8):
        cache.put(b"%d" % number, bytes(9_000), 60)
    get(cache, b"0")
    cache.put(b"new", bytes(9_000), 60)
    assert get(cache, b"0") is not None
    assert get(cache, b"1") is None
    assert cache.evictions == 1


def test_too_large_a_value_pushes_nothing_out() -> None:
    cache = MemoryCache(80_000, ManualClock())
    cache.put(b"k", b"value", 60)
    cache.put(b"large", bytes(80_000 // LARGEST_SHARE), 60)
    assert cache.refused == 1
    assert get(cache, b"k") is not None
    assert get(cache, b"large") is None


def test_what_is_counted_is_what_it_weighs() -> None:
    """Within 15 %, small entries, where bookkeeping is most of it."""
    cache = MemoryCache(2**30, ManualClock())
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(20_000):
        cache.put(b"%032d" % number, b"%0200d" % number, 60.0 + number)
    weighed = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.85 < cache.bytes / weighed < 1.15, (cache.bytes, weighed)


class Model(RuleBasedStateMachine):
    """Against a plain ordered dict."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.cache = MemoryCache(20_000, self.clock)
        self.model: OrderedDict[bytes, tuple[bytes, float, float]] = OrderedDict()

    @rule(key=st.sampled_from([b"a", b"b", b"c", b"d"]), size=st.integers(0, 3_000), keep=st.floats(0.5, 100))
    def put(self, key: bytes, size: int, keep: float) -> None:
        self.cache.put(key, bytes(size), keep)
        self.model.pop(key, None)
        if get(self.cache, key) is not None:
            self.model[key] = (bytes(size), self.clock.now, keep)

    @rule(seconds=st.floats(0, 50))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(key=st.sampled_from([b"a", b"b", b"c", b"d"]))
    def fetch(self, key: bytes) -> None:
        kept, known = get(self.cache, key), self.model.get(key)
        if kept is not None:
            assert known is not None
            assert kept.value == known[0]
            assert kept.age_s == self.clock.now - known[1] < known[2]

    @rule()
    def clear(self) -> None:
        assert self.cache.clear() <= len(self.model)
        self.model.clear()

    @invariant()
    def bounded(self) -> None:
        assert 0 <= self.cache.bytes <= self.cache.max_bytes
        assert (self.cache.bytes == 0) == (len(self.cache) == 0)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
