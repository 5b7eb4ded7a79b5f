"""Why two questions must not share an answer although a sentence model finds them alike.

Sentence models see what a text is about and hardly what it asks: "over 12" and "under 12", "from A to B" and "from B to
A" lie closer together than most paraphrases. So what they cannot see is compared as text. Every rule can only forbid.
English and Korean; a text in another language has no language here, and a text without a language is never alike.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

MAX_CHARS = 400
"""Longer texts carry more than one thought; what was measured are single questions."""

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?|[가-힣]+|\d+(?:[.,:/]\d+)*")
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{1,80})[\"“”«»]")
_ENGLISH = frozenset(
    "a an and are as at be by can could did do does for from had has have how i if in is it me my of on or our please "
    "should tell that the their there these they this to was we were what when where which who why will with would you "
    "your give name write explain into translate briefly summarise summarize convert suggest recommend not".split()
)
"""Without one of these a Latin text is not taken for English."""
_NUMBERS = {
    word: str(value)
    for value, words in enumerate(
        "zero|one|two second twice|three third|four fourth|five fifth|six sixth|seven seventh|eight eighth|nine ninth|"
        "ten tenth|eleven eleventh|twelve twelfth".split("|")
    )
    for word in words.split()
} | {"first": "first", "last": "last", "half": "half", "double": "2", "dozen": "12", "hundred": "100", "thousand": "1000"}
_KOREAN_NUMBERS = {
    "하나": "1", "한": "1", "둘": "2", "두": "2", "셋": "3", "세": "3", "넷": "4", "네": "4", "다섯": "5", "여섯": "6",
    "일곱": "7", "여덟": "8", "아홉": "9", "열": "10", "첫": "first", "절반": "half",
}  # fmt: skip
_KOREAN_ORDER = (("처음", "first"), ("마지막", "last"), ("첫째", "first"), ("둘째", "2"), ("셋째", "3"))
_NOT = frozenset(
    "not no never without cannot none neither nor nobody nothing except hardly avoid avoiding prevent prevents "
    "preventing unable impossible instead lacking".split()
)
_KOREAN_NOT = ("않", "없", "아니", "아닌", "말고", "못하", "제외", "지 마", "싫")
_KOREAN_NOT_WORDS = frozenset("안 못".split())
_OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, _, other in (
        pair.partition("|")
        for pair in """
open opens opening opened|close closes closing closed shut
enable enables enabling on|disable disables disabling off
increase increases raise larger bigger grow more|decrease decreases reduce lower smaller shrink less fewer
before earlier|after later
over above|under below
maximum max most highest largest biggest longest tallest|minimum min least lowest smallest shortest
accept accepts accepting|decline declines declining reject rejects rejecting refuse
buy buys buying purchase|sell sells selling
install installs installing|uninstall uninstalls uninstalling remove
import imports importing upload|export exports exporting download
leave leaves leaving depart departs departure|arrive arrives arrival arriving
win wins won winner|lose loses lost loser
start starts begin begins|stop stops end ends
boiling boil|freezing freeze
benefit benefits advantage advantages pros|side risk risks disadvantage disadvantages cons
cancel cancels cancelled|renew renews keep confirm
create creates add adds|delete deletes remove removes
summer|winter
man men male boy husband|woman women female girl wife
hot warm|cold cool
early|late
polite formal|rude informal
good better best|bad worse worst
like likes love|dislike dislikes hate
left|right
import|export
encrypt|decrypt
allow allows permit|forbid forbids prevent block
borrow|lend
push|pull
difference differ differs|common similarity similarities
safe|dangerous unsafe
yes|no
always|never
positive|negative
inside indoor|outside outdoor
day|night
morning|evening
""".strip().splitlines()
    )
)
_KOREAN_OPPOSITES = tuple(
    (tuple(one.split()), tuple(other.split()))
    for one, _, other in (
        pair.partition("|")
        for pair in """
