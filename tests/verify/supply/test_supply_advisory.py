"""Advisories: which versions an OSV record concerns, and how grave it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rig.examples import examples
from roadworthy.verify.supply.advisory import Affected, Event, advisory_of, concerns, cvss3


def _record(**values: Any) -> dict[str, Any]:
    return {"id": "TEST-1", "modified": "2026-11-20T00:00:00Z"} | values


def _affected(*ranges: dict[str, Any], versions: tuple[str, ...] = (), ecosystem: str = "PyPI") -> dict[str, Any]:
    return {
        "package": {"name": "Some.Thing", "ecosystem": ecosystem},
        "ranges": list(ranges),
        "versions": list(versions),
    }


def _range(*events: tuple[str, str], type: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"type": type, "events": [{kind: version} for kind, version in events]}


def _hit(version: str, *ranges: dict[str, Any], versions: tuple[str, ...] = ()) -> bool:
    (affected,) = advisory_of(_record(affected=[_affected(*ranges, versions=versions)])).affected
    return concerns(affected, version)


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([("introduced", "0"), ("fixed", "2.0")], ["0", "0.1a1", "2.0rc1", "2.0.dev1"], ["2.0", "2.0.post1", "3"]),
        ([("introduced", "1.5"), ("fixed", "2.0")], ["1.5", "1.5.0", "1.99"], ["1.4", "1.5rc1", "2"]),
        ([("introduced", "1.5"), ("last_affected", "2.0")], ["1.5", "2.0", "2.0.0"], ["1.4", "2.0.1", "2.0.post1"]),
        ([("introduced", "1"), ("fixed", "2"), ("introduced", "3"), ("fixed", "4")], ["1", "3.5"], ["0.9", "2", "4"]),
        # the order in which they were written does not matter
        ([("fixed", "4"), ("introduced", "3"), ("fixed", "2"), ("introduced", "1")], ["1", "3.5"], ["0.9", "2", "4"]),
        ([("introduced", "1")], ["1", "99"], ["0.9"]),
        ([("introduced", "2"), ("fixed", "2")], [], ["1", "2", "3"]),
        ([("introduced", "0"), ("limit", "2")], ["1"], ["2", "3"]),
        ([("introduced", "0"), ("limit", "*")], ["1", "99"], []),
        ([("fixed", "2")], [], ["1", "2", "3"]),
        # builds of a release are that release
        ([("introduced", "0"), ("last_affected", "2.4.1")], ["2.4.1+cpu"], ["2.4.2+cpu"]),
        ([("introduced", "0"), ("fixed", "1!1.0")], ["5.0"], ["1!1.0"]),
    ],
)  # fmt: skip
def test_ranges(events: list[tuple[str, str]], inside: list[str], outside: list[str]) -> None:
    assert [version for version in inside if not _hit(version, _range(*events))] == []
    assert [version for version in outside if _hit(version, _range(*events))] == []


def test_versions_named_one_by_one() -> None:
    assert _hit("1.0", versions=("1.0.0",))
    assert _hit("1.0+local", versions=("1.0",))
    assert not _hit("1.1", versions=("1.0", "not a version"))
    assert _hit("1.1", _range(("introduced", "1.1")), versions=("1.0",))


def test_ranges_of_commits_do_not_count() -> None:
    (affected,) = advisory_of(_record(affected=[_affected(_range(("introduced", "0"), type="GIT"))])).affected
    assert not affected.decidable


def test_other_ecosystems_are_left_out_and_names_are_normal() -> None:
    found = advisory_of(_record(affected=[_affected(ecosystem="npm"), _affected(ecosystem="PyPI:x")]))
    assert [affected.package for affected in found.affected] == ["some-thing"]


@pytest.mark.parametrize("version", ["not a version", "", "1.0-whatever-else"])
def test_a_version_that_is_none(version: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        _hit(version, _range(("introduced", "0")))


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        "text",
        {},
        {"id": "A"},
        {"id": 1, "modified": "2026-01-01T00:00:00Z"},
        _record(affected=[{"package": {"ecosystem": "PyPI"}}]),
        _record(affected=[_affected({"type": "ECOSYSTEM"})]),
        _record(affected=[_affected({"type": "ECOSYSTEM", "events": ["introduced"]})]),
        _record(affected=["text"]),
        _record(affected=7),
    ],
)
def test_what_is_no_record(values: Any) -> None:
    with pytest.raises(ValueError, match="no OSV record"):
        advisory_of(values)


NUMBERS = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
VERSIONS = st.builds(
    lambda number, tail: number + tail, NUMBERS, st.sampled_from(["", "", "a1", "rc2", ".post1", ".dev3"])
)

LATER = VERSIONS.map(lambda text: f"1.{text}")
"""Without 0, which stands before everything where something is introduced."""


@settings(max_examples=examples(150), deadline=None)
@given(introduced=VERSIONS, fixed=VERSIONS, asked=VERSIONS)
def test_one_range_is_what_packaging_says(introduced: str, fixed: str, asked: str) -> None:
    """`packaging` is the oracle. Its `<2.0` leaves pre-releases of 2.0 out and OSV's order does not, so it is asked
    about the versions themselves; where no pre- or post-release is in play, the specifier must agree too."""
    hit = concerns(Affected("a", ((Event("introduced", introduced), Event("fixed", fixed)),), ()), asked)
    if Version(introduced) < Version(fixed):
        since = introduced == "0" or Version(introduced) <= Version(asked)
        assert hit == (since and Version(asked) < Version(fixed))
    if all(text.replace(".", "").isdigit() for text in (introduced, fixed, asked)) and Version(introduced) < Version(
        fixed
    ):
        assert hit == SpecifierSet(f">={introduced},<{fixed}").contains(asked)


@settings(max_examples=examples(150), deadline=None)
@given(points=st.lists(LATER, min_size=2, max_size=6, unique_by=Version), asked=VERSIONS, data=st.data())
def test_several_ranges_in_any_order(points: list[str], asked: str, data: st.DataObject) -> None:
    """Introduced and fixed in turns, shuffled: the union of the intervals."""
    ordered = sorted(points, key=Version)
    events = [Event("introduced" if place % 2 == 0 else "fixed", point) for place, point in enumerate(ordered)]
    shuffled = tuple(data.draw(st.permutations(events)))
    below = sum(Version(point) <= Version(asked) for point in ordered)
    assert concerns(Affected("a", (shuffled,), ()), asked) == (below % 2 == 1)


@settings(max_examples=examples(200), deadline=None)
@given(last=VERSIONS, asked=VERSIONS)
def test_last_affected_is_what_packaging_says(last: str, asked: str) -> None:
    hit = concerns(Affected("a", ((Event("introduced", "0"), Event("last_affected", last)),), ()), asked)
    assert hit == (Version(asked) <= Version(last))


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.8),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", 5.9),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("", None),
    ],
)
def test_scores(vector: str, score: float | None) -> None:
    assert cvss3(vector) == score


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({}, None),
        ({"database_specific": {"severity": "MODERATE"}}, "medium"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}, "critical"),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, None),
        (
            {
                "database_specific": {"severity": "LOW"},
                "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
            },
            "medium",
        ),
        ({"database_specific": "text"}, None),
    ],
)
def test_severities(values: dict[str, Any], severity: str | None) -> None:
    assert advisory_of(_record(**values)).severity == severity
