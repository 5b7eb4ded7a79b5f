"""Metrics: what is counted is what is shown, for every worker, in both formats, and bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from roadworthy import __version__
from roadworthy.runtime.metrics import MAX_SERIES, OPENMETRICS, PLAIN, Histogram, Metrics, content_type, expose
from roadworthy.runtime.metrics_definitions import BY_NAME, DEFINITIONS


def samples(page: bytes, openmetrics: bool = False) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    parse = parse_openmetrics if openmetrics else parse_plain
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(page.decode())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def filled() -> Metrics:
    metrics = Metrics()
    metrics.count("roadworthy_requests_total", ("chat", "chat", "ok", "false"), 3)
    metrics.count("roadworthy_fallbacks_total", ("chat", "timeout"))
    metrics.record("http_request_duration_seconds", ("chat", "200"), [0.004, 0.005, 0.3, 500.0])
    metrics.record("http_request_duration_seconds", ("chat", "200"), [0.006])
    metrics.observe("queue_size", lambda: {(): 7.0})
    metrics.observe("roadworthy_breaker_state", lambda: {("openai", "gpt"): 2.0, ("local", 'a"b\\c\nd'): 0.0})
    metrics.observe("roadworthy_journal_dropped_total", lambda: {(): 5.0})
    return metrics


@pytest.mark.parametrize("openmetrics", [False, True])
def test_what_is_counted_is_shown_for_each_worker(openmetrics: bool) -> None:
    snapshots = {"0": filled().snapshot(), "1": json.loads(json.dumps(filled().snapshot()))}
    kind, page = expose(snapshots, OPENMETRICS if openmetrics else "")
    assert kind == (OPENMETRICS if openmetrics else PLAIN)
    found = samples(page, openmetrics)
    for worker in ("0", "1"):
        request = {"worker": worker, "endpoint": "chat", "route": "chat", "code": "ok", "stream": "false"}
        assert found[key("roadworthy_requests_total", **request)] == 3
        assert found[key("roadworthy_fallbacks_total", worker=worker, route="chat", reason="timeout")] == 1
        assert found[key("queue_size", worker=worker)] == 7
        assert found[key("roadworthy_breaker_state", worker=worker, provider="local", model='a"b\\c\nd')] == 0
        assert found[key("roadworthy_journal_dropped_total", worker=worker)] == 5
        duration = {"worker": worker, "endpoint": "chat", "status": "200"}
        assert found[key("http_request_duration_seconds_bucket", **duration, le="0.005")] == 2
        assert found[key("http_request_duration_seconds_bucket", **duration, le="0.01")] == 3
        assert found[key("http_request_duration_seconds_bucket", **duration, le="120.0")] == 4
        assert found[key("http_request_duration_seconds_bucket", **duration, le="+Inf")] == 5
        assert found[key("http_request_duration_seconds_count", **duration)] == 5
        assert found[key("http_request_duration_seconds_sum", **duration)] == pytest.approx(500.315)
        assert found[key("process_resident_memory_bytes", worker=worker)] > 1e6
        assert found[key("process_open_fds", worker=worker)] >= 3
        python = sys.version.split()[0]
        assert found[key("roadworthy_build_info", worker=worker, version=__version__, python=python)] == 1


def test_counters_without_labels_are_there_from_the_start() -> None:
    found = samples(expose({"0": Metrics().snapshot()})[1])
    assert found[key("stub_served_total", worker="0")] == 0
    assert found[key("roadworthy_journal_dropped_total", worker="0")] == 0


def test_the_cpu_time_of_the_process_is_counted() -> None:
    assert samples(expose({"0": Metrics().snapshot()})[1])[key("process_cpu_seconds_total", worker="0")] > 0


def test_a_snapshot_is_plain_json() -> None:
    snapshot = filled().snapshot()
    assert json.loads(json.dumps(snapshot)) == snapshot


def test_a_snapshot_of_another_version_is_shown_as_far_as_it_is_known() -> None:
    snapshot = {"from_the_future_total": [[[], 1.0]], "queue_size": [[["x"], 2.0], [[], 3.0]]}
    found = samples(expose({"0": snapshot})[1])
    assert found == {key("queue_size", worker="0"): 3.0}


@pytest.mark.parametrize("kind", ["counter", "histogram", "gauge"])
def test_series_are_bounded(kind: str) -> None:
    metrics = Metrics()
    names = [f"model-{n}" for n in range(MAX_SERIES + 200)]
    if kind == "gauge":
        metrics.observe("roadworthy_breaker_state", lambda: {("local", name): 1.0 for name in names})
        series = metrics.snapshot()["roadworthy_breaker_state"]
    elif kind == "counter":
        for name in names:
            metrics.count("roadworthy_fallbacks_total", (name, "timeout"))
        metrics.count("roadworthy_fallbacks_total", ("model-3", "timeout"))
        series = metrics.snapshot()["roadworthy_fallbacks_total"]
        assert sum(value for _, value in series) == MAX_SERIES + 201
        assert [["model-3", "timeout"], 2.0] in series
        assert [["other", "other"], 201.0] in series
    else:
        for name in names:
            metrics.record("roadworthy_attempt_duration_seconds", ("local", name), [1.0])
        series = metrics.snapshot()["roadworthy_attempt_duration_seconds"]
        assert sum(sum(value["counts"]) for _, value in series) == MAX_SERIES + 200
    assert len(series) == MAX_SERIES


@given(st.lists(st.floats(0, 100), max_size=200))
def test_a_histogram_counts_each_value_once_in_the_right_bucket(values: list[float]) -> None:
    bounds = (0.5, 1.0, 10.0)
    histogram = Histogram(bounds)
    histogram.add(values)
    assert histogram.counts == [
        sum(value <= 0.5 for value in values),
        sum(0.5 < value <= 1 for value in values),
        sum(1 < value <= 10 for value in values),
        sum(value > 10 for value in values),
    ]
    assert histogram.total == pytest.approx(sum(values))


def test_definitions_are_well_formed() -> None:
    assert len(BY_NAME) == len(DEFINITIONS)
    for definition in DEFINITIONS:
        assert definition.help.endswith("."), definition.name
        assert list(definition.buckets) == sorted(set(definition.buckets)), definition.name
        assert bool(definition.buckets) == (definition.type == "histogram"), definition.name
        assert definition.name.endswith("_total") == (definition.type == "counter"), definition.name
        assert "worker" not in definition.labels


def test_only_defined_metrics_exist() -> None:
    metrics = Metrics()
    with pytest.raises(KeyError):
        metrics.count("no_such_total")
    with pytest.raises(KeyError):
        metrics.observe("no_such", dict)
    with pytest.raises(ValueError, match="histogram"):
        metrics.observe("http_request_duration_seconds", dict)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", PLAIN),
        ("text/plain", PLAIN),
        ("*/*", PLAIN),
        ("application/openmetrics-text-x", PLAIN),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", OPENMETRICS),
        ("text/html, application/openmetrics-text", OPENMETRICS),
    ],
)
def test_content_type_follows_accept(accept: str, expected: str) -> None:
    assert content_type(accept) == expected


def test_counting_does_not_load_prometheus_client() -> None:
    script = (
        "import sys; from roadworthy.runtime.metrics import Metrics; Metrics().snapshot(); "
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], env={**os.environ}).returncode == 0
