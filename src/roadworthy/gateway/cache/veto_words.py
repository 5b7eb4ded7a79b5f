"""The words that the vetoes of the semantic cache know, English and Korean. Data, no rules."""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _tuple(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    lines = (line.partition("|") for line in text.strip().splitlines())
    return tuple((_set(one), _set(other)) for one, _, other in lines)


def _values(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {word: value for value, _, words in lines for word in words.split()}


ENGLISH = _set("""
a an and are as at be briefly by can convert could did do does explain for from give had has have how i if in
into is it me my name not of on or our please recommend should suggest summarise summarize tell that the their
there these they this to translate was we were what when where which who why will with would write you your
""")
"""Without one of these a Latin text is not taken for English."""

FORM = ENGLISH | _set("""
able about also any aren't been being both calculate can't case come command consequences count doesn't don't
draft each every exactly fine get getting go happen happens here hour hours i'd i'm isn't it's its just kindly
made make makes many may mean means method might minute minutes much must need needs number one out part perform
place possible put say says see set shall show so some something steps still summary take takes taking than then
thing things thus time turn use used using want way ways well what's whether whose within yet you'd
""")
"""Words that ask or join: exchanging one for another changes the form of a question, seldom what it asks."""

NUMBERS = _values("""
0: zero
1: one
2: two second twice
3: three third
4: four fourth
5: five fifth
6: six sixth
7: seven seventh
8: eight eighth
9: nine ninth
10: ten tenth
11: eleven eleventh
12: twelve twelfth
first: first
last: last
half: half
2: double
12: dozen
100: hundred
1000: thousand
""")

NOT = _set("""
avoid avoiding cannot except hardly impossible instead lacking neither never no nobody none nor not nothing
prevent preventing prevents unable without
""")

OPPOSITES = _pairs("""
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
""")
"""A question with a word of one side and one with a word of the other ask for different things."""

KOREAN_FORM = _tuple("""
알려 주세 어떻 어떤 어디 무엇 뭐 누구 얼마 언제 방법 부탁 하나 합니 하려 해야 하고 되나 되려 됩니 인가 입니 이에
예요 에요 있나 있습 있을 추천 작성 설명 말해 가르 좋을 좋나 괜찮 필요 가능 정도 위한 위해 대해 관해 같이 함께
이랑 하는 하면 계산
""")
"""Beginnings of Korean words of the same kind."""

KOREAN_FORM_WORDS = _set("""
가 것 게 그 나 나는 는 더 데 되 된 때 몇 수 써 쓸 왜 은 이 저 저는 제 좀 할 해
""")

KOREAN_NUMBERS = _values("""
1: 하나 한
2: 둘 두
3: 셋 세
4: 넷 네
5: 다섯
6: 여섯
7: 일곱
8: 여덟
9: 아홉
10: 열
first: 첫
half: 절반
""")

KOREAN_ORDER = _values("""
first: 처음 첫째
last: 마지막
2: 둘째
3: 셋째
""")
"""Beginnings, wherever in a word they stand."""

KOREAN_NOT = _tuple("않 없 아니 아닌 말고 못하 마세요 마십시오 제외 싫")
"""Signs of a no, wherever in a word they stand."""

KOREAN_NOT_WORDS = _set("안 못")

KOREAN_OPPOSITES = _pairs("""
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
""")
"""As `OPPOSITES`; beginnings, wherever in a text without white space they stand."""
