"""Folds batches of finished requests into metrics: values are grouped first, so that each series is touched once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from roadworthy.core.attempts import Reason
from roadworthy.gateway.finished import Finished, ModeServed
from roadworthy.runtime.metrics import Labels, Metrics

PASSED_OVER = frozenset((Reason.BREAKER_OPEN, Reason.BENCHED, Reason.UNSUPPORTED_PARAMETER))
"""Reasons of attempts at which nobody was asked: they have no duration."""

_UNREMARKABLE = ("", None, False)
"""`repair`, `issues` and `hedge` of an attempt that the gate had nothing to say about."""

Values = defaultdict[Labels, list[float]]


class _Batch:
    """Values of one batch by series."""

    __slots__ = (
        "attempts", "caches", "costs", "durations", "fallbacks", "first_tokens", "fixes", "hedges", "issues",
        "masked", "modes", "overheads", "requests", "stubs", "tokens", "unpriced",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, str, str, bool], int] = defaultdict(int)
        self.durations: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        self.overheads: defaultdict[str, list[float]] = defaultdict(list)
        self.attempts: Values = defaultdict(list)
        self.fallbacks: defaultdict[Labels, int] = defaultdict(int)
        self.first_tokens: Values = defaultdict(list)
        self.tokens: Values = defaultdict(list)
        self.modes: defaultdict[ModeServed, int] = defaultdict(int)
        self.caches: defaultdict[str, int] = defaultdict(int)
        self.issues: defaultdict[Labels, int] = defaultdict(int)
        self.fixes: defaultdict[Labels, int] = defaultdict(int)
        self.costs: defaultdict[Labels, float] = defaultdict(float)
        self.unpriced: defaultdict[Labels, int] = defaultdict(int)
        self.hedges: defaultdict[Labels, int] = defaultdict(int)
        self.masked: defaultdict[Labels, int] = defaultdict(int)
        self.stubs = 0

    def add(self, finished: Finished) -> None:
        """Group the values of one request."""
        endpoint = finished.endpoint
        self.requests[endpoint, finished.route, finished.code, finished.stream] += 1
        self.durations[endpoint, finished.status].append(finished.latency_ms / 1000)
        self.overheads[endpoint].append(finished.overhead_ms / 1000)
        attempts = self.attempts
        for provider, model, reason, latency_ms, _, _, cost_usd, *_ in finished.attempts:
            attempts[provider, model, reason].append(latency_ms / 1000)
            if cost_usd:
                self.costs[provider, model] += cost_usd
            elif cost_usd is None and reason not in PASSED_OVER:
                self.unpriced[provider, model] += 1
        if len(finished.attempts) > 1 or (finished.attempts and finished.attempts[0][9:] != _UNREMARKABLE):
            self._judged(finished)
        if finished.fallback:
            self.fallbacks[finished.route, finished.fallback] += 1
        if finished.served_by and finished.attempts:
            self._served(finished)
        if finished.mode is not None:
            self.modes[finished.mode] += 1
        if finished.cache != "off":
            self.caches[finished.cache] += 1
        if finished.hedge or finished.stub_used or finished.masked is not None:
            self._rare(finished)

    def _rare(self, finished: Finished) -> None:
        if finished.hedge:
            self.hedges[finished.route, finished.hedge] += 1
        if finished.stub_used:
            self.stubs += 1
        if (masked := finished.masked) is not None:
            for where, found in (("prompt", masked.prompt), ("answer", masked.answer)):
                for kind, number in found.items():
                    self.masked[where, kind] += number

    def _judged(self, finished: Finished) -> None:
        failed_json = False
        for attempt in finished.attempts:
            if attempt.repair and (failed_json or attempt.repair == "unfenced"):
                self.fixes[attempt.repair,] += 1
            issues = attempt.issues or ()
            failed_json = "schema" in issues or "invalid_json" in issues
            for rule in issues:
                self.issues[finished.route, rule] += 1

    def _served(self, finished: Finished) -> None:
        provider, model = finished.attempts[-1][:2]
        if finished.prompt_tokens is not None:
            self.tokens["input", provider, model].append(finished.prompt_tokens)
        if finished.completion_tokens is not None:
            self.tokens["output", provider, model].append(finished.completion_tokens)
        if finished.first_token_ms is not None:
            self.first_tokens[provider, model].append(finished.first_token_ms / 1000)


def fold(metrics: Metrics, batch: Sequence[Finished]) -> None:
    """Count every request of the batch."""
    groups = _Batch()
    for finished in batch:
        groups.add(finished)
    count, record = metrics.count, metrics.record
    for (endpoint, route, code, stream), number in groups.requests.items():
        count("roadworthy_requests_total", (endpoint, route, code, "true" if stream else "false"), number)
    for (endpoint, status), values in groups.durations.items():
        record("http_request_duration_seconds", (endpoint, str(status)), values)
    for endpoint, values in groups.overheads.items():
        record("roadworthy_overhead_seconds", (endpoint,), values)
    _fold_attempts(metrics, groups.attempts)
    for labels, number in groups.fallbacks.items():
        count("roadworthy_fallbacks_total", labels, number)
    for labels, values in groups.first_tokens.items():
        record("gen_ai_server_time_to_first_token", labels, values)
    for labels, values in groups.tokens.items():
        record("gen_ai_client_token_usage", labels, values)
    if groups.stubs:
        count("stub_served_total", (), groups.stubs)
    _fold_features(metrics, groups)
    _fold_costs(metrics, groups)


def _fold_features(metrics: Metrics, groups: _Batch) -> None:
    count = metrics.count
    for mode, number in groups.modes.items():
        labels = (mode.requested, mode.served or "emergency", mode.reason or "as_requested")
        count("roadworthy_mode_requests_total", labels, number)
    for result, number in groups.caches.items():
        count("roadworthy_cache_requests_total", (result,), number)
    for issue, number in groups.issues.items():
        count("roadworthy_quality_issues_total", issue, number)
    for hedge, number in groups.hedges.items():
        count("roadworthy_hedges_total", hedge, number)
    for masked, number in groups.masked.items():
        count("roadworthy_masked_values_total", masked, number)
    for fix, number in groups.fixes.items():
        count("llm_schema_fix_count_total", fix, number)


def _fold_costs(metrics: Metrics, groups: _Batch) -> None:
    for labels, usd in groups.costs.items():
        metrics.count("roadworthy_cost_usd_total", labels, usd)
    for labels, number in groups.unpriced.items():
        metrics.count("roadworthy_unpriced_attempts_total", labels, number)


def _fold_attempts(metrics: Metrics, attempts: Values) -> None:
    for (provider, model, reason), values in attempts.items():
        metrics.count("roadworthy_attempts_total", (provider, model, str(reason)), len(values))
        if reason not in PASSED_OVER:
            metrics.record("roadworthy_attempt_duration_seconds", (provider, model), values)
