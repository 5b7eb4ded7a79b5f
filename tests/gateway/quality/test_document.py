"""A whole document judged, and where its faults stand."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import UsageError
from roadworthy.gateway.quality import judge, marks
from roadworthy.gateway.quality.aligned import aligned
from roadworthy.gateway.quality.request import request_gate
from roadworthy.gateway.quality.term import MOST_MISSES, Term, plain

AWKWARD = "ㄱ각ᆨﾠᅠﾞｶﬁẞßİ\u0301\u0323\u0327\u0345 *`\u200b\u00a8\u0338\u00adㅎ\u093c\u09c7\u09be\u0f71Σς①㌔\r\n\t\u3000"
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(AWKWARD)), max_size=15)
TERMS = ["cheap", "rose*", "베르가못", "C++", "キロ", "f*", "no. 5", "가", "ss", "-a", "é"]


@pytest.mark.parametrize(
    ("text", "rules", "issues"),
    [
        ("# A\nA good rose.", {"sections": ["A"], "required_terms": ["rose"]}, {}),
        ("Lorem ipsum dolor sit amet", {}, {"stub": True}),
        ("", {"required_terms": ["rose"]}, {"empty": True}),
        ("cheap", {"forbidden_terms": ("cheap",), "words": {"min": 2}},
         {"forbidden_terms": ["cheap"], "word_count": [{"section": None, "found": 1, "min": 2, "max": None}]}),
    ],
)  # fmt: skip
def test_a_document_is_judged_as_an_answer(text: str, rules: dict[str, Any], issues: dict[str, object]) -> None:
    assert judge(text, rules) == issues


@pytest.mark.parametrize("rules", [{"forbidden_term": ["x"]}, {"forbidden_terms": {1, 2}}, {"words": object()}, 3])
def test_rules_that_cannot_be_used_are_an_error(rules: Any) -> None:
    for work in (judge, marks):
        with pytest.raises(UsageError):
            work("text", rules)


DECOMPOSED = normalize("NFD", "베르가못")
BRAND = {"terms": ["Luma"], "max": 1}
PLACES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"forbidden_terms": ["cheap"]}, "Very **Ch**eap, cheaper, CHEAP", ["Ch**eap", "CHEAP"]),
    ({"forbidden_terms": ["no. 5"]}, "a no.\n\n 5 b", ["no.\n\n 5"]),
    ({"forbidden_terms": ["베르가못"]}, f"향: 베르가못을, {DECOMPOSED}", ["베르가못", DECOMPOSED]),
    ({"forbidden_terms": ["strasse"]}, "eine Straße", ["Straße"]),
    ({"forbidden_terms": ["rose"]}, "ｒｏ\u200bｓｅ prose", ["ｒｏ\u200bｓｅ"]),
    ({"forbidden_terms": ["cedar*"]}, "cedarwood", ["cedar"]),
    ({"forbidden_terms": ["cheap", "cheap rose"]}, "a cheap rose", ["cheap rose"]),
    ({"brand_mentions": BRAND}, "Luma and Luma", ["Luma", "Luma"]),
    ({"brand_mentions": BRAND}, "one Luma", []),
    ({"brand_mentions": {"terms": ["Luma"], "min": 3}}, "one Luma", []),
    ({"required_terms": ["x"]}, "nothing", []),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "text", "shown"), PLACES)
def test_marks_stand_on_the_faults(rules: dict[str, Any], text: str, shown: list[str]) -> None:
    found = marks(text, rules)
    assert [text[start:end] for start, end, _ in found] == shown
    assert {mark.issue for mark in found} <= rules.keys()


@given(TEXTS)
def test_the_aligned_form_is_the_plain_form(text: str) -> None:
    way = aligned(text)
    assert way.plain == plain(text)
    assert len(way.starts) == len(way.ends) == len(way.plain)
    assert all(0 <= start < end <= len(text) for start, end in zip(way.starts, way.ends, strict=True))


@given(TEXTS, st.sampled_from(TERMS), TEXTS, st.lists(st.sampled_from(TERMS), min_size=1, max_size=4))
def test_every_mark_lies_in_the_text_and_is_an_occurrence(before: str, term: str, after: str, terms: list[str]) -> None:
    text = f"{before} {term.rstrip('*')} {after}"
    found = marks(text, {"forbidden_terms": [*terms, term]})
    assert found
    behind = 0
    for start, end, issue in found:
        assert behind <= start < end <= len(text)
        behind = end
        assert issue == "forbidden_terms"
        assert any(Term(each).within(plain(text[start:end])) for each in (*terms, term))


@given(TEXTS, st.lists(st.sampled_from(TERMS), max_size=4))
def test_there_are_marks_exactly_where_terms_are_found(text: str, terms: list[str]) -> None:
    rules = {"forbidden_terms": terms}
    assert bool(marks(text, rules)) == ("forbidden_terms" in request_gate_issues(text, terms))


def request_gate_issues(text: str, terms: list[str]) -> dict[str, object]:
    return {"forbidden_terms": found} if (found := [t for t in terms if Term(t).within(plain(text))]) else {}


NEAR = st.lists(
    st.sampled_from(["a", "ab", "aab", "가", "-", " ", "b가", "a-", "\u00ad", "*"]), min_size=1, max_size=60
)


@given(NEAR, st.lists(st.sampled_from(["a", "ab", "가", "-", " ", "가a", "-a"]), min_size=1, max_size=4), st.booleans())
def test_near_misses_without_number_change_no_place(parts: list[str], term: list[str], goes_on: bool) -> None:
    name = "".join(term).strip() or "a"
    wanted, text = Term(f"{name}*" if goes_on else name), plain("".join(parts))
    expected, at = [], text.find(wanted._needle)
    while at >= 0:
        end = at + len(wanted._needle)
        if wanted._stands(text, at, end):
            expected.append((at, end))
            at = text.find(wanted._needle, end)
        else:
            at = text.find(wanted._needle, at + 1)
    assert list(wanted.spans(text)) == expected
    assert list(wanted._between_edges(text, 0)) == expected
    assert MOST_MISSES < 60


HOSTILE = [
    ("a" * 32_000, ["a" * size for size in range(1, 199)]),
    ("-ab" * 11_000, ["-ab" * size + "-a" for size in range(60)]),
    ("ab " * 11_000, ["ab " * size + "a" for size in range(60)]),
]


@pytest.mark.parametrize(("text", "terms"), HOSTILE, ids=["one word", "no spaces", "words"])
def test_terms_that_are_nearly_found_everywhere_are_given_up_soon(
    text: str, terms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, honest = [], Term._stands

    def stands(self: Term, *place: Any) -> bool:
        looked.append(self.text)
        return honest(self, *place)

    own = request_gate(b'{"forbidden_terms":["%b"]}' % '","'.join(terms).encode())
    monkeypatch.setattr(Term, "_stands", stands)
    assert own.alone.issues(f"{text}!") == {}
    assert looked
    assert max(looked.count(term) for term in terms) <= MOST_MISSES + 1
