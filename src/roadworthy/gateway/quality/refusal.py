"""Refusals: an answer that only says that there will be none.

High precision before recall: only how an answer begins is judged, only when it is short, and only when it refuses the
request itself and then offers nothing. An answer that quotes a refusal, apologises and then helps, or declines an
invitation in somebody's name passes. The patterns run on RE2: the text is a stranger's, and backtracking has no bound.
"""

from __future__ import annotations

import re2

HEAD_CHARS = 240
MOST_CHARS = 1_600
"""A longer answer holds something besides the refusal and its lecture."""
NEAR = 160
MOST_BEHIND = 110
"""A `but` within `NEAR` characters behind the refusal turns it into help when more than so many characters follow."""

_DECORATION = " \t\r\n*_#>"
# fmt: off
_STARTS = frozenset((
    "i ", "i'", "i’", "so", "un", "as", "my", "ap", "re", "it", "th", "no", "we", "ai",
    "죄송", "미안", "안타", "유감", "아쉽", "저는", "저로", "제가", "저희", "요청", "해당", "그 ", "이 ",
    "그런", "이런", "그것", "그건", "이건", "인공", "말씀", "질문", "본 ", "현재", "양해", "도와", "답변",
    "정책", "안전",
))
# fmt: on

_NEGATIVES = (
    "not", "n't", "n’t", "unable", "decline", "refuse", "pass", "request",
    "없", "어렵", "어려", "불가", "않", "못", "힘들", "거절", "사양",
)  # fmt: skip
"""Without one of these there is no refusal: cheaper than the patterns."""

# -- English: lead-ins, who cannot, what is not done, to what

_SORRY = (
    r"(?:(?:i['’]?m|i am|we['’]?re|we are) (?:(?:really|very|so|truly|terribly) )?sorry"
    r"(?:(?: that you| you| about )[^.,!?]*)?"
    r"|sorry(?: about [^.,!?]*)?|(?:my )?(?:sincere |deepest )?apologies|i (?:do )?apologi[sz]e(?: for [^.,!?]*)?"
    r"|unfortunately|regrettably|i regret(?: to (?:say|inform you) that)?|i['’]m afraid(?: that)?)"
)
_MACHINE = r"(?:an? )?(?:large )?(?:ai|artificial intelligence|language model|virtual assistant|chat ?bot)"
_LEAD = (
    rf"(?:(?:{_SORRY}|no|thank(?:s| you)[^.!?]*|i (?:really )?(?:appreciate|understand|see|hear|know)[^.!?,]*"
    rf"|as {_MACHINE}[^.!?,]*|i['’ ]a?m (?:just |only )?{_MACHINE}[^.!?,]*"
    rf"|i(?: am|['’]m| was| have been) (?:programmed|designed|trained|built)[^.!?,]*?)"
    r"[\s,.;:!–—-]*(?:(?:but|and|so|therefore|thus|however)[\s,]*){0,2}){0,4}"
)
_CANNOT = (
    r"(?:i|we)(?:['’]m| am|['’]re| are)? ?(?:(?:just|simply|really) )?(?:afraid (?:that )?(?:i|we) )?"
    r"(?:can(?:no|['’]?)t(?: and will not)?|can not|will not|won['’]t|could not|not able to|unable to|must not|may not"
    r"|(?:will not|won['’]t) be able to|not permitted to|not allowed to|not comfortable|not going to"
    r"|do(?: not|n['’]t) (?:feel comfortable|have the ability to|want to)|prefer not to|would rather not"
    r"|don['’]t have (?:\w+ ){0,3}ability to)"
)
_HELP = r"(?:help|assist|comply|fulfil+|engage|accommodate|participate|respond|continue|do|proceed|support)(?:ing)?"
_GIVE = (
    r"(?:provid|giv|shar|offer|writ|creat|generat|produc|answer|discuss|explain|describ|complet|process|carry out|"
    r"address|execut|facilitat|tell|show|teach|mak|fulfil+|support|engag|handl|perform|comment|speak|elaborat)(?:e|ing|y)?"
)
_THIS = r"(?:that|this|it|these|those|such|you|anything|here|your|the|with|along|further|in)\b"
_WHAT = (
    r"(?:requests?|quer(?:y|ies)|questions?|topics?|content|tasks?|information|instructions?|materials?|prompts?|matter"
    r"|subject|conversation|activit(?:y|ies)|advice|text|guidance|assistance|details|response|opinions?|report|help"
    r"|answers?|lyrics|article|essay|document|one|diagnos[ei]s)\b"
)
_ANY = r"(?:[\w'’-]+ ){0,5}?"
_REFUSES = (
    rf"{_CANNOT} (?:be )?(?:{_HELP}(?:[.!,;]|$| (?:you )?(?:with |in |on |to |by |for )?(?:{_THIS}|{_ANY}{_WHAT}))"
    rf"|{_GIVE} (?:on |about |of )?(?:(?:that|this|it|such|so)(?:[.!,;:]|$| (?:for you|because|as|since|here))"
    rf"|{_ANY}{_WHAT}|(?:that|this|such|those|these|the) (?:kind|sort|type)s?\b"
    r"|(?:\w+ ){0,3}(?:with|of|in) (?:those|these|such|this) )"
    r"|(?:browse|access|open|view) (?:the (?:web|internet)|(?:that|this|your|external) (?:file|link|page|image)s?))"
)
_DECLINES = (
    r"(?:i|we)(?:['’]m| am)? ?(?:going to )?(?:must|have to|need to|will have to) (?:respectfully )?"
    r"(?:decline|refuse|pass)(?: (?:on |to )?(?:this|that|your|the|it|help|answer|assist|respond)\b|[.!,;:]|$)"
)
_NOT_MINE = (
    r"(?:that|this|it)(?:['’]s| is) (?:not|n['’]t) something (?:that )?(?:i|we)(?:['’]m| am| can)?"
    r"|it (?:would not|wouldn['’]t|is not|isn['’]t) be ?(?:appropriate|ethical|right|responsible|safe) for (?:me|us) to"
    r"|(?:this|that|your|the) request (?:violates|goes against|is against|falls outside|breaches)"
)
_ENGLISH = re2.compile(rf"(?i)^{_LEAD}(?:{_REFUSES}|{_DECLINES}|{_NOT_MINE})")
_TURNS = re2.compile(r"(?i)\b(?:but|however|instead|so i|that said|in general|generally|for example)\b|:\s|```")

