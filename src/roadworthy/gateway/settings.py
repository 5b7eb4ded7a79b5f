"""What an edge process needs to know: plain values, compiled from the configuration, secrets resolved.

Travels to the edge as JSON through an inherited pipe, never by argument or environment, because it holds keys.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from roadworthy.gateway.prompts.template import Template
from roadworthy.gateway.quality.rule import Quality


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds that keep one client from hurting the others. Sizes in bytes, times in seconds."""

    max_header_bytes: int = 16_384
    max_headers: int = 100
    max_body_bytes: int = 10 * 1024 * 1024
    max_reply_bytes: int = 32 * 1024 * 1024
    max_connections: int = 4_096
    max_requests_in_flight: int = 1_024
    header_timeout_s: float = 10.0
    request_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
    write_timeout_s: float = 30.0
    drain_timeout_s: float = 30.0


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """List price of one model in US dollars: per million tokens, and `request` per request.

    `cached_input` is for prompt tokens that the provider had in its cache, `cache_write` for those it put there.
    """

    input: float
    output: float
    cached_input: float
    cache_write: float
    request: float = 0.0


class KeyLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a key may use; None is no limit. Days are days of UTC; 0 for a day allows nothing."""

    usd_per_day: float | None = None
    tokens_per_day: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of keys that have none of their own, and how requests are reserved for.

    `max_output_tokens` is reserved for an answer whose request names no bound.
    """

    default: KeyLimits = KeyLimits()
    unpriced: Literal["refuse", "allow"] = "refuse"
    max_output_tokens: int = 4_096


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One upstream API. `base_url` ends with the API's version part, for example `https://api.openai.com/v1`."""

    name: str
    kind: str
    base_url: str
    api_key: str | None = None
    headers: dict[str, str] = {}
    connect_timeout_s: float = 5.0
    prices: dict[str, Price] = {}

    def __repr__(self) -> str:
        return f"ProviderSettings(name={self.name!r}, kind={self.kind!r}, base_url={self.base_url!r}, api_key=***)"


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One link of a chain. Model `*` means: the name the caller asked for."""

    provider: str
    model: str


class Hedge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a second target is asked beside a slow one: after `after_s` seconds, or the percentile of the target's own
    latencies `after_percentile` (until that is known after `after_s`, if given, else not at all).

    Within `window_s` seconds hedges may add `max_extra_cost` (a share) to what the route spends otherwise.
    """

    after_s: float | None = None
    after_percentile: float | None = None
    max_extra_cost: float = 0.05
    window_s: float = 600.0


class Masking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept from providers: `prompts` marked, or replaced by tokens that answers are freed from again.

    `answers`: whether what models write is masked on its way to the caller. `kinds`: all when empty.
    """

    prompts: Literal["off", "mask", "token"] = "off"
    answers: bool = False
    kinds: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model name that callers may ask for, and the chain that serves it. A name may end in `*`.

    Times in seconds. `deadline_s` spans every try of the request up to the first useful token of a stream;
    `try_timeout_s` bounds one try (None: a fair share of what is left of the deadline). After a stream's
    commit point `stream_idle_timeout_s`, `stream_min_chars_per_s` (0 switches it off; judged over
    `stream_rate_window_s`) and `stream_max_s` hold. `cache` None means exact where the cache is on and the request
    asks for no variety; `cache_ttl_s` None means the lifetime that follows the load. `quality` None: the default rules
    alone. `prompt` is `NAME` or `NAME@VERSION` of what comes before the caller's messages; `role` is the name in its
    mode, None outside modes. `masking` None: nothing is looked for.
    """

    name: str
    chain: tuple[Target, ...]
    deadline_s: float = 30.0
    try_timeout_s: float | None = None
    stream_idle_timeout_s: float = 10.0
    stream_min_chars_per_s: float = 0.5
    stream_rate_window_s: float = 10.0
    stream_max_s: float = 600.0
    cache: Literal["off", "exact", "semantic"] | None = None
    cache_ttl_s: float | None = None
    prompt: str | None = None
    role: str | None = None
    quality: Quality | None = None
    hedge: Hedge | None = None
    masking: Masking | None = None


class SemanticSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a similar question gets the answer of another one. `max_entries` bounds what is compared."""

    enabled: bool = False
    threshold: float = 0.94
    model: str = "use-multilingual-v3"
    max_entries: int = 2_000


class CacheSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers that are kept. Sizes in bytes, times in seconds."""

    enabled: bool = False
    max_bytes: int = 64 * 1024 * 1024
    ttl_start_s: float = 3_600.0
    ttl_min_s: float = 600.0
    ttl_max_s: float = 86_400.0
    stale_s: float = 604_800.0
    max_temperature: float = 1.0
    semantic: SemanticSettings = SemanticSettings()


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mode fills into a request where the caller left it out; None leaves it out too.

    `max_new_tokens` also bounds what the caller asked for.
    """

    max_new_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None


class Downshift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a mode steps aside: rules of spec row G7. None switches a rule off.

    `p95_s` is judged over the calls of the last `latency_window_s` seconds and needs `slow_requests` calls above it;
    `error_rate` over the last `window` calls. `in_flight` only turns the calls above it away.
    """

    p95_s: float | None = None
    slow_requests: int = 3
    latency_window_s: float = 60.0
    error_rate: float | None = 0.30
    window: int = 10
    memory_fraction: float | None = 0.85
    memory_bytes: int | None = 12_000_000_000
    in_flight: int | None = None


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a mode comes back: `climb_after_s` without a cause, `probes` good answers, then `shares` for `dwell_s` each.

    A relapse doubles the wait up to `max_climb_after_s`.
    """

    climb_after_s: float = 30.0
    max_climb_after_s: float = 600.0
    dwell_s: float = 10.0
    probes: int = 3
    shares: tuple[float, ...] = (0.1, 0.25, 0.5)


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds that all roles of a mode together should take."""

    min_s: float
    max_s: float


class Mode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A promise of quality: roles with their chains, parameters, limits. Modes are listed from best to cheapest.

    The first of `roles` is served under the mode's own name, the others as `<mode>/<role>`; each is such a route.
    """

    name: str
    roles: tuple[Route, ...]
    parameters: Parameters = Parameters()
    objective: Objective | None = None
    downshift: Downshift = Downshift()
    recovery: Recovery = Recovery()


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `max_tries` per target; waits of full jitter, uniform in 0 … min(cap, base·2ⁿ) seconds.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    max_tries: int = 3
    base_s: float = 0.2
    cap_s: float = 2.0


class Breaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a provider+model is left alone: rules of spec row G5. `open_s` is the pause before a probe."""

    consecutive_failures: int = 3
    error_rate: float = 0.30
    window: int = 10
    open_s: float = 10.0


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A virtual key as the edge knows it: the SHA-256 of the key as hex, never the key."""

    id: str
    sha256: str
    scopes: tuple[str, ...]
    limits: KeyLimits | None = None


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Valkey or Redis server that replicas share. `url` may hold a password.

    `replica` names this gateway among the others, anew at every start.
    """

    url: str
    replica: str
    prefix: str = "roadworthy"

    def __repr__(self) -> str:
        return f"State(url=***, replica={self.replica!r}, prefix={self.prefix!r})"


class EdgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything one edge process needs. `state_dir` holds the journal, the key store and the workers' sockets.

    `max_file_bytes` bounds uploads; None when files and batches are off. `ships_records` tells whether a process beside
    this one ships the journal to a database. `token_key` is the secret that tokens for providers are made with.
    `applications` names those that the worker runs.
    """

    providers: tuple[ProviderSettings, ...]
    routes: tuple[Route, ...]
    modes: tuple[Mode, ...] = ()
    prompts: tuple[Template, ...] = ()
    profile: str = "development"
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    state_dir: str = ".roadworthy"
    require_key: bool = False
    default_route: str | None = None
    max_file_bytes: int | None = None
    state: State | None = None
    ships_records: bool = False
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    log_requests: bool = True
    limits: Limits = Limits()
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    cache: CacheSettings = CacheSettings()
    budget: Budget = Budget()
    token_key: str | None = None
    applications: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"EdgeSettings(profile={self.profile!r}, host={self.host!r}, port={self.port!r})"
