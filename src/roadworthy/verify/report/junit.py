"""The report as JUnit XML. Not measured is an error here: several viewers show what is skipped as passed."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml  # only written here, never read

from roadworthy.verify.instant import seconds
from roadworthy.verify.outcome import Status
from roadworthy.verify.report import reading
from roadworthy.verify.report.record import CheckRecord, Report

_TAG = {
    Status.FAIL: "failure",
    Status.ERROR: "error",
    Status.NOT_MEASURED: "error",
    Status.NOT_APPLICABLE: "skipped",
    Status.WAIVED: "skipped",
}
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def text(report: Report) -> str:
    """One suite, one case per check."""
    tags = [_TAG.get(each.status, "") for each in report.checks]
    suite = Xml.Element(
        "testsuite",
        name=f"readiness of {_clean(report.subject[0].name)}",
        tests=str(len(tags)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        skipped=str(tags.count("skipped")),
        timestamp=report.started,
        time=f"{seconds(report.finished) - seconds(report.started):.3f}",
    )
    suite.extend(_case(each) for each in report.checks)
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(check: CheckRecord) -> Xml.Element:
    took = seconds(check.ended) - seconds(check.started)
    case = Xml.Element(
        "testcase", classname=f"readiness.{check.category}", name=f"{check.id} {check.title}", time=f"{took:.3f}"
    )
    tag = _TAG.get(check.status)
    if tag is not None:
        element = Xml.SubElement(case, tag, message=_clean(check.reason))
        if tag != "skipped":
            element.set("type", str(check.status))
        found = [f"{each.severity} {reading.place(each)} {each.message}" for each in reading.grave(check)[:100]]
        element.text = _clean("\n".join(found))
    return case


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)
