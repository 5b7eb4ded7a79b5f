"""Folds batches of finished requests into metrics: requests that fared alike are counted together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.finished import Finished, Masked
from roadworthy.runtime.metrics import Metrics

PASSED_OVER = frozenset((Reason.BREAKER_OPEN, Reason.BENCHED, Reason.UNSUPPORTED_PARAMETER))
"""Reasons of attempts at which nobody was asked: they have no duration."""

_UNREMARKABLE = ("", None, False)
"""`repair`, `issues` and `hedge` of an attempt that the gate had nothing to say about."""

_Target = tuple[str, str]


def fold(metrics: Metrics, batch: Sequence[Finished]) -> None:
    """Count every request of the batch."""
    alike: defaultdict[tuple[object, ...], list[Finished]] = defaultdict(list)
    attempts: defaultdict[tuple[str, str, Reason], list[Attempt]] = defaultdict(list)
    served: defaultdict[_Target, list[Finished]] = defaultdict(list)
    for one in batch:
        alike[
            one.endpoint, one.route, one.code, one.stream, one.status,
            one.fallback, one.cache, one.hedge, one.stub_used, one.mode,
        ].append(one)  # fmt: skip
        tries = one.attempts
        for attempt in tries:
            attempts[attempt[:3]].append(attempt)
        if tries:
            if one.served_by:
                served[tries[-1][:2]].append(one)
            if len(tries) > 1 or tries[0][9:] != _UNREMARKABLE:
                _fold_judged(metrics, one)
        if one.masked is not None:
            _fold_masked(metrics, one.masked)
    for group in alike.values():
        _fold_alike(metrics, group)
    for key, group_of_attempts in attempts.items():
        _fold_attempts(metrics, key, group_of_attempts)
    for target, group in served.items():
        _fold_served(metrics, target, group)


def _fold_alike(metrics: Metrics, group: list[Finished]) -> None:
    one, number, count = group[0], len(group), metrics.count
    count("roadworthy_requests_total", (one.endpoint, one.route, one.code, "true" if one.stream else "false"), number)
    durations = [each.latency_ms / 1000 for each in group]
    metrics.record("http_request_duration_seconds", (one.endpoint, str(one.status)), durations)
    metrics.record("roadworthy_overhead_seconds", (one.endpoint,), [each.overhead_ms / 1000 for each in group])
    if one.fallback:
        count("roadworthy_fallbacks_total", (one.route, one.fallback), number)
    if one.mode is not None:
        labels = (one.mode.requested, one.mode.served or "emergency", one.mode.reason or "as_requested")
        count("roadworthy_mode_requests_total", labels, number)
    if one.cache != "off":
        count("roadworthy_cache_requests_total", (one.cache,), number)
    if one.hedge:
        count("roadworthy_hedges_total", (one.route, one.hedge), number)
    if one.stub_used:
        count("stub_served_total", (), number)


def _fold_masked(metrics: Metrics, masked: Masked) -> None:
    for where, found in (("prompt", masked.prompt), ("answer", masked.answer)):
        for kind, number in found.items():
            metrics.count("roadworthy_masked_values_total", (where, kind), number)


def _fold_attempts(metrics: Metrics, key: tuple[str, str, Reason], group: list[Attempt]) -> None:
    provider, model, reason = key
    metrics.count("roadworthy_attempts_total", (provider, model, str(reason)), len(group))
    costs = [attempt.cost_usd for attempt in group if attempt.cost_usd is not None]
    if usd := sum(costs):
        metrics.count("roadworthy_cost_usd_total", (provider, model), usd)
    if reason not in PASSED_OVER:
        metrics.record(
            "roadworthy_attempt_duration_seconds", (provider, model), [attempt.latency_ms / 1000 for attempt in group]
        )
        if unpriced := len(group) - len(costs):
            metrics.count("roadworthy_unpriced_attempts_total", (provider, model), unpriced)


def _fold_served(metrics: Metrics, target: _Target, group: list[Finished]) -> None:
    provider, model = target
    for direction, values in (
        ("input", [each.prompt_tokens for each in group if each.prompt_tokens is not None]),
        ("output", [each.completion_tokens for each in group if each.completion_tokens is not None]),
    ):
        if values:
            metrics.record("gen_ai_client_token_usage", (direction, provider, model), values)
    first_tokens = [each.first_token_ms / 1000 for each in group if each.first_token_ms is not None]
    if first_tokens:
        metrics.record("gen_ai_server_time_to_first_token", target, first_tokens)


def _fold_judged(metrics: Metrics, one: Finished) -> None:
    failed_json = False
    for attempt in one.attempts:
        if attempt.repair and (failed_json or attempt.repair == "unfenced"):
            metrics.count("llm_schema_fix_count_total", (attempt.repair,))
        issues = attempt.issues or ()
        failed_json = "schema" in issues or "invalid_json" in issues
        for rule in issues:
            metrics.count("roadworthy_quality_issues_total", (one.route, rule))