열 여나 여는 엽니|닫
켜|끄 꺼
키우 늘리 높이려 크게|줄이 낮추 작게
점심전 전에|후에 뒤에
이상 초과|이하 미만
이전|이후
가장높 높은|낮은
최대|최소
수락 승낙|거절 거부
내보내|가져오
취소|갱신 유지
장점 효능|부작용 단점
끓는|어는
여름|겨울
좋아|싫어
남자 남성|여자 여성
빨리 일찍|늦게
우승|준우승
사는 구매|파는 판매
오전|오후
섭씨|화씨
설치|제거 삭제
시작|종료 끝
허용|금지
""".strip().splitlines()
    )
)
# Words that ask or join: exchanging one for another changes the form of a question, seldom what it asks.
_FORM = _ENGLISH | frozenset(
    "able about any at been being both briefly briefly calculate case come consequences count did draft each every "
    "exactly fine get getting go happen happens here into its just kindly made make makes many mean means method "
    "much must name need needs one out part perform place possible put recommend say says see set show so some "
    "something steps still suggest take takes taking tell than then thing things thus time turn use used using want "
    "way ways well who whose within yet you'd i'd i'm don't doesn't isn't aren't can't what's it's summary "
    "explain command draft may might shall whether also number hour hours minute minutes".split()
)
_KOREAN_FORM = (
    "알려", "주세", "어떻", "어떤", "어디", "무엇", "뭐", "누구", "얼마", "언제", "방법", "부탁", "하나", "합니", "하려",
    "해야", "하고", "되나", "되려", "됩니", "인가", "입니", "이에", "예요", "에요", "있나", "있습", "있을", "추천", "작성",
    "설명", "말해", "가르", "좋을", "좋나", "괜찮", "필요", "가능", "정도", "위한", "위해", "대해", "관해", "같이", "함께",
    "이랑", "하는", "하면", "계산",
)  # fmt: skip
_KOREAN_FORM_WORDS = frozenset("그 저 저는 제 나 나는 좀 수 것 게 때 몇 왜 써 쓸 할 해 되 된 은 는 이 가 데 더".split())
_WHY = frozenset({"why"})
_ENTITY_FREE = frozenset("i".split())
_FROM_TO = re.compile(r"\bfrom (?:the )?(\w+)|\b(?:in)?to (?:the )?(\w+)", re.IGNORECASE)
_BEFORE_TO = re.compile(r"(\w+) (?:in)?to (?:the )?\w+", re.IGNORECASE)
_KEPT_FROM = re.compile(r"\bfrom \w+ing\b", re.IGNORECASE)
_KOREAN_FROM = re.compile(r"([가-힣A-Za-z0-9]+)(?:에서|부터)")
_KOREAN_TO = re.compile(r"([가-힣A-Za-z0-9]+)까지")


class Marks(NamedTuple):
    """What of a text is compared word for word.

    Attributes:
        language: `en`, `ko`, or None for what was not measured.
        numbers: Every number, digits and words alike, sorted.
        negations: How often it says no.
        why: Whether it asks for a reason.
        names: Quoted texts, names and codes.
        way: Where from and where to.
        words: Its words in lower case.
        text: Itself without white space.
    """

    language: Literal["en", "ko"] | None
    numbers: tuple[str, ...]
    negations: int
    why: bool
    names: frozenset[str]
    way: tuple[str, str]
    words: frozenset[str]
    text: str


@lru_cache(maxsize=4_096)
def marks(text: str) -> Marks:
    """Read a text once."""
    words = _WORD.findall(text)
    lower = [word.lower().replace("’", "'") for word in words]
    language = _language(text, lower)
    korean = language == "ko"
    joined = "".join(text.split())
    negations = sum(word in _NOT or word.endswith("n't") for word in lower)
    negations += len(_KEPT_FROM.findall(text))
    if korean:
        negations += sum(joined.count(mark) for mark in _KOREAN_NOT) + sum(word in _KOREAN_NOT_WORDS for word in lower)
    return Marks(
        language, _numbers(lower, joined if korean else ""), negations, bool(_WHY.intersection(lower)) or "왜" in lower,
        _names(text, words), _way(text, korean), frozenset(lower), joined,
    )  # fmt: skip


def veto(one: str, other: str) -> str:
    """Why the two must not share an answer; empty when nothing speaks against it.

    Returns:
        `language`, `number`, `negation`, `reason`, `name`, `direction`, `opposite`, `word`, `length`, or an
        empty text.
    """
    if len(one) > MAX_CHARS or len(other) > MAX_CHARS:
        return "length"
    a, b = marks(one), marks(other)
    if a.language is None or a.language != b.language:
        return "language"
    rules = (
        ("number", a.numbers != b.numbers),
        ("negation", a.negations != b.negations),
        ("reason", a.why != b.why),
        ("name", a.names != b.names),
        ("direction", _crossed(a.way, b.way)),
        ("opposite", _opposite(a, b)),
        ("word", _exchanged(a, b)),
    )
    return next((name for name, holds in rules if holds), "")


def _language(text: str, words: list[str]) -> Literal["en", "ko"] | None:
    letters = [character for character in text if character.isalpha()]
    hangul = sum("가" <= character <= "힣" for character in letters)
    if not letters or any(not character.isascii() and not "가" <= character <= "힣" for character in letters):
        return None
    if hangul:
        return "ko" if hangul * 2 >= len(letters) else None
    return "en" if _ENGLISH.intersection(words) else None


def _numbers(words: list[str], korean: str) -> tuple[str, ...]:
    found = [word.strip(".,:/") for word in words if word[0].isdigit()]
    found += [_NUMBERS[word] for word in words if word in _NUMBERS]
    if korean:
        found += [_KOREAN_NUMBERS[word] for word in words if word in _KOREAN_NUMBERS]
        found += [value for mark, value in _KOREAN_ORDER if mark in korean]
    return tuple(sorted(found))


def _names(text: str, words: list[str]) -> frozenset[str]:
    """Capitals that do not stand for a sentence's beginning; in a Korean text every Latin word."""
    quoted = {match.lower() for match in _QUOTED.findall(text)}
    korean = any("가" <= character <= "힣" for character in text)
    latin = [word for word in words if word[0].isascii() and word[0].isalpha()]
    inner = latin if korean else latin[1:]
    named = {word.lower().removesuffix("'s") for word in inner if korean or any(letter.isupper() for letter in word)}
    return frozenset(quoted | (named - _ENTITY_FREE))


