"""Rules that come with a request: what is taken, what is refused, and how they stand beside a route's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.edge.ask import ChatAsk
from roadworthy.gateway.quality.choice import Said
from roadworthy.gateway.quality.default import rejection
from roadworthy.gateway.quality.gate import Gate, judge_gated
from roadworthy.gateway.quality.repair import repair_message
from roadworthy.gateway.quality.request import MAX_KEPT_BYTES, RequestGate, kept, request_gate, without_words
from roadworthy.gateway.quality.rule import ISSUES, Mentions, Quality, Span, Words

SECRET = "xyzzy"
"""In every rule that is refused below; no error repeats it."""


def gate(**rules: Any) -> RequestGate:
    return request_gate(json.dumps(rules).encode())


def judged(own: RequestGate, text: str, route: Quality | None = None) -> dict[str, object]:
    both = own.beside(None if route is None else Gate(route, {}))
    found = judge_gated(Said([text], False), "stop", both, None, False)
    assert found is None or found.issues.keys() <= set(ISSUES)
    return {} if found is None else found.issues


HOLD: list[tuple[dict[str, Any], str, dict[str, object]]] = [
    ({}, "anything", {}),
    ({"required_terms": ["rose"]}, "a rose", {}),
    ({"required_terms": ["rose"]}, "prose", {"missing_terms": ["rose"]}),
    ({"forbidden_terms": ["cheap"]}, "Cheap!", {"forbidden_terms": ["cheap"]}),
    ({"sections": ["Notes"]}, "## Notes\nx", {}),
    ({"sections": ["Notes"]}, "x", {"missing_sections": ["Notes"]}),
    ({"words": {"min": 3}}, "a b", {"word_count": [{"section": None, "found": 2, "min": 3, "max": None}]}),
    (
        {"words": {"sections": {"Notes": {"max": 1}}}},
        "Notes: a b",
        {"word_count": [{"section": "Notes", "found": 2, "min": None, "max": 1}]},
    ),
    (
        {"brand_mentions": {"terms": ["Luma"], "min": 1, "max": 2}},
        "none",
        {"brand_mentions": {"found": 0, "min": 1, "max": 2, "terms": ["Luma"]}},
    ),
    ({"language": "ko"}, "This is plain English text, and the words of it are many.",
     {"language": {"expected": "ko", "found": "en"}}),
    ({"refusal": False}, "I'm sorry, but I can't help with that.", {"refusal": True}),
    ({}, " ", {"empty": True}),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "text", "issues"), HOLD)
def test_rules_hold_where_the_route_has_none(rules: dict[str, Any], text: str, issues: dict[str, object]) -> None:
    assert judged(gate(**rules), text) == issues


REFUSED: list[tuple[Any, str]] = [
    (3, "quality"),
    ([SECRET], "quality"),
    ({SECRET: 1}, "quality"),
    ({"checks": [SECRET]}, "quality"),
    ({"heartbeat_s": 1}, "quality"),
    ({"json_schema": {}}, "quality"),
    ({"required_terms": SECRET}, "quality.required_terms"),
    ({"required_terms": [1]}, "quality.required_terms[0]"),
    ({"required_terms": ["a", ""]}, "quality.required_terms[1]"),
    ({"required_terms": [SECRET, "**"]}, "quality.required_terms[1]"),
    ({"forbidden_terms": ["\u200b"]}, "quality.forbidden_terms[0]"),
    ({"forbidden_terms": [SECRET * 41]}, "quality.forbidden_terms[0]"),
    ({"forbidden_terms": [SECRET] * 201}, "quality.forbidden_terms"),
    ({"required_terms": ["a", f"{SECRET} b"], "forbidden_terms": ["c", SECRET]}, "quality.required_terms[1]"),
    ({"required_terms": [f"{SECRET}*"], "forbidden_terms": [f"{SECRET}*"]}, "quality.required_terms[0]"),
    ({"brand_mentions": {"terms": []}}, "quality.brand_mentions.terms"),
    ({"brand_mentions": {"terms": [SECRET], "min": 2, "max": 1}}, "quality.brand_mentions.min"),
    ({"brand_mentions": {"terms": [SECRET], "max": 0}, "required_terms": [SECRET]}, "quality.brand_mentions.max"),
    ({"brand_mentions": {"terms": [SECRET], SECRET: 1}}, "quality.brand_mentions"),
    ({"brand_mentions": {"min": 1}}, "quality.brand_mentions.terms"),
    ({"words": {"min": -1}}, "quality.words.min"),
    ({"words": {"min": 1.5}}, "quality.words.min"),
    ({"words": {"min": 2, "max": 1}}, "quality.words.min"),
    ({"words": {"sections": {SECRET: {"min": 2, "max": 1}}}}, "quality.words.sections"),
    ({"words": {"sections": {SECRET: {"min": "2"}}}}, "quality.words.sections[...].min"),
    ({"words": {"sections": {SECRET * 41: {}}}}, "quality.words.sections"),
    ({"words": {"max": 1, "sections": {SECRET: {"min": 2}}}, "sections": [SECRET]}, "quality.words.max"),
    ({"sections": [SECRET] * 51}, "quality.sections"),
    ({"sections": ["##"]}, "quality.sections"),
    ({"sections": [SECRET], "words": {"sections": {f"## {SECRET}": {}}}}, "quality.sections"),
    ({"language": SECRET}, "quality.language"),
    ({"repairs": 6}, "quality.repairs"),
    ({"repairs": -1}, "quality.repairs"),
    ({"refusal": "yes"}, "quality.refusal"),
    ({"keep_rejected": 1}, "quality.keep_rejected"),
    ({"forbidden_terms": [SECRET * 40] * 180}, "quality"),
]


@pytest.mark.parametrize(("rules", "param"), REFUSED, ids=[f"{at}-{one[1]}" for at, one in enumerate(REFUSED)])
def test_what_cannot_be_meant_is_refused_and_never_repeated(rules: Any, param: str) -> None:
    with pytest.raises(UsageError) as caught:
        request_gate(json.dumps(rules).encode())
    assert (caught.value.code, caught.value.param) == ("invalid_request", param)
    assert SECRET not in f"{caught.value} {caught.value.why} {caught.value.mend} {caught.value.param}"


TAKEN = [
    {"required_terms": ["rose*"], "forbidden_terms": ["rose"]},  # roses
    {"required_terms": ["prose"], "forbidden_terms": ["rose"]},
    {"required_terms": ["a b"], "forbidden_terms": ["b c"]},  # no term made of two is seen between them
    {"required_terms": ["a", "b"], "forbidden_terms": ["a b"]},
    {"brand_mentions": None, "words": None, "language": None, "refusal": None, "repairs": None},
    {"words": {"max": 5, "sections": {"A": {"min": 9}}}},  # it need not be there
    {"sections": ["Notes", "Notes"]},
]


@pytest.mark.parametrize("rules", TAKEN)
def test_what_some_answer_could_pass_is_taken(rules: dict[str, Any]) -> None:
    assert gate(**rules)


def test_rules_nested_without_end_are_refused() -> None:
    deep = b'{"words": ' + b'{"sections": {"a": ' * 3_000
    with pytest.raises(UsageError):
        request_gate(deep)


def test_equal_rules_are_compiled_once_and_have_one_digest() -> None:
    assert request_gate(b'{"repairs":2}') is request_gate(b'{"repairs":2}')
    first, second = request_gate(b'{"sections":["A"],"repairs":2}'), request_gate(b'{ "repairs": 2, "sections":["A"] }')
    assert first.digest == second.digest
    assert gate(keep_rejected=True, repairs=2).digest == gate(repairs=2).digest  # no answer is another one for it
    assert len({gate().digest, gate(repairs=2).digest, gate(refusal=True).digest, gate(sections=["A"]).digest}) == 4


# -- beside the route's


def test_the_rules_of_both_hold() -> None:
    route = Quality(
        required_terms=("rose",), words=Words(min=9), brand_mentions=Mentions(("Luma",), 1), sections=("A",), repairs=0
    )
    own = gate(
        required_terms=["cedar", "rose"], words={"min": 12}, brand_mentions={"terms": ["Sol"], "min": 2},
        sections=["B"], forbidden_terms=["x"],
    )  # fmt: skip
    found = judged(own, "x", route)
    assert found == {
        "missing_terms": ["rose", "cedar"],
        "missing_sections": ["A", "B"],
        "word_count": [
            {"section": None, "found": 1, "min": 9, "max": None}, {"section": None, "found": 1, "min": 12, "max": None},
        ],
        "brand_mentions": {
            "found": 0, "min": 1, "max": None, "terms": ["Luma"],
            "also": {"found": 0, "min": 2, "max": None, "terms": ["Sol"]},
        },
        "forbidden_terms": ["x"],
    }  # fmt: skip
    told = repair_message(found, "en")
    assert all(name in told for name in ("rose", "cedar", "Luma", "Sol", "at least 12"))


@pytest.mark.parametrize(
    ("route", "own", "together"),
    [(2, None, 2), (2, 0, 2), (2, 3, 3), (0, 1, 1), (0, None, 0), (None, None, 1), (None, 0, 0), (None, 5, 5)],
)
def test_the_larger_number_of_repairs_counts(route: int | None, own: int | None, together: int) -> None:
    ruled = None if route is None else Gate(Quality(repairs=route), {})
    assert gate(repairs=own).beside(ruled).rules.repairs == together


@pytest.mark.parametrize(
    ("route", "own", "together"),
    [
        (True, None, True), (True, False, True), (True, True, True), (False, None, False), (False, False, False),
        (False, True, True), (None, None, True), (None, False, True),
    ],
)  # fmt: skip
def test_no_request_switches_off_the_check_of_refusals(route: bool | None, own: bool | None, together: bool) -> None:
    ruled = None if route is None else Gate(Quality(refusal=route), {})
    assert gate(refusal=own).beside(ruled).rules.refusal is together


def test_the_routes_gate_is_not_changed_by_what_stands_beside_it() -> None:
    route = Gate(Quality(required_terms=("rose",)), {})
    own = gate(required_terms=["cedar"], language="ko")
    both = own.beside(route)
    assert both is own.beside(route)
    assert (both.rules.language, route.rules.language) == ("ko", None)
    assert route.issues("a rose") == {}
    assert both.issues("a rose") == {"missing_terms": ["cedar"]}


# -- the request


def ask(**more: Any) -> ChatAsk:
    body = {"model": "chat", "messages": [{"role": "user", "content": "x"}], **more}
    return ChatAsk(ChatRequest.parse(json.dumps(body).encode()))


def test_the_rules_stay_with_the_request_and_are_no_field_of_it() -> None:
    one = ask(quality={"required_terms": ["rose"]})
    again = one.continued(lambda request, answer, message: request.continued([]), "a", "b")
    for each in (one, one.twin(), again):
        assert each.own is one.own is not None
        assert "quality" not in each.request.fields
        assert b"rose" not in each.request.body("m")


def test_without_rules_there_is_no_gate_of_its_own() -> None:
    assert ask().own is None
    assert ask(quality=None).own is None


def test_json_has_no_sections() -> None:
    for rules in ({"sections": ["A"]}, {"words": {"sections": {"A": {"min": 1}}}}):
        with pytest.raises(UsageError) as caught:
            ask(quality=rules, response_format={"type": "json_object"})
        assert caught.value.param == "quality"
    assert ask(quality={"words": {"min": 1}}, response_format={"type": "json_object"}).own is not None


# -- what is kept, and where


def test_a_rejected_text_is_bounded_and_says_when_it_was_cut() -> None:
    short = kept(rejection(Reason.REFUSAL, "no"), "a/m")
    assert short is not None
    assert short._asdict() == {"text": "no", "served_by": "a/m", "quality_issues": {"refusal": True}, "cut": False}
    long = kept(rejection(Reason.REFUSAL, "가" * 30_000), "a/m")
    assert long is not None
    assert (long.text, long.cut) == ("가" * (MAX_KEPT_BYTES // 3), True)


@pytest.mark.parametrize(
    "found",
    [rejection(Reason.EMPTY, " \n"), rejection(Reason.STUB, "Lorem ipsum"), rejection(Reason.MALFORMED, "<html>")],
)
def test_what_no_model_wrote_is_not_kept(found: Any) -> None:
    assert kept(found, "a/m") is None


def test_records_have_numbers_in_place_of_the_callers_words() -> None:
    issues = {
        "missing_terms": [SECRET, "b"],
        "forbidden_terms": [SECRET],
        "missing_sections": [SECRET],
        "brand_mentions": {"found": 0, "min": 1, "max": None, "terms": [SECRET], "also": {"terms": [SECRET]}},
        "word_count": [{"section": SECRET, "found": 1, "min": 2, "max": None}],
        "language": {"expected": "ko", "found": "en"},
        "refusal": True,
    }
    plain = Attempt("a", "m", Reason.SERVED, 1.0)
    told, same = without_words([Attempt("a", "m", Reason.QUALITY_FAILED, 1.0, issues=issues), plain])
    assert same is plain
    assert told.issues == {
        "missing_terms": 2,
        "forbidden_terms": 1,
        "missing_sections": 1,
        "brand_mentions": {"found": 0, "min": 1, "max": None},
        "word_count": [{"found": 1, "min": 2, "max": None}],
        "language": {"expected": "ko", "found": "en"},
        "refusal": True,
    }


def test_bounds_on_sections_hold_with_those_of_the_route() -> None:
    route = Quality(words=Words(sections={"Notes": Span(min=3)}))
    found = judged(gate(words={"sections": {"Notes": {"max": 1}}}), "Notes: a b", route)
    assert [(each["min"], each["max"]) for each in found["word_count"]] == [(3, None), (None, 1)]  # type: ignore[attr-defined]
