"""Rules between the keys of the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.runtime.config.report import KeyPath

PATH: KeyPath = ("gateway", "cache")


def cache_faults(gateway: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Path and text of what contradicts itself in `gateway.cache` and in the routes' use of it.

    Args:
        gateway: The raw values under `gateway`.
    """
    cache = _mapping(gateway.get("cache"))
    ttl = _mapping(cache.get("ttl_s"))
    least, start, most = ttl.get("min", 600.0), ttl.get("start", 3600.0), ttl.get("max", 86_400.0)
    if all(isinstance(value, int | float) for value in (least, start, most)) and not least <= start <= most:
        yield (*PATH, "ttl_s"), "expected min <= start <= max"
    semantic = _mapping(cache.get("semantic")).get("enabled") is True and cache.get("enabled") is True
    for name, route in _mapping(gateway.get("routes")).items():
        if _mapping(route).get("cache") == "semantic" and cache.get("enabled") is True and not semantic:
            yield ("gateway", "routes", str(name), "cache"), "semantic needs gateway.cache.semantic.enabled: true"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
