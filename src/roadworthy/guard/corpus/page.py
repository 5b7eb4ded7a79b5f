"""The report as one page of HTML: nothing is fetched, light and dark, fit for a phone, misses in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from roadworthy.guard.corpus.report import LEAST_RECALL, MOST_DAMAGED, Report, Row
from roadworthy.guard.corpus.sample import Label, Sample

MOST_SHOWN = 500
"""Lines shown per list; what is beyond is counted."""
_WIDEST = 400

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--faint:#57606a;--rule:#d0d7de;--miss:#ffd8d3;--found:#d3f0d8;
--alarm:#ffe9b8;--bad:#b3261e;--good:#14692e}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14171a;--faint:#9aa4ae;--rule:#353c44;--miss:#6b2320;
--found:#1d4a29;--alarm:#5c4710;--bad:#ff9c93;--good:#7fd694}}
body{margin:0 auto;max-width:68rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}.short{color:var(--bad);font-weight:600}.holds{color:var(--good)}
@media (max-width:40rem){th,td{padding:.3rem .35rem;font-size:.85rem}}
.tight li{margin:.1rem 0}.faint{color:var(--faint);font-size:.9rem}li{margin:.5rem 0}ol{padding-left:1.5rem}
code{display:block;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.45 ui-monospace,monospace}
mark{color:inherit;border-radius:3px;padding:0 1px}
.miss{background:var(--miss)}.found{background:var(--found)}.alarm{background:var(--alarm)}
"""


def page(report: Report) -> str:
    """The page as a whole document."""
    score = report.score
    negatives, damaged = score.negatives
    share, low, high = (100 * each for each in report.damaged)
    body = [
        "<h1>Guard: what is found, and what is touched by mistake</h1>",
        _verdict(report),
        f'<p class="faint">Corpus of seed {report.seed}. A value is found when each of its '
        f"letters and digits is masked. Intervals are Wilson's, 95 %. Bounds: lower end at least "
        f"{100 * LEAST_RECALL:g} % per kind, at most "
        f"{100 * MOST_DAMAGED:g} % of negatives touched.</p>",
        _table("Kind", [*report.kinds, report.total], bound=True),
        _table("Language", report.languages, bound=False),
        "<h2>Negatives</h2>",
        f"<p>{damaged} of {negatives} touched: {share:.2f} % ({low:.2f} to {high:.2f}). In lines with values, "
        f"{100 * report.spill:.2f} % of what was masked stood outside of values.</p>",
        _families(report),
        _listed("Missed", ((each.sample, (each.label,), each.findings) for each in score.misses), len(score.misses)),
        _listed("Found in negatives", ((each.sample, (), each.findings) for each in score.damages), damaged),
        _listed(
            "False alarms beside values", ((each.sample, (), each.findings) for each in score.alarms), len(score.alarms)
        ),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Guard report</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _verdict(report: Report) -> str:
    if not report.failures:
        return '<p class="holds">Every bound holds.</p>'
    items = "".join(f"<li>{escape(failure)}</li>" for failure in report.failures)
    return f'<p class="short">Short of {len(report.failures)} bounds:</p><ul class="tight">{items}</ul>'


def _table(title: str, rows: Iterable[Row], bound: bool) -> str:
    cells = "".join(_cells(row, bound) for row in rows)
    head = "".join(
        f"<th>{name}</th>" for name in (title, "n", "found", "recall %", "95 % interval", "precision %", "own kind %")
    )
    return (
        f'<h2>{title}</h2><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>'
    )


def _cells(row: Row, bound: bool) -> str:
    short = bound and row.low < LEAST_RECALL
    values = (
        escape(row.name), f"{row.n:,}", f"{row.found:,}", _percent(row.recall),
        f"{100 * row.low:.2f} to {100 * row.high:.2f}", _percent(row.precision), _percent(row.named),
    )  # fmt: skip
    return f"<tr{' class=short' if short else ''}>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def _families(report: Report) -> str:
    hit = sorted((family for family in report.families if family.damaged), key=lambda family: -family.damaged)
    clean = len(report.families) - len(hit)
    items = "".join(f"<li>{escape(family.name)}: {family.damaged} of {family.n}</li>" for family in hit)
    return f"<ul>{items}<li>{clean} families without a touch</li></ul>"


def _listed(title: str, lines: Iterable[tuple[Sample, Sequence[Label], Sequence[Label]]], total: int) -> str:
    shown = [_item(*line) for _, line in zip(range(MOST_SHOWN), lines, strict=False)]
    more = f'<p class="faint">{total - len(shown)} more are not shown.</p>' if total > len(shown) else ""
    return f"<h2>{title} ({total})</h2><ol>{''.join(shown)}</ol>{more}"


def _item(sample: Sample, missed: Sequence[Label], findings: Sequence[Label]) -> str:
    facts = ", ".join(fact for fact in (sample.form, sample.language, sample.carrier, sample.disguise) if fact)
    kinds = ", ".join(label.kind for label in missed) or ", ".join(sorted({str(each.kind) for each in findings}))
    about = f"{kinds} ({facts}), {sample.name}"
    return f'<li><span class="faint">{escape(about)}</span><code>{_marked(sample.text, missed, findings)}</code></li>'


def _marked(text: str, missed: Sequence[Label], findings: Sequence[Label]) -> str:
    """The text around with its misses and findings marked; long ends are cut."""
    classes = [""] * len(text)
    for labels, name in ((missed, "miss"), (findings, "found" if missed else "alarm")):
        for label in labels:
            classes[label.start : label.end] = [name] * (label.end - label.start)
    marked = [place for place, name in enumerate(classes) if name]
    first, last = max(0, marked[0] - _WIDEST), min(len(text), marked[-1] + _WIDEST)
    pieces, place = [], first
    while place < last:
        end = place
        while end < last and classes[end] == classes[place]:
            end += 1
        shown = escape(text[place:end])
        pieces.append(f'<mark class="{classes[place]}">{shown}</mark>' if classes[place] else shown)
        place = end
    return ("… " if first else "") + "".join(pieces) + (" …" if last < len(text) else "")
