"""The report as one page of HTML: nothing is fetched, no script, light and dark, fit for a phone and for paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.evidence import Item, evidence_bytes
from roadworthy.verify.outcome import Coverage, Measure, Status
from roadworthy.verify.report import reading
from roadworthy.verify.report.record import CheckRecord, Report
from roadworthy.verify.report.style import STYLE

MOST_RAW = 4_000
"""Characters of one piece of raw evidence on the page; the rest is in its file."""
MOST_FINDINGS = 50
"""Findings of one check on the page."""


def page(report: Report, evidence: Path) -> str:
    """The page as a whole document.

    Args:
        report: What it shows.
        evidence: Folder of the store; raw output is read from there.
    """
    name = _text(report.subject[0].name)
    body = [
        _head(report),
        _outside(report),
        _unmeasured(report),
        _failed(report),
        _bars(report),
        _changes(report),
        _waivers(report),
        _chosen(report),
        '<section><h2 id="checks">Every check</h2>',
        *(_check(check, evidence) for check in report.checks),
        "</section>",
        _foot(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{report.verdict.decision}: {name}</title>"
        f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _head(report: Report) -> str:
    verdict, subject = report.verdict, report.subject[0]
    reasons = "".join(f"<li>{_text(reason)}</li>" for reason in verdict.reasons)
    commit = subject.digest.get("gitCommit")
    facts = [
        ("Subject", f"{_text(subject.name)} <code>{subject.digest['sha256'][:16]}</code>"),
        ("Commit", f"<code>{_text(commit[:12])}</code>" if commit else "none"),
        ("Service", _text(report.service) if report.service else "none"),
        ("Finished", _time(report.finished)),
        ("In force until", _time(report.valid_until)),
        ("Policy", f"{_text(report.policy.name)} <code>{report.policy.sha256[:16]}</code>"),
        ("Run", f"{report.number} of its chain"),
    ]
    listed = "".join(f"<div><dt>{title}</dt><dd>{value}</dd></div>" for title, value in facts)
    kind = verdict.decision.lower().replace("-", "")
    return (
        f'<header class="{kind}"><p class="decision">{verdict.decision}</p>'
        f"<div><h1>Is {_text(subject.name)} fit for production?</h1><p>{reading.SENTENCE[verdict.decision]}</p>"
        f"<ul>{reasons}</ul></div></header><dl>{listed}</dl>"
    )


def _outside(report: Report) -> str:
    said = reading.outside(report.apart)
    return f'<p class="faint">{_text(said)}</p>' if said else ""


def _unmeasured(report: Report) -> str:
    found = reading.unmeasured(report)
    if not found:
        return '<section><h2>Not measured</h2><p class="good">Everything that applies was measured.</p></section>'
    blockers = sum(each.blocker for each in found)
    groups = []
    for reason, checks in reading.by_reason(found).items():
        links = " ".join(
            f'<a class="chip{" block" if each.blocker else ""}" href="#{each.id}" title="{_text(each.title)}">'
            f"{each.id}</a>"
            for each in checks
        )
        groups.append(f"<li><span>{_text(reason)}</span> {links}</li>")
    return (
        f'<section class="unknown"><h2>Not measured: {len(found)} of {len(report.checks)} checks, '
        f"{blockers} of them blockers</h2><p>Nothing is known about these. They count 0.</p>"
        f'<ul class="groups">{"".join(groups)}</ul><p class="faint">Framed: blockers.</p></section>'
    )


def _failed(report: Report) -> str:
    failed = reading.of_status(report, Status.FAIL)
    if not failed:
        return ""
    items = "".join(
        f'<li><a href="#{each.id}"><b>{each.id}</b></a> {_text(each.title)}'
        f"{' <em>blocker</em>' if each.blocker else ''}<br><span>{_text(each.reason)}</span> "
        f'<span class="faint">Mend: {_text(each.remediation or each.rule)}</span></li>'
        for each in failed
    )
    return f'<section class="failed"><h2>Failed: {len(failed)}</h2><ul>{items}</ul></section>'


def _bars(report: Report) -> str:
    rows = "".join(
        f'<tr><th scope="row">{bar.name}</th><td><div class="bar" role="img" '
        f'aria-label="earned {reading.share(bar.earned)}, '
        f'lost {reading.share(bar.lost)}, not measured {reading.share(bar.unknown)}">'
        f'<i class="earned" style="width:{100 * bar.earned:.2f}%"></i>'
        f'<i class="lost" style="width:{100 * bar.lost:.2f}%"></i>'
        f'<i class="blank" style="width:{100 * bar.unknown:.2f}%"></i></div></td>'
        f"<td>{reading.number(bar.score)}</td><td>{bar.checks}</td></tr>"
        for bar in reading.bars(report)
    )
    score, bounds = report.score, report.policy.thresholds
    caps = (
        f" Capped: {_text('; '.join(score.caps))}; without caps {reading.number(score.uncapped)}."
        if score.overall != score.uncapped
        else ""
    )
    lowest = _text((score.min_category or "none").replace("_", " "))
    return (
        f"<section><h2>Score by category</h2><table class='bars'><thead><tr><th>category</th><th>"
        '<span class="key"><span><i class="earned"></i>earned</span> <span><i class="lost"></i>lost</span> '
        '<span><i class="blank"></i>not measured</span></span>'
        f"</th><th>score</th><th>checks</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<p><b>{reading.number(score.overall)}</b> of 100, the lowest category is {lowest}; "
        f"{reading.share(score.coverage)} of the weight was measured; ML Test Score {score.ml_test_score:g} of 7."
        f"{caps} GO needs {bounds.category:g} in every category, {100 * bounds.coverage:g} % "
        "measured, and every blocker passed.</p></section>"
    )


def _changes(report: Report) -> str:
    previous = report.previous
    if previous is None:
        return '<section><h2>Since the last run</h2><p class="faint">This is the first run of its chain.</p></section>'
    items = "".join(
        f'<li><a href="#{each.check}">{each.check}</a> {_word(each.before)} → {_word(each.after)}</li>'
        for each in previous.deltas
    )
    listed = f"<ul>{items}</ul>" if items else "<p>No check ended otherwise.</p>"
    return (
        f"<section><h2>Since run {previous.number}</h2><p>It was {_text(previous.decision)} with "
        f"{reading.number(previous.overall)}, report <code>{previous.report_sha256[:16]}</code>.</p>{listed}</section>"
    )


def _word(status: Status | None) -> str:
    return "no such check" if status is None else reading.WORD[status]


def _waivers(report: Report) -> str:
    if not report.waivers:
        return ""
    rows = "".join(
        f"<tr><td>{_text(each.check)}<br><code>{_text(each.fingerprint)}</code></td>"
        f"<td>{_text(each.owner)}, agreed by "
        f"{_text(each.approver)}</td><td>{_text(each.reason)} {_text(each.ticket)}</td>"
        f'<td class="{"bad" if each.problem else ""}">{_text(each.problem) or f"{each.days_left} days left"}</td></tr>'
        for each in report.waivers
    )
    return (
        '<section><h2>Waivers</h2><div class="wide"><table><thead><tr><th>finding</th><th>who</th><th>why</th>'
        f"<th>holds</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _chosen(report: Report) -> str:
    choices = report.policy.choices
    if not choices:
        return ""
    rows = "".join(f"<tr><td><code>{_text(each.where)}</code></td><td>{_text(each.text)}</td></tr>" for each in choices)
    return (
        f"<section><h2>Chosen by the policy: {len(choices)}</h2><p>Other than the defaults. Whoever is judged wrote "
        f'this.</p><div class="wide"><table><tbody>{rows}</tbody></table></div></section>'
    )


def _check(check: CheckRecord, evidence: Path) -> str:
    until = f", holds until {_time(check.valid_until)}" if check.valid_until else ""
    marks = " · ".join(
        part for part in (
            str(check.category).replace("_", " "), f"weight {check.weight}", "blocker" if check.blocker else "",
            "evidence by hand, counts half" if check.manual else "",
        ) if part
    )  # fmt: skip
    parts = [
        f'<details id="{check.id}" class="{check.status}"{" open" if check.status is Status.FAIL else ""}><summary>'
        f'<b>{check.id}</b> <span class="title">{_text(check.title)}</span> '
        f'<span class="status">{reading.WORD[check.status]}</span></summary><div class="in">'
        f'<p>{_text(check.reason)}</p><p class="faint">{marks}. Passes when: {_text(check.rule)}. '
        f"Source: {_text(check.source)}.</p>",
        _coverage(check.coverage),
        _measures(check.measured),
        _findings(check),
        f'<p class="faint">Does not apply: “{_text(check.applicability.predicate)}” is false '
        f"({_text(check.applicability.detail)}).</p>" if check.applicability is not None else "",
        f"<p>How to mend: {_text(check.remediation)}</p>" if check.remediation and check.status is Status.FAIL else "",
        *(_evidence(item, evidence) for item in check.evidence),
        f'<p class="faint">Ended {_time(check.ended)}{until}. '
        f"Run again: <code>roadworthy verify run --only {check.id}</code>. Record <code>{check.record}</code></p>",
        "</div></details>",
    ]  # fmt: skip
    return "".join(parts)


def _coverage(coverage: Coverage | None) -> str:
    if coverage is None:
        return ""
    missing = "".join(
        f"<li>{_text(each.name)}{f' and {each.count - 1} more' if each.count > 1 else ''}: "
        f"{_text(each.reason or 'no reason given')}</li>"
        for each in coverage.missing[:MOST_FINDINGS]
    )
    listed = f"<ul>{missing}</ul>" if missing else ""
    return (
        f"<p>Examined {coverage.examined} of {coverage.existing}. "
        f'<span class="faint">{_text(coverage.how_counted)}</span></p>{listed}'
    )


def _measures(measured: Sequence[Measure]) -> str:
    if not measured:
        return ""
    rows = "".join(
        f"<tr><td>{_text(each.name)}</td><td>{reading.number(each.value)} {_text(each.unit)}</td>"
        f"<td>{'' if each.n is None else f'n = {each.n}'}</td><td>{_interval(each)}</td></tr>"
        for each in measured
    )
    return f'<div class="wide"><table><tbody>{rows}</tbody></table></div>'


def _interval(measure: Measure) -> str:
    if measure.ci_low is None or measure.ci_high is None:
        return ""
    return f"95 %: {measure.ci_low:g} to {measure.ci_high:g}"


def _findings(check: CheckRecord) -> str:
    if not check.findings:
        return ""
    rows: Iterable[str] = (
        f"<tr><td>{each.severity}{' · stated, false' * each.contradicts}</td>"
        f"<td>{_text(reading.place(each))}</td><td>{_text(each.message)}<br>"
        f'<span class="faint">{_text(each.rule)} {each.fingerprint}</span></td></tr>'
        for each in check.findings[:MOST_FINDINGS]
    )
    more = len(check.findings) - MOST_FINDINGS
    rest = f"<p>And {more} more in report.json.</p>" if more > 0 else ""
    return f'<div class="wide"><table class="findings"><tbody>{"".join(rows)}</tbody></table></div>{rest}'


def _evidence(item: Item, folder: Path) -> str:
    ran = f"<code>$ {_text(reading.command(item.argv))}</code> " if item.argv else ""
    code = f"exit {item.exit_code}, " if item.exit_code is not None else ""
    named = item.tool_version.startswith(item.tool)
    version = _text(item.tool_version if named else f"{item.tool} {item.tool_version}".strip())
    return (
        f'<div class="evidence"><p>{ran}{_text(item.label)}: {code}{item.bytes} bytes, {version}, '
        f"{_time(item.started)}<br><code class='hash'>{item.sha256}</code></p>{_raw(item, folder)}</div>"
    )


def _raw(item: Item, folder: Path) -> str:
    try:
        content = evidence_bytes(folder, item.sha256)
    except RoadworthyError as problem:
        return f'<p class="bad">{_text(str(problem))}</p>'
    text = content[: 4 * MOST_RAW].decode("utf-8", "replace")
    if "\x00" in text or not content:
        return ""
    cut = "\n… the rest is in its file" if len(text) > MOST_RAW else ""
    return f"<pre>{_text(text[:MOST_RAW])}{cut}</pre>"


def _text(text: str) -> str:
    """Text that is only text: no markup, and nothing that turns the direction of writing."""
    return escape(_printable(text))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def _time(text: str) -> str:
    return _text(text[:19].replace("T", " ")) + " UTC"


def _foot(report: Report) -> str:
    return (
        "<footer><h2>How to check this page</h2><p>Each hash is the name of a file in the folder "
        "<code>evidence</code>; <code>sha256sum</code> must give the same. The verdict is signed when "
        "<code>readiness.intoto.jsonl</code> lies beside this page: <code>roadworthy verify gate --key KEY.pub "
        "--subject FOLDER</code> checks signature, subject, age and chain, and adds everything up again by other code. "
        "Without it: <code>openssl pkeyutl -verify -pubin -inkey KEY.pub -rawin -in PAE -sigfile SIGNATURE</code>, "
        "as the documentation shows.</p>"
        f'<p class="faint">{_text(report.tool.name)} {_text(report.tool.version)} <code>{report.tool.sha256}</code>, '
        f"catalogue <code>{report.tool.catalogue_sha256}</code>. {_text(report.environment.os)}, "
        f"{report.environment.cpus} cores, Python {_text(report.environment.python)}. Report {report.report_id}. "
        f"Subject sha256 <code>{report.subject[0].digest['sha256']}</code>.</p></footer>"
    )
