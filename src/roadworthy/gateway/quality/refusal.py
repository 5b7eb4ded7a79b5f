"""Refusals: an answer that only says that there will be none.

High precision before recall: only how an answer begins is judged, only if it is short, and only if it refuses the
request itself. An answer that quotes a refusal, apologises and then helps, or writes one in somebody's name passes.
"""

from __future__ import annotations

import re

HEAD_CHARS = 240
MOST_CHARS = 700
"""A longer answer holds something besides the refusal."""

_DECORATION = " \t\r\n*_#>"
# fmt: off
_STARTS = frozenset((
    "i ", "i'", "i’", "so", "un", "as", "my", "ap", "re", "it", "th", "no", "we", "sh", "ca", "id", "at", "ai",
    "죄송", "미안", "안타", "유감", "저는", "요청", "해당", "그 ", "이 ", "그런", "이런", "제가", "인공", "말씀",
    "질문", "본 ", "현재", "저로", "양해", "도와", "답변", "그러", "ai",
))
# fmt: on
_SORRY = (
    r"(?:(?:i['’]?m|i am|we['’]?re|we are)\s+(?:(?:really|very|so|truly|terribly)\s+)?sorry|sorry|(?:my )?(?:sincere )?"
    r"apologies|i (?:do )?apologi[sz]e|unfortunately|regrettably|i regret(?: to (?:say|inform you))?)"
)
_CANNOT = (
    r"(?:(?:can['’]?t|can ?not|won['’]?t|will not|must|am (?:not able|unable)|['’]m (?:not able|unable)|"
    r"have to|need to|['’]m going to have to)\s*)"
)
_ACT = (
    r"(?:help|assist|provide|comply|fulfil+|answer|generate|create|write|produce|discuss|engage|support|share|give|"
    r"continue|respond|do|offer|complete|process|describe|explain|carry out|participate|facilitate|accommodate|advise|"
    r"decline|refuse|pass on)"
)
_OBJECT = (
    r"(?:that|this|it|your (?:request|question|query|prompt)|(?:that|this|the|such|these|those) (?:kind|sort|type)|"
    r"(?:that|this|such|these|those|the) (?:\w+[ -]){0,3}?(?:request|question|query|topic|content|task|information|"
    r"instructions|material|prompt|matter|subject|conversation|activit(?:y|ies)|advice|text|story|code|details)s?|"
    r"you with (?:that|this|it|your request)|requests?|anything|content|any (?:\w+ ){0,2}(?:advice|information|content)|"
    r"(?:step|instructions|information|guidance|advice|assistance|support|details|help|a response|an answer)\b)"
)
_ENGLISH = re.compile(
    rf"(?i)^(?:{_SORRY}[^.!?\n]{{0,60}}?)?(?:as an? (?:ai|artificial|language|large)[^.!?\n]{{0,60}}?,?\s*)?"
    rf"(?:{_SORRY}[,.]?\s*)?(?:but\s+)?(?:i|we)\s?(?:['’]m\s+)?{_CANNOT}(?:to\s+|be able to\s+|be\s+)?{_ACT}(?:ing)?\b"
    rf"(?:\s+(?:to|with|on|in|for|about|you|by|out))*\s*{_OBJECT}"
)
_KOREAN = re.compile(
    r"^(?:[^.!?\n]{0,90}?)(?:죄송|미안|유감|안타깝|양해|요청|질문|답변|도움|내용|정보|정책|지침|인공지능|언어 ?모델|AI)"
    r"[^.!?\n]{0,80}?(?:(?:도와|도움|답변|답|제공|생성|작성|응답|설명|수행|처리|진행|대답|지원|안내|공유|말씀|따를|이행|협조|응할|응해)"
    r"[가-힣]{0,4}(?:\s?[가-힣]{0,4}){0,2}\s?(?:수(?:가|는)? ?없|수 ?없|못 ?하|어렵|어려|불가|않|거절))"
)


def is_refusal(text: str) -> bool:
    """Whether the text is a refusal and nothing else."""
    head = text.lstrip(_DECORATION)[:HEAD_CHARS]
    if head[:2].lower() not in _STARTS or len(text) > MOST_CHARS:
        return False
    return _ENGLISH.match(head) is not None or _KOREAN.match(head) is not None
