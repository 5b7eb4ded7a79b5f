"""The score: what counts as found, as right, as damage; Wilson's interval; the records, the table and the page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from math import sqrt

import pytest

from roadworthy.guard.corpus.page import MOST_SHOWN, page
from roadworthy.guard.corpus.report import judged, report
from roadworthy.guard.corpus.sample import Label, Sample
from roadworthy.guard.corpus.score import Detector, detector, score, wilson
from roadworthy.guard.text.masker import TextMasker

TEXT = "전화 010-1234-5678으로 <연락>"
PHONE = Label(3, 16, "PHONE")


def sample(*labels: Label, text: str = TEXT, form: str = "f") -> Sample:
    return Sample("PHONE 1", text, labels, "ko", "chat", form)


def finds(*labels: Label) -> Detector:
    return lambda text: labels


def test_wilson_has_the_published_values() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("right", "total"), [(997, 1000), (996, 1000), (1, 7), (50, 60), (3, 2820)])
def test_wilson_solves_its_equation(right: int, total: int) -> None:
    """The ends are the shares that lie 1.96 of their own standard errors from what was seen."""
    for end in wilson(right, total):
        assert abs(right / total - end) == pytest.approx(1.959964 * sqrt(end * (1 - end) / total), rel=1e-6)


def test_how_many_lines_the_bound_needs() -> None:
    assert wilson(380, 380)[0] < 0.99 < wilson(381, 381)[0]
    assert wilson(996, 1000)[0] < 0.99 < wilson(997, 1000)[0]


@pytest.mark.parametrize(
    ("found", "is_found"),
    [
        ([PHONE], True),
        ([Label(0, 20, "PHONE")], True),
        ([Label(3, 16, "CARD")], True),
        ([Label(3, 6, "PHONE"), Label(7, 11, "PHONE"), Label(12, 16, "PHONE")], True),  # the dashes may stay
        ([Label(3, 15, "PHONE")], False),
        ([Label(4, 16, "PHONE")], False),
        ([], False),
    ],
)
def test_found_when_every_letter_and_digit_is_masked(found: list[Label], is_found: bool) -> None:
    result = score([sample(PHONE)], finds(*found))
    assert result.total.found == is_found
    assert len(result.misses) == (not is_found)


def test_own_kind_and_precision() -> None:
    result = score([sample(PHONE)], finds(Label(3, 16, "CARD"), Label(19, 23, "IP")))
    assert (result.kinds["PHONE"].found, result.kinds["PHONE"].named) == (1, 0)
    assert (result.kinds["CARD"].findings, result.kinds["CARD"].right) == (1, 1)
    assert (result.kinds["IP"].findings, result.kinds["IP"].right) == (1, 0)
    assert [each.findings for each in result.alarms] == [(Label(19, 23, "IP"),)]


def test_spill_counts_letters_outside_of_values() -> None:
    result = score([sample(PHONE)], finds(Label(0, 16, "PHONE")))
    assert (result.spilled, result.masked) == (2, 13)


def test_negatives() -> None:
    result = score([sample(), sample(form="g")], lambda text: [Label(0, 2, "IP")])
    assert result.negatives == (2, 2)
    assert dict(result.families) == {"f": [1, 1], "g": [1, 1]}


def test_findings_in_code_points() -> None:
    found = detector(TextMasker())(TEXT)
    assert [TEXT[each.start : each.end] for each in found] == ["010-1234-5678"]


def test_records_and_table() -> None:
    made = judged(finds(PHONE), [sample(PHONE)] * 400 + [sample()], 9)
    records = json.loads(made.json())
    assert records["total"]["recall"] == 1.0
    assert records["kinds"][0]["low"] > 0.99
    assert records["negatives"]["damaged"] == 1
    assert made.failures == ("negatives: 1.0000 damaged is over 0.005",)
    assert re.search(r"^PHONE +400 +400 +100\.00 +99\.05 to 100\.00", made.table(), re.MULTILINE)
    assert TEXT not in made.json()


def test_short_kinds_are_named() -> None:
    made = judged(finds(), [sample(PHONE)] * 10, 9)
    assert made.failures == ("PHONE: recall 0/10, lower bound 0.0000 is under 0.99",)
    assert made.table().endswith("SHORT " + made.failures[0])


def test_nothing_is_unknown_and_not_perfect() -> None:
    made = judged(finds(), [], 9)
    assert made.total.recall is None
    assert made.total.precision is None


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.urls: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.urls += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_is_whole_and_fetches_nothing() -> None:
    made = page(report(seed=3, per_kind=4, per_family=1))
    tags = _Tags()
    tags.feed(made)
    assert tags.open == []
    assert tags.urls == []
    assert "url(" not in made
    assert "@import" not in made
    assert "prefers-color-scheme:dark" in made
    assert "width=device-width" in made


def test_page_shows_misses_in_place_and_escapes_them() -> None:
    made = page(judged(finds(Label(19, 23, "IP")), [sample(PHONE)], 9))
    assert '전화 <mark class="miss">010-1234-5678</mark>으로' in made
    assert '<mark class="alarm">&lt;연락&gt;</mark>' in made


def test_page_counts_what_it_does_not_show() -> None:
    made = page(judged(finds(), [sample(PHONE)] * (MOST_SHOWN + 7), 9))
    assert "7 more are not shown." in made
    assert made.count('class="miss"') == MOST_SHOWN