# -- Korean: the refused thing, and a predicate that ends its clause

_KO_SORRY = r"(?:(?:정말|대단히|매우|너무)? ?(?:죄송|미안|안타깝|유감|아쉽|양해 ?(?:부탁|바랍))[가-힣]*[,.!~\s]*)"
# The request itself, or the kinds of text that are refused.
_KO_THING = (
    r"(?:요청|질문|내용|부탁|주제|작업|콘텐츠|정보|대화|조언|자문|도와|도움|도울|도와드|답변|대답|답을|답은|가사|인물|불법|위험"
    r"|그런 글|이런 글|그건|의견|언어 모델|지침|정책)"
)
_KO_DO = (
    r"(?:제공|생성|작성|만들|써|쓸|설명|수행|처리|진행|지원|안내|공유|말씀|알려|들어|따르|따를|이행|협조|다루|다룰|계속|조언|자문"
    r"|의견|번역|해 ?드릴|하기)"
)
# Verbs that only the one who answers has.
_KO_ANSWER = r"(?:도와|도움|도울|답변|답을|답은|대답|응답|응할|응해)"
_KO_NOT = (
    r"(?:수(?:는|가|도)? ?없(?:습니다|어요?|다|음|네요|답니다|는 (?:점|질문|일|내용|주제|요청)|으니|으며|을 것)"
    r"|(?:어렵|힘들)(?:습니다|네요|다|겠습니다|사오니)|어려(?:워요|울 것|운 점)|불가(?:능)?(?:합니다|해요|하다|하니)"
    r"|못 ?(?:합니다|해요|하겠)|거절|사양)"
)
_KO_GAP = r"[^.!?\n,]*?"
_KOREAN_THING = re2.compile(_KO_THING)
_KOREAN = re2.compile(
    rf"^(?:{_KO_SORRY}{{1,3}}[^.!?\n]*?(?:{_KO_DO}|{_KO_ANSWER}){_KO_GAP}(?:{_KO_NOT}|않(?:습니다|아요|고 있습니다))"
    rf"|[^.!?\n]*?{_KO_ANSWER}{_KO_GAP}{_KO_NOT}"
    rf"|[^.!?\n]*?{_KO_DO}{_KO_GAP}드[리릴]{_KO_GAP}{_KO_NOT}"
    rf"|(?:저는|저로서|제가|저희는|AI|인공지능)[^.!?\n]*?{_KO_DO}{_KO_GAP}{_KO_NOT})"
)
_KOREAN_TURNS = re2.compile(r"다만|대신|하지만|그렇지만|예를 들어|:\s|```")


def is_refusal(text: str) -> bool:
    """Whether the text is a refusal and nothing else."""
    head = text.lstrip(_DECORATION)[:HEAD_CHARS]
    if head[:2].lower() not in _STARTS or len(text) > MOST_CHARS:
        return False
    lower = head.lower()
    if not any(word in lower for word in _NEGATIVES):
        return False
    found, turns = (_ENGLISH.match(head), _TURNS) if head.isascii() or head[0] < "가" else (None, _KOREAN_TURNS)
    if found is None:
        found = _KOREAN.match(head)
        if found is None or _KOREAN_THING.search(found.group()) is None:
            return False
    rest = text.lstrip(_DECORATION)[found.end() :]
    turn = turns.search(rest[:NEAR])
    return "```" not in rest and (turn is None or len(rest) - turn.start() <= MOST_BEHIND)
