"""From the cache's configuration to the edge's settings."""

from __future__ import annotations

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.settings import CacheSettings
from roadworthy.runtime.config.tree import Cache, CacheTtl, SemanticCache
from roadworthy.serve import wiring_cache
from roadworthy.serve.wiring_cache import compile_cache


def test_defaults_are_the_edges_own() -> None:
    assert compile_cache(Cache()) == CacheSettings()


def test_everything_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring_cache, "find_spec", lambda name: object())
    given = Cache(
        enabled=True,
        max_bytes=70_000,
        ttl_s=CacheTtl(start=800, min=700, max=900),
        stale_s=5,
        max_temperature=0.2,
        semantic=SemanticCache(enabled=True, threshold=0.97, max_entries=7),
    )
    told = compile_cache(given)
    assert (told.enabled, told.max_bytes, told.stale_s, told.max_temperature) == (True, 70_000, 5, 0.2)
    assert (told.ttl_start_s, told.ttl_min_s, told.ttl_max_s) == (800, 700, 900)
    assert (told.semantic.enabled, told.semantic.threshold, told.semantic.max_entries) == (True, 0.97, 7)


def test_a_missing_model_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring_cache, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        compile_cache(Cache(enabled=True, semantic=SemanticCache(enabled=True)))
    assert caught.value.code == "extra_missing"
    assert "roadworthy[semantic]" in caught.value.mend
    compile_cache(Cache(enabled=False, semantic=SemanticCache(enabled=True)))
