"""What the masker takes out, what it leaves alone, and what it never does to JSON."""

from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.core.ids import request_id
from roadworthy.guard.text.checks.digits import luhn
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.policy import Action, Policy
from roadworthy.guard.text.rules.rrn import is_resident_number

MASKER = TextMasker()
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/IBAAK=\nabc123==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

MASKED = [
    # e-mail
    ("write to bob.smith+x@mail.example.co.kr now", "write to ***EMAIL_MASKED*** now"),
    ("hong@example.com으로 보내세요", "***EMAIL_MASKED***으로 보내세요"),
    ("user%40example.com", "***EMAIL_MASKED***"),
    ("<a@b.io>,<c@d.org>", "<***EMAIL_MASKED***>,<***EMAIL_MASKED***>"),
    ("01012345678@example.com", "***EMAIL_MASKED***"),
    # Korean phones
    ("010-1234-5678", "***PHONE_MASKED***"),
    ("전화 010-1234-5678으로", "전화 ***PHONE_MASKED***으로"),
    ("01012345678", "***PHONE_MASKED***"),
    ("010 1234 5678", "***PHONE_MASKED***"),
    ("010.1234.5678", "***PHONE_MASKED***"),
    ("011-123-4567", "***PHONE_MASKED***"),
    ("02-123-4567", "***PHONE_MASKED***"),
    ("02)1234-5678", "***PHONE_MASKED***"),
    ("(031) 123-4567", "***PHONE_MASKED***"),
    ("070-1234-5678", "***PHONE_MASKED***"),
    ("0505-123-4567", "***PHONE_MASKED***"),
    ("+82-10-1234-5678", "***PHONE_MASKED***"),
    ("+82 10 1234 5678", "***PHONE_MASKED***"),
    ("+821012345678", "***PHONE_MASKED***"),
    ("+82 (0)10-1234-5678", "***PHONE_MASKED***"),
    ("+82-2-123-4567", "***PHONE_MASKED***"),
    # other phones
    ("+44 20 7946 0958", "***PHONE_MASKED***"),
    ("+4915123456789", "***PHONE_MASKED***"),
    ("+1 (415) 555-2671", "***PHONE_MASKED***"),
    ("+14155552671", "***PHONE_MASKED***"),
    ("(415) 555-2671", "***PHONE_MASKED***"),
    ("415-555-2671", "***PHONE_MASKED***"),
    ("415.555.2671", "***PHONE_MASKED***"),
    ("1-415-555-2671", "***PHONE_MASKED***"),
    # cards
    ("4111111111111111", "***CARD_MASKED***"),
    ("4111 1111 1111 1111", "***CARD_MASKED***"),
    ("4111-1111-1111-1111", "***CARD_MASKED***"),
    ("card 5555 5555 5555 4444 123", "card ***CARD_MASKED*** 123"),
    ("378282246310005", "***CARD_MASKED***"),
    ("3782 822463 10005", "***CARD_MASKED***"),
    ("30569309025904", "***CARD_MASKED***"),
    ("6011111111111117은", "***CARD_MASKED***은"),
    ("2223003122003222", "***CARD_MASKED***"),
    ("4222222222222", "***CARD_MASKED***"),
    # resident numbers
    ("900101-1234568", "***RRN_MASKED***"),
    ("9001011234568", "***RRN_MASKED***"),
    ("주민번호 201105-3123456입니다", "주민번호 ***RRN_MASKED***입니다"),
    # keys
    ("sk-abcdef0123456789", "***MASKED***"),
    ("sk-ant-api03-abc_DEF-0123456789", "***MASKED***"),
    ("sk-proj-abcdef0123456789", "***MASKED***"),
    ("key sk-canary-do-not-leak!", "key ***MASKED***!"),
    ("pplx-0123456789abcdef", "***MASKED***"),
    ("rw_" + "aB3_" * 10 + "xyz", "***MASKED***"),
    ("AKIAIOSFODNN7EXAMPLE", "***MASKED***"),
    ("ghp_0123456789abcdefABCDEF0123456789abcd", "***MASKED***"),
    ("github_pat_11ABCDEFG0123456789_abcdef", "***MASKED***"),
    ("xoxb-123456789012-abcdef", "***MASKED***"),
    ("AIzaSyA-0123456789abcdefghijklmnopqrstu", "***MASKED***"),
    (JWT, "***MASKED***"),
    ("authorization: Bearer abc.def", "authorization: ***MASKED***"),
    ("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***MASKED***"),
    ("sent Bearer 0a1b2c3d4e", "sent Bearer ***MASKED***"),
    ("x-api-key: zzz-yyy", "x-api-key: ***MASKED***"),
    ("password=hunter2&user=bob", "password=***MASKED***&user=bob"),
    ('password="two words" ok', 'password="***MASKED***" ok'),
    ("password='two words' ok", "password='***MASKED***' ok"),
    ("DB_PASSWORD=p,w)d", "DB_PASSWORD=***MASKED***"),
    ("api_key=0123", "api_key=***MASKED***"),
    ("token=abc\\nnext", "token=***MASKED***\\nnext"),
    ("Incorrect API key provided: abcd****wxyz. See", "Incorrect API key provided: ***MASKED***. See"),
    ("Your api key: ****1234 is invalid", "Your api key: ***MASKED*** is invalid"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = ***MASKED***"),
    (PEM, "***MASKED***"),
    ("before " + PEM[:50], "before ***MASKED***"),
    # passwords in URLs
    ("postgres://app:p$w:d@db.internal:5432/x", "postgres://app:***MASKED***@db.internal:5432/x"),
    ("redis://:secretpw@cache:6379/0", "redis://:***MASKED***@cache:6379/0"),
    ("postgres://u:p@ss@db/x?mail=a@b.io", "postgres://u:***MASKED***@db/x?mail=***EMAIL_MASKED***"),
    ("mysql://u:a/b@db/x", "mysql://u:***MASKED***@db/x"),
    ("http://127.0.0.1:9110/v1,bob@example.com", "http://127.0.0.1:9110/v1,***EMAIL_MASKED***"),
    ('{"url":"postgres:\\/\\/u:pw@h\\/d"}', '{"url":"postgres:\\/\\/u:***MASKED***@h\\/d"}'),
    # inside JSON
    ('{"a":"call\\n010-1234-5678"}', '{"a":"call\\n***PHONE_MASKED***"}'),
    ('{"a":"\\nbob@example.com"}', '{"a":"\\n***EMAIL_MASKED***"}'),
    ('{"a":"\\u00e9bob@example.com"}', '{"a":"\\u00e9***EMAIL_MASKED***"}'),
    ('{"a":"\\tsk-0123456789"}', '{"a":"\\t***MASKED***"}'),
    ('{"card":4111111111111111}', '{"card":"***CARD_MASKED***"}'),
    ('{"c":[1,-4111111111111111]}', '{"c":[1,"***CARD_MASKED***"]}'),
    ('{"note":"cards: 4111111111111111, more"}', '{"note":"cards: ***CARD_MASKED***, more"}'),
    ('{"password":12345,"b":1}', '{"password":"***MASKED***","b":1}'),
    ('{"password":"a\\"b\\\\","b":1}', '{"password":"***MASKED***","b":1}'),
    ('{"x":"{\\"password\\":\\"hun\\\\\\"ter\\",\\"b\\":1}"}', '{"x":"{\\"password\\":\\"***MASKED***\\",\\"b\\":1}"}'),
    ('["token:\\\\"]', '["token:***MASKED***"]'),
    ('{"password\\\\":5}', '{"password\\\\":"***MASKED***"}'),
    ('{"headers":{"authorization":"Bearer a b c"}}', '{"headers":{"authorization":"***MASKED***"}}'),
    ('{"pem":' + json.dumps(PEM) + "}", '{"pem":"***MASKED***"}'),
]

LEFT = [
    "req_0123456789abcdef01234567",
    "req_411111111111111111111111",
    "123e4567-e89b-12d3-a456-426614174000",
    "12345678-0101-1234-5678-123456789012",
    "00000000-0505-4123-8123-415555267100",
    "d41d8cd98f00b204e9800998ecf8427e",
    "2025-11-21T10:07:52.123Z",
    "2025-11-21T10:07:52+09:00",
    "20251121100752",
    "1,234,567.89 USD",
    "KRW 12000000",
    "$1234.50",
    '{"at":1760000000.123456}',
    '{"at":1760000000123}',
    '{"at_us":1760000000123456}',
    '{"at_ns":1760000000123456789}',
    '{"latency_ms":412.3456789012345}',
    '{"latency_ms":0.4111111111111111}',
    '{"x":4111111111111111.5}',
    '{"prompt_tokens":12,"max_tokens":256,"completion_tokens":4111}',
    'gen_ai_token_type="input"',
    "4111111111111112",
    "0000000000000000",
    "1234 5678 9012 3456",
    "9013011234568",
    "900101-9234568",
    "version 1.22.15.3",
    "37.7749,-122.4194",
    "+5 % and +120 ms",
    "sizes 512 768 1024",
    "missing bearer token",
    "basic authentication required",
    "risk-assessment-of-the-model",
    "task-0123456789",
    '{"a":"token:","b":"c"}',
    '{"a":"password=","b":"c"}',
    '{"a":"\\"password\\":"}',
    '{"password":null,"token":""}',
    "api_key: env:OPENAI_API_KEY",
    "http://127.0.0.1:9110/v1/chat",
    "http://host:8080/@scope/name",
    "npm install @scope/pkg@1.2.3",
    "user@localhost",
    "runtime stub_used=false quality_passed=null",
    "openai/gpt-4.1-mini",
    "smollm2-135m-instruct",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "우디한 향수 3병, 45000원",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
    assert MASKER.mask(f"took {text} then") == f"took {text} then"


def test_random_ids_are_left_alone() -> None:
    for _ in range(3000):
        for text in (request_id(), str(uuid.uuid4())):
            assert MASKER.mask(text) == text


def test_a_kept_kind_keeps_nothing_else_with_it() -> None:
    for kept, text in ((Kind.EMAIL, "01012345678@example.com"), (Kind.PHONE, "010-1234-5678@example.com")):
        masked = TextMasker(policy=Policy({kept: Action.KEEP})).mask(text)
        assert "MASKED" in masked
        assert f"{kept}_MASKED" not in masked


def test_maskers_of_the_same_rules_share_what_takes_long_to_make() -> None:
    kept = Policy({Kind.PHONE: Action.KEEP})
    one, same, other = TextMasker(policy=kept), TextMasker(policy=kept), MASKER
    assert one.horizon is same.horizon
    assert one.horizon is not other.horizon
    assert one.mask("mail a.b@example.com, phone +49 30 901820") == same.mask(
        "mail a.b@example.com, phone +49 30 901820"
    )
    assert one.mask("phone +49 30 901820") == "phone +49 30 901820" != other.mask("phone +49 30 901820")


def test_text_without_a_finding_is_the_same_object() -> None:
    raw = b"nothing to see"
    assert MASKER.mask_bytes(raw) is raw


def test_invalid_utf8_passes_through_outside_findings() -> None:
    assert MASKER.mask_bytes(b"\xff\xfe bob@example.com \xc3") == b"\xff\xfe ***EMAIL_MASKED*** \xc3"


def test_lone_surrogates_do_not_raise() -> None:
    assert MASKER.mask("\ud83d bob@example.com") == "\ud83d ***EMAIL_MASKED***"


@pytest.mark.parametrize(
    ("digits", "good"), [(b"4111111111111111", True), (b"4111111111111112", False), (b"79927398713", True)]
)
def test_luhn(digits: bytes, good: bool) -> None:
    assert luhn(digits) is good


@pytest.mark.parametrize(
    ("digits", "good"),
    [
        (b"9001011234568", True),
        (b"9001011234567", False),
        (b"9002301234568", False),
        (b"2011053123456", True),
        (b"9001019234568", False),
    ],
)
def test_resident_number(digits: bytes, good: bool) -> None:
    assert is_resident_number(digits) is good


FRAGMENTS = st.sampled_from(
    [
        *(text for text, _ in MASKED),
        "password",
        "token:",
        "password=",
        'secret="',
        "secret='",
        "api_key",
        "\\",
        '"',
        "'",
        "\n",
        "\r",
        "\t",
        "\b",
        "é",
        "한글",
        "\ud55c",
        "😀",
        "n",
        "u0041",
        " ",
        "=",
        ":",
        ",",
        "@",
        "a@b.co",
        "4111111111111111",
        "+",
        "-",
        ".",
        "://u:",
        "@h",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "Bearer ",
        "npm_",
        "rw_" + "a" * 30,
        "010-1234-5678",
    ]
)
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=4)), max_size=6).map("".join)
SCALARS = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([4111111111111111, -4111111111111111, 9001011234568, 378282246310005, 1e300, 5e-324]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(TEXTS, inner, max_size=4),
        inner.map(json.dumps),
    ),
    max_leaves=12,
)
DOCUMENTS = st.one_of(st.lists(VALUES, max_size=4), st.dictionaries(TEXTS, VALUES, max_size=4))


@settings(max_examples=examples(200), deadline=None)
@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 2]), st.booleans())
@example([{"password": None}, None], False, None, True)
@example([{"password": True}, 1], False, None, True)
def test_json_stays_json(value: object, ascii_only: bool, indent: int | None, tight: bool) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=(",", ":") if tight else None)
    masked = MASKER.mask_bytes(document.encode("utf-8", "surrogatepass"))
    json.loads(masked.decode("utf-8", "surrogatepass"))


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_lines_stay_lines(documents: list[object]) -> None:
    lines = [json.dumps(document).encode() for document in documents]
    masked = MASKER.mask_bytes(b"\n".join(lines)).split(b"\n")
    assert len(masked) == len(lines)
    for line in masked:
        json.loads(line)
