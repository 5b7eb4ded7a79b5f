"""Every metric there is, as data: the reference page is written from it and nothing else can be counted."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Definition(NamedTuple):
    """One metric.

    Attributes:
        name: As Prometheus shows it.
        type: Counter (only grows), gauge (a value now) or histogram.
        help: One sentence, with the unit.
        labels: Names; `worker` is added when the metric is shown.
        buckets: Upper bounds of a histogram, ascending.
    """

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.3, 6.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Bounds at the latencies that routes promise (research: 4.3 s balanced, 6 s creative)."""
OVERHEAD_SECONDS = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.25, 1.0)
# Bounds that the OpenTelemetry semantic conventions for generative AI ask for.
TOKENS = (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)
FIRST_TOKEN_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

_TARGET = ("provider", "model")
_GEN_AI = ("gen_ai_provider_name", "gen_ai_request_model")

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "secret_age_seconds",
        "gauge",
        "Seconds since the version of a secret in use was written, by its store's clock; none where it does not say.",
        ("name",),
    ),
    Definition("secret_source", "gauge", "1 for the source that a secret in use came from.", ("name", "source")),
    Definition(
        "secret_stale",
        "gauge",
        "1 while the store of a secret does not serve and the last good value is used.",
        ("name",),
    ),
    Definition("secret_refresh_failures_total", "counter", "Fetches of a secret that failed.", ("name",)),
    Definition(
        "http_request_duration_seconds",
        "histogram",
        "Seconds from the last byte of a request to the last byte of its answer.",
        ("endpoint", "status"),
        REQUEST_SECONDS,
    ),
    Definition(
        "roadworthy_application_duration_seconds",
        "histogram",
        "Seconds of a request to an application; `none` where none answered, status `gone` where the caller hung up.",
        ("application", "status"),
        (*REQUEST_SECONDS, 300.0, 900.0),
    ),
    Definition(
        "roadworthy_requests_total",
        "counter",
        "Requests that ended, by the code of the answer (`ok` or an error code).",
        ("endpoint", "route", "code", "stream"),
    ),
    Definition(
        "roadworthy_attempts_total",
        "counter",
        "Providers asked or passed over, by how it ended (`served` when the answer was used).",
        (*_TARGET, "reason"),
    ),
    Definition(
        "roadworthy_attempt_duration_seconds",
        "histogram",
        "Seconds that one attempt at a provider took; those passed over are not in it.",
        _TARGET,
        REQUEST_SECONDS,
    ),
    Definition(
        "roadworthy_fallbacks_total",
        "counter",
        "Requests that a later provider of the chain served, by why the first one did not.",
        ("route", "reason"),
    ),
    Definition(
        "roadworthy_hedges_total",
        "counter",
        "Requests that were slow enough for a second try, by what became of it: sent and `won` or `lost`; not sent "
        "because `over_cost_cap`, `over_budget`, `unpriced`, `no_target` or `too_late`.",
        ("route", "result"),
    ),
    Definition(
        "roadworthy_masked_values_total",
        "counter",
        "Personal data and secrets that were replaced, by where (`prompt`, `answer`) and kind.",
        ("where", "kind"),
    ),
    Definition(
        "roadworthy_quality_issues_total",
        "counter",
        "Rules that answers did not pass, by route and rule; an answer that failed three rules counts three times.",
        ("route", "rule"),
    ),
    Definition(
        "llm_schema_fix_count_total",
        "counter",
        "Repairs of JSON: taken out of the code block around it (`unfenced`), or asked for again (`asked_again`).",
        ("how",),
    ),
    Definition(
        "gen_ai_client_token_usage",
        "histogram",
        "Tokens of a request (`input`) or an answer (`output`) as the provider counted them.",
        ("gen_ai_token_type", *_GEN_AI),
        TOKENS,
    ),
    Definition(
        "gen_ai_server_time_to_first_token",
        "histogram",
        "Seconds from the last byte of a streamed request to its first useful token.",
        _GEN_AI,
        FIRST_TOKEN_SECONDS,
    ),
    Definition(
        "roadworthy_cost_usd_total",
        "counter",
        "US dollars that attempts cost at list prices, failed ones and estimates included.",
        _TARGET,
    ),
    Definition(
        "roadworthy_unpriced_attempts_total",
        "counter",
        "Attempts whose cost is unknown, because the model has no price.",
        _TARGET,
    ),
    Definition(
        "roadworthy_overhead_seconds",
        "histogram",
        "Seconds of a request that were spent in the gateway itself.",
        ("endpoint",),
        OVERHEAD_SECONDS,
    ),
    Definition(
        "roadworthy_mode_requests_total",
        "counter",
        "Requests for a mode, by the mode that served (`emergency` for none) and why.",
        ("requested", "served", "reason"),
    ),
    Definition("roadworthy_mode_state", "gauge", "Mode: 0 up, 1 recovering, 2 down.", ("mode",)),
    Definition("stub_served_total", "counter", "Answers with placeholder content that left the gateway; must stay 0."),
    Definition("roadworthy_breaker_state", "gauge", "Circuit breaker: 0 closed, 1 half open, 2 open.", _TARGET),
    Definition("model_health_status", "gauge", "1 when a model takes requests, 0 when it is left alone.", _TARGET),
    Definition(
        "roadworthy_breaker_transitions_total",
        "counter",
        "Changes of a circuit breaker, by the state it changed to.",
        (*_TARGET, "to"),
    ),
    Definition("queue_size", "gauge", "Requests in flight."),
    Definition("roadworthy_connections", "gauge", "Open connections of callers."),
    Definition("roadworthy_tasks", "gauge", "Tasks on the worker's event loop; requests run without one."),
    Definition("roadworthy_journal_lag_entries", "gauge", "Records that wait to be written to the journal."),
    Definition("roadworthy_journal_dropped_total", "counter", "Records that never reached the journal."),
    Definition("roadworthy_records_waiting", "gauge", "Records of this machine that the database does not hold yet."),
    Definition("roadworthy_records_held_back", "gauge", "1 while records cannot reach the database, else 0."),
    Definition("roadworthy_state_up", "gauge", "1 while a worker reaches the state that replicas share, else 0."),
    Definition("roadworthy_replicas", "gauge", "Replicas that live, as a worker counts them."),
    Definition("roadworthy_log_lines_dropped_total", "counter", "Log lines that could not be written."),
    Definition(
        "roadworthy_cache_requests_total",
        "counter",
        "Requests that looked into the cache, by what it did (`miss`, `hit`, `semantic`, `stale`).",
        ("result",),
    ),
    Definition("roadworthy_cache_bytes", "gauge", "Bytes that kept answers take, keys and bookkeeping included."),
    Definition("roadworthy_cache_entries", "gauge", "Answers that are kept."),
    Definition("roadworthy_cache_evictions_total", "counter", "Kept answers that went because there was no room."),
    Definition("roadworthy_cache_ttl_seconds", "gauge", "How long answers stay fresh now; it follows the load."),
    Definition("roadworthy_build_info", "gauge", "Always 1; the labels name the versions.", ("version", "python")),
    Definition("process_resident_memory_bytes", "gauge", "Resident memory in bytes."),
    Definition("process_cpu_seconds_total", "counter", "User and system CPU time in seconds."),
    Definition("process_open_fds", "gauge", "Open file descriptors."),
    Definition("process_max_fds", "gauge", "File descriptors the process may open."),
)

BY_NAME: dict[str, Definition] = {definition.name: definition for definition in DEFINITIONS}
