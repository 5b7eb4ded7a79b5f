"""Metrics of one process: closed definitions, cheap accumulation, bounded series; prometheus_client only to show them.

One process counts, another may ask: `Metrics.snapshot()` is plain JSON, `expose` turns the snapshots of all workers
into one page with the label `worker`, so that a scrape that lands on any worker shows every one of them.
"""

from __future__ import annotations

import platform
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roadworthy import __version__
from roadworthy.runtime.metrics_definitions import BY_NAME, DEFINITIONS, Definition
from roadworthy.runtime.process_metrics import process_values

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

MAX_SERIES = 500
"""Most series of one metric in one process; whatever comes later is counted with every label at `other`."""

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]
Snapshot = dict[str, Any]
"""Metric name → list of [label values, value]; a histogram's value is {"counts": per bucket, "sum": total}."""


class Histogram:
    """Counts per bucket (not cumulated; one more than there are bounds) and the sum.

    Args:
        bounds: Upper bounds, ascending; a value equal to a bound belongs to it.
    """

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, values: Sequence[float]) -> None:
        """Count every value."""
        counts = self.counts
        if len(values) < 2 * len(counts):
            for value in values:
                counts[bisect_left(self._bounds, value)] += 1
        else:  # with many values it is cheaper to look the bounds up in the sorted values
            ordered = sorted(values)
            below = 0
            for place, bound in enumerate(self._bounds):
                up_to = bisect_right(ordered, bound, below)
                counts[place] += up_to - below
                below = up_to
            counts[-1] += len(ordered) - below
        self.total += sum(values)


class Metrics:
    """Counters, histograms and observed values of one process. Safe for threads.

    Args:
        max_series: Bound on the series of each metric.
    """

    def __init__(self, max_series: int = MAX_SERIES) -> None:
        self._max_series = max_series
        self._lock = threading.Lock()
        self._counters: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}
        self._observed: dict[str, Callable[[], Mapping[Labels, float]]] = {}
        for definition in DEFINITIONS:
            if definition.type == "histogram":
                self._histograms[definition.name] = {}
            elif definition.type == "counter":
                self._counters[definition.name] = {} if definition.labels else {(): 0.0}
        self.observe("roadworthy_build_info", lambda: {(__version__, platform.python_version()): 1.0})

    def count(self, name: str, labels: Labels = (), by: float = 1.0) -> None:
        """Add to a counter.

        Args:
            name: A counter of `DEFINITIONS`.
            labels: Values in the order of its definition.
            by: Not negative.
        """
        with self._lock:
            series = self._counters[name]
            labels = self._bounded(series, labels)
            series[labels] = series.get(labels, 0.0) + by

    def record(self, name: str, labels: Labels, values: Sequence[float]) -> None:
        """Count values in a histogram; many at once cost less.

        Args:
            name: A histogram of `DEFINITIONS`.
            labels: Values in the order of its definition.
            values: In the unit of the metric.
        """
        with self._lock:
            series = self._histograms[name]
            labels = self._bounded(series, labels)
            histogram = series.get(labels)
            if histogram is None:
                histogram = series[labels] = Histogram(BY_NAME[name].buckets)
            histogram.add(values)

    def observe(self, name: str, read: Callable[[], Mapping[Labels, float]]) -> None:
        """Read a gauge, or a counter that is kept elsewhere, whenever somebody looks.

        Args:
            name: A gauge or counter of `DEFINITIONS`.
            read: Gives the value of each series by its label values; `{(): value}` for a metric without labels.
        """
        if BY_NAME[name].type == "histogram":
            raise ValueError(f"{name} is a histogram; it cannot be observed")
        self._observed[name] = read

    def snapshot(self) -> Snapshot:
        """Everything as plain values that JSON can hold. A value that cannot be read now is left out, not 0."""
        page: Snapshot = {}
        with self._lock:
            for name, series in self._counters.items():
                page[name] = [[list(labels), value] for labels, value in series.items()]
            for name, histograms in self._histograms.items():
                page[name] = [
                    [list(labels), {"counts": list(one.counts), "sum": one.total}] for labels, one in histograms.items()
                ]
        # After the counters: those without labels begin at 0, and the CPU time is such a counter.
        page.update({name: [[[], value]] for name, value in process_values().items()})
        for name, read in self._observed.items():
            values: dict[Labels, float] = {}
            for labels, value in read().items():
                values[self._bounded(values, labels)] = value
            page[name] = [[list(labels), value] for labels, value in values.items()]
        return page

    def _bounded(self, series: Mapping[Labels, object], labels: Labels) -> Labels:
        # one place is kept for `other` itself
        if labels in series or len(series) < self._max_series - 1:
            return labels
        return ("other",) * len(labels)


def content_type(accept: str) -> str:
    """The content type to answer with: OpenMetrics where the `accept` header names it, else Prometheus text."""
    names = (part.partition(";")[0].strip() for part in accept.split(","))
    return OPENMETRICS if "application/openmetrics-text" in names else PLAIN


def expose(snapshots: Mapping[str, Snapshot], accept: str = "") -> tuple[str, bytes]:
    """One page for all workers.

    Args:
        snapshots: Worker → its `Metrics.snapshot()`; series that this version does not define are left out.
        accept: The request's `accept` header.

    Returns:
        Content type and text.
    """
    # loaded on use: it costs 0.1 s and most workers are never asked
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as openmetrics
    from prometheus_client.registry import Collector

    class Page(Collector):
        def collect(self) -> Iterable[Metric]:
            return _families(snapshots)

    kind = content_type(accept)
    if kind == OPENMETRICS:
        return kind, openmetrics.generate_latest(Page(), version="1.0.0")  # type: ignore[no-untyped-call]
    return kind, exposition.generate_latest(Page())


def _families(snapshots: Mapping[str, Snapshot]) -> Iterator[Metric]:
    from prometheus_client import metrics_core

    families = {
        "counter": metrics_core.CounterMetricFamily,
        "gauge": metrics_core.GaugeMetricFamily,
        "histogram": metrics_core.HistogramMetricFamily,
    }
    for definition in DEFINITIONS:
        family = families[definition.type](definition.name, definition.help, labels=("worker", *definition.labels))
        for worker, snapshot in snapshots.items():
            for labels, value in snapshot.get(definition.name, ()):
                if len(labels) != len(definition.labels):
                    continue
                if isinstance(value, dict):
                    buckets = _cumulated(definition, value["counts"])
                    family.add_metric((worker, *labels), buckets, value["sum"])
                else:
                    family.add_metric((worker, *labels), value)
        yield family


def _cumulated(definition: Definition, counts: list[int]) -> list[tuple[str, float]]:
    bounds = [str(float(bound)) for bound in definition.buckets] + ["+Inf"]
    so_far = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip(bounds, counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    return buckets