def _way(text: str, korean: bool) -> tuple[str, str]:
    if korean:
        start, end = _KOREAN_FROM.search(text), _KOREAN_TO.search(text)
        return (start[1] if start else "", end[1] if end else "")
    found = ["", ""]
    for start_word, end_word in _FROM_TO.findall(text):
        if start_word:
            found[0] = start_word.lower()
        else:
            found[1] = end_word.lower()
    if not found[0] and (before := _BEFORE_TO.search(text)) is not None:
        found[0] = before[1].lower()
    return found[0], found[1]


def _crossed(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether one goes where the other comes from."""
    return bool((one[0] and one[0] == other[1]) or (one[1] and one[1] == other[0]))


def _exchanged(a: Marks, b: Marks) -> bool:
    """Whether each has a word of weight that the other lacks: something was put in something else's place."""
    return bool(_unmatched(a, b)) and bool(_unmatched(b, a))


def _unmatched(a: Marks, b: Marks) -> list[str]:
    least = 2 if a.language == "ko" else 4
    return [
        word
        for word in a.words - b.words
        if not _is_form(word, a.language) and not any(_akin(word, other, least) for other in b.words)
    ]


def _akin(word: str, other: str, least: int) -> bool:
    """Whether two words are forms of one: the same beginning; a short word and its plural."""
    if min(len(word), len(other)) >= least:
        return word[:least] == other[:least]
    short, long = sorted((word, other), key=len)
    return long in {f"{short}s", f"{short}es"} or (least == 2 and len(long) <= 3 and long.startswith(short))


def _is_form(word: str, language: str | None) -> bool:
    if word[0].isdigit():
        return True  # numbers have a rule of their own
    if language == "ko":
        return word in _KOREAN_FORM_WORDS or word.startswith(_KOREAN_FORM)
    return word in _FORM or len(word) < 2


def _opposite(a: Marks, b: Marks) -> bool:
    if a.language == "ko":
        return any(
            _turned(_says(a.text, left), _says(a.text, right), _says(b.text, left), _says(b.text, right))
            for left, right in _KOREAN_OPPOSITES
        )
    return any(
        _turned(bool(left & a.words), bool(right & a.words), bool(left & b.words), bool(right & b.words))
        for left, right in _OPPOSITES
    )


def _says(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)


def _turned(a_left: bool, a_right: bool, b_left: bool, b_right: bool) -> bool:
    return (a_left and not a_right and b_right and not b_left) or (a_right and not a_left and b_left and not b_right)
