"""A text in pieces is masked as the whole text is, however it is cut, and little of it is held back."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.guard.corpus.generate import MAKERS, positive
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.line import Line
from roadworthy.guard.text.literal import Literals
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.policy import Action, Policy
from roadworthy.guard.text.rule import LONGEST, Candidate, Rule
from roadworthy.guard.text.rules.all import RULES
from roadworthy.guard.text.scanner import Compiled
from roadworthy.guard.text.streaming import StreamMasker

MASKER = TextMasker()
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/IBAAK=\nabc123==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

VALUES = [
    "bob.smith+x@mail.example.co.kr", "hong@example.com", "user%40example.com", "010-1234-5678", "01012345678",
    "+82 (0)10-1234-5678", "\uff10\uff11\uff10-1234-5678", "0\u200b10-1234-5678", "(415) 555-2671",
    "+44 20 7946 0958", "02)1234-5678",
    "4111111111111111", "4111 1111 1111 1111", "-4111111111111111", "5555 5555 5555 4444 123", "900101-1234568",
    "sk-abcdef0123456789", "AKIAIOSFODNN7EXAMPLE", JWT, "Bearer abcdefghijkl.mnop", "password=hunter2",
    "pwd: 'a b c'",
    '"password": "x y\\"z"', '"api_key": 12345', '"token": null', "secret: ***MASKED***",
    "Authorization: Bearer abc123",
    '{\\"password\\": \\"p q\\"}', "postgres://u:p@ss/w@h:5432/db", "https://u:secret@host/x", "http://h:80/a@b", PEM,
    PEM.replace("\n", "\\n"), "-----BEGIN PRIVATE KEY-----\nMIIB", "p\\u0061ssword=abc", "%2B82%2010-1234-5678",
]  # fmt: skip
PLAIN = [
    " ", "\n", "\r\n", ", ", ". ", '"', "'", "\\", "{", "}", "[", ":", "으로", "입니다 ", "전화 ", "the weather ",
    "is ", "card ", "-",
    "=", "@", "a", "0", "1795212345678", "%", "&amp;", "\\n", "\u3000", "—", "123e4567-e89b-12d3-a456-426614174000",
    "3.14", "1.2.3.4", "***PHONE_MASKED***", "\U0001f600", "\x00",
]  # fmt: skip
TEXTS = [
    "write to bob.smith@example.com, or 010-1234-5678 now\n",
    "010-1234-5678\n010-1234-5678\n4111 1111 1111 1111",
    "카드 4111-1111-1111-1111은 정지, 번호는 900101-1234568입니다.",
    f"key:\n{PEM}\nand postgres://app:p@ss/w0rd@db:5432/x, then {JWT}.",
    '{"a": 4111111111111111, "password": "x\\" y", "list": [\n  4111111111111111,\n -4111111111111111]}',
    '{"log": "{\\"password\\": \\"p q\\", \\"to\\": \\"a@b.io\\"}", "n": 1}',
    "password = hunter2; token: abc Authorization: Bearer abcdef012345, basic auth",
    "０１０－１２３４－５６７８ %2B82-10-1234-5678 a\\u0040b.io user&commat;example.com",
    "an ordinary answer, with 3.14, 1.2.3.4-rc1, 2026-11-21T10:00:00Z, $1,234.56 and no data",
]  # fmt: skip
CHAT = (
    "The quick answer: yes, it works on 3 of 4 machines since 2026. 네, 그렇게 하시면 됩니다. See “the docs” — p. 12, "
    "or `pip install x==1.2.3` (about 40 MB).\n\n- first, 12:30\n- then 99.5 % of it\n"
)
text = st.lists(st.sampled_from(VALUES + PLAIN) | st.text(max_size=4), max_size=14).map("".join)


def in_pieces(pieces: list[bytes], masker: TextMasker = MASKER) -> bytes:
    stream = StreamMasker(masker)
    return b"".join([*map(stream.feed_bytes, pieces), stream.close_bytes()])


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    inside = sorted({place % (len(whole) + 1) for place in places})
    return [whole[first:last] for first, last in zip([0, *inside], [*inside, len(whole)], strict=True)]


@pytest.mark.parametrize("whole", [*TEXTS, *VALUES])
def test_every_way_of_cutting_in_two_and_single_bytes_give_the_same(whole: str) -> None:
    raw = whole.encode()
    expected = MASKER.mask_bytes(raw)
    for at in range(len(raw) + 1):
        assert in_pieces([raw[:at], raw[at:]]) == expected, at
    assert in_pieces([raw[at : at + 1] for at in range(len(raw))]) == expected


@settings(max_examples=examples(400), deadline=None)
@given(whole=text, places=st.lists(st.integers(0, 10_000), max_size=6))
@example(whole="a@b.io 010-1234-5678", places=list(range(30)))
def test_any_text_cut_anywhere_is_masked_as_the_whole(whole: str, places: list[int]) -> None:
    raw = whole.encode("utf-8", "surrogatepass")
    assert in_pieces(cut(raw, places)) == MASKER.mask_bytes(raw)


@settings(max_examples=examples(150), deadline=None)
@given(whole=text)
def test_characters_one_by_one_and_as_strings(whole: str) -> None:
    stream = StreamMasker(MASKER)
    given_out = [stream.feed(character) for character in whole]
    assert "".join([*given_out, stream.close()]) == MASKER.mask(whole)


@settings(max_examples=examples(100), deadline=None)
@given(raw=st.binary(max_size=60), places=st.lists(st.integers(0, 60), max_size=6))
def test_bytes_that_are_no_text(raw: bytes, places: list[int]) -> None:
    assert in_pieces(cut(raw, places)) == MASKER.mask_bytes(raw)


LONG = [
    "key sk-" + "a" * (LONGEST + 3_000) + " and bob@example.com",
    'x {"password": "' + "a b " * 5_000 + '", "to": "bob@example.com"} 010-1234-5678',
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEow+/IBAAK=\n" * 1_200 + "-----END PRIVATE KEY-----\nmail bob@example.com",
    "@" + "a" * (LONGEST + 900) + " bob@example.com",
    "eyJ" + "a" * (LONGEST + 900) + " 010-1234-5678",
    "x" * 40_000 + " 010-1234-5678 " + "y" * 9_000 + " mail bob@example.com password: 'a b' " + "z " * 9_000,
    '["' + "a" * 30_000 + '", 4111111111111111, "' + 'b\\"' * 9_000 + '", 4111111111111111, "password: ", "c"]',
]


@pytest.mark.parametrize("whole", LONG, ids=range(len(LONG)))
@pytest.mark.parametrize("size", [97, 1_000, 16_384, 70_000])
def test_lines_and_structures_of_any_length(whole: str, size: int) -> None:
    raw = whole.encode()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    masked = in_pieces(pieces)
    assert masked == MASKER.mask_bytes(raw)
    assert b"bob@example.com" not in masked
    assert b"010-1234-5678" not in masked


def test_a_structure_that_does_not_close_gives_its_mark_and_no_more() -> None:
    stream = StreamMasker(MASKER)
    out = stream.feed("-----BEGIN PRIVATE KEY-----\n")
    sizes = []
    for _ in range(3_000):
        out += stream.feed("MIIEow+/IBAAK=\n")
        sizes.append(stream.held)
    assert out == "***MASKED***"
    assert max(sizes) <= LONGEST + 1_024
    assert stream.feed("-----END PRIVATE KEY----- bye") + stream.close() == " bye"


def test_ordinary_chat_is_hardly_held_back() -> None:
    words = CHAT.split(" ")
    stream, held = StreamMasker(MASKER), list[int]()
    for _ in range(20):
        for word in words:
            stream.feed(word + " ")
            held.append(stream.held)
    held.sort()
    assert held[len(held) // 2] <= 8
    assert held[len(held) * 99 // 100] <= 64


def test_known_values_are_found_across_pieces() -> None:
    literals = Literals()
    literals.add("correct horse\nbattery")
    literals.add("correct horsefly")
    masker = TextMasker(literals=literals)
    for whole in ("a correct horse\nbattery b", "correct horsefl correct horsefly", "correct hors"):
        raw = whole.encode()
        expected = masker.mask_bytes(raw)
        for at in range(len(raw) + 1):
            assert in_pieces([raw[:at], raw[at:]], masker) == expected


def test_kinds_that_are_kept_pass_and_the_others_are_counted() -> None:
    seen: list[Kind] = []
    stream = StreamMasker(TextMasker(policy=Policy({Kind.EMAIL: Action.KEEP})), seen.append)
    out = "".join(map(stream.feed, "a@b.io and 010-1234-5678")) + stream.close()
    assert (out, seen) == ("a@b.io and ***PHONE_MASKED***", [Kind.PHONE])


def test_json_in_pieces_stays_json() -> None:
    document = json.dumps(
        {"n": [4111111111111111, -4111111111111111], "card": 4111111111111111, "s": 'a "b" c@d.io'}, indent=1
    )
    for size in (1, 2, 3, 7, 20):
        out = in_pieces([document[at : at + size].encode() for at in range(0, len(document), size)])
        assert b"4111" not in out
        json.loads(out)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_says_what_its_findings_may_begin_with(rule: Rule) -> None:
    """A stream is only as exact as that: each rule alone, on every text, one byte at a time."""
    masker = TextMasker([rule])
    for whole in [*TEXTS, *VALUES]:
        raw = f"x {whole} y".encode()
        assert in_pieces([raw[at : at + 1] for at in range(len(raw))], masker) == masker.mask_bytes(raw)


@pytest.mark.parametrize(
    "words",
    [
        "我们建议您先阅读文档，然后再开始配置网关。如果您遇到任何问题，请联系技术支持团队。",
        "設定を変更する前に、必ず文書をお読みください。問題が発生した場合は、お問い合わせください。",
        "โปรดอ่านเอกสารก่อนเริ่มตั้งค่าเกตเวย์หากพบปัญหาโปรดติดต่อทีมสนับสนุน",
        "네, 그렇게 하시면 됩니다. 내일은 비가 올 수 있으니 우산을 챙기세요.",
    ],
)
def test_scripts_without_spaces_are_hardly_held_back(words: str) -> None:
    stream, held = StreamMasker(MASKER), list[int]()
    for character in words * 3:
        stream.feed(character)
        held.append(stream.held)
    assert max(held) <= 16


def test_every_finding_begins_where_its_rule_says() -> None:
    """A check that adds what stands before its candidate declares it: `Rule.lead` is what a stream keeps for it."""
    horizon = MASKER.horizon
    rules = [Compiled(rule) for rule in RULES]
    samples = [positive(kind, 5, number) for kind in MAKERS for number in range(25)]
    for line in {Line(text.encode()) for sample in samples for text in sample.text.split("\n")}:
        for rule in rules:
            lead = horizon.lead.get(rule.rule.name)
            at = 0
            while (match := rule.spans(line.text, at)) is not None:
                candidate = Candidate(line, match[2], match[3])
                found = rule.judged(candidate)
                first = candidate.start if lead is None else lead(line.text[: candidate.start], 0, candidate.start)
                assert found is None or found.start >= min(first, candidate.start), (rule.rule.name, candidate.value)
                at = candidate.start + 1
