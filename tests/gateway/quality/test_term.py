"""What counts as naming a term."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.quality.term import Term, mentions, plain

FOUND = [
    ("베르가못", "베르가못을 담았습니다."),
    ("베르가못", "상큼한베르가못이"),
    ("베르가못", normalize("NFD", "베르가못의 향")),
    ("베르가못", "베르\u200b가못"),
    ("Rose", "Rose를 좋아해요"),
    ("rose", "A ROSE is a rose."),
    ("rose", "ｒｏｓｅ petals"),
    ("rose", "(rose)"),
    ("rose", "**rose**"),
    ("rose", "ro\u00adse"),
    ("straße", "STRASSE"),
    ("bergamot orange", "bergamot\n  orange"),
    ("C++", "We use C++ here"),
    ("No. 5", "the no. 5 bottle"),
    ("cedar*", "cedarwood"),
    ("香水", "这瓶香水很好"),
    ("100%", "100% wool"),
]
NOT_FOUND = [
    ("rose", "prose"),
    ("rose", "roses"),
    ("rose", "rose2"),
    ("rose", "éroser"),
    ("cedar*", "incedar"),
    ("장미", "장 미"),
    ("베르가못", "벨가못"),
    ("12", "312"),
]


@pytest.mark.parametrize(("term", "text"), FOUND)
def test_found(term: str, text: str) -> None:
    assert Term(term).within(plain(text))


@pytest.mark.parametrize(("term", "text"), NOT_FOUND)
def test_not_found(term: str, text: str) -> None:
    assert not Term(term).within(plain(text))


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "**"])
def test_a_term_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        Term(text)


def test_overlapping_terms_count_once() -> None:
    terms = [Term("Chanel"), Term("Chanel No 5"), Term("No 5")]
    assert mentions(terms, plain("Chanel No 5 and Chanel, then No 5.")) == 3


@given(st.text(max_size=40), st.sampled_from(["베르가못", "rose", "C++"]), st.text(max_size=40))
def test_a_term_among_spaces_is_always_found_in_any_normal_form(before: str, term: str, after: str) -> None:
    text = f"{before} {term} {after}"
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert Term(term).within(plain(normalize(form, text)))


@given(st.text())
def test_plain_is_plain_already(text: str) -> None:
    assert plain(plain(text)) == plain(text)
