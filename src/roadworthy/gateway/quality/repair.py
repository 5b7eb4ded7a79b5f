"""What a model is told when its answer failed: a pure function from issues to words, in the answer's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from roadworthy.gateway.chat import ChatRequest, Message
from roadworthy.gateway.quality.language import language

MAX_REPEATED = 8_000
"""So many characters of the failed answer are shown to the model again."""
MAX_LISTED = 20

Tongue = Literal["en", "ko"]
_encode = msgspec.json.Encoder().encode


def tongue(answer: str, wanted: str | None) -> Tongue:
    """Language of the message: that of the rule where there is one, else that of the answer; English when unknown."""
    return "ko" if (wanted or language(answer)) == "ko" else "en"


def repair_message(issues: Mapping[str, Any], tongue: Tongue) -> str:
    """What was wrong and what is wanted, one line each.

    Args:
        issues: `quality_issues` of the failed answer.
        tongue: Language of the message.
    """
    korean = tongue == "ko"
    lines = [line for name, issue in issues.items() for line in _LINES.get(name, _unknown)(issue, korean)]
    head, tail = _FRAMES[tongue]
    return "\n".join([head, *(f"- {line}" for line in lines), tail])


def with_repair(ask: ChatRequest, answer: str, message: str) -> ChatRequest:
    """The same request with the failed answer and what was wrong with it at the end of the conversation."""
    shown = answer if len(answer) <= MAX_REPEATED else answer[:MAX_REPEATED] + " …"
    return ask.continued([Message("assistant", shown), Message("user", message)])


_FRAMES: dict[Tongue, tuple[str, str]] = {
    "en": (
        "Your last answer cannot be used:",
        "Write the whole answer again with this put right. Give only the answer, without an apology or a comment.",
    ),
    "ko": (
        "방금 한 답변은 사용할 수 없습니다:",
        "위 내용을 고쳐 답변 전체를 다시 작성하세요. 사과나 설명 없이 답변만 쓰세요.",
    ),
}
_NAMES = {
    "en": {"en": "English", "ko": "Korean", "ja": "Japanese", "zh": "Chinese"},
    "ko": {"en": "영어", "ko": "한국어", "ja": "일본어", "zh": "중국어"},
}


def _listed(terms: list[str]) -> str:
    return ", ".join(f'"{term}"' for term in terms[:MAX_LISTED])


def _unknown(_: Any, korean: bool) -> list[str]:
    return ["답변이 요구 사항에 맞지 않습니다." if korean else "It does not meet the requirements."]


def _missing(terms: list[str], korean: bool) -> list[str]:
    shown = _listed([term.rstrip("*") for term in terms])
    return [f"다음 표현이 반드시 들어가야 합니다: {shown}." if korean else f"It must contain: {shown}."]


def _forbidden(terms: list[str], korean: bool) -> list[str]:
    shown = _listed([term.rstrip("*") for term in terms])
    return [f"다음 표현을 쓰면 안 됩니다: {shown}." if korean else f"It must not contain: {shown}."]


def _range(least: int | None, most: int | None, korean: bool) -> str:
    if most is None:
        return f"{least} 이상" if korean else f"at least {least}"
    if not least:
        return f"{most} 이하" if korean else f"at most {most}"
    return f"{least}~{most}" if korean else f"{least} to {most}"


def _brands(issue: dict[str, Any], korean: bool) -> list[str]:
    shown, bounds = _listed(issue["terms"]), _range(issue["min"], issue["max"], korean)
    also = _brands(issue["also"], korean) if "also" in issue else []
    if korean:
        return [f"{shown} 언급 횟수는 {bounds}이어야 합니다 (현재 {issue['found']}회).", *also]
    return [f"It must mention {shown} {bounds} times (now {issue['found']}).", *also]


def _words(issues: list[dict[str, Any]], korean: bool) -> list[str]:
    lines = []
    for issue in issues:
        bounds, name = _range(issue["min"], issue["max"], korean), issue["section"]
        if korean:
            where = f'"{name}" 부분의' if name else "전체"
            lines.append(f"{where} 단어 수는 {bounds}이어야 합니다 (현재 {issue['found']}개).")
        else:
            where = f'The section "{name}"' if name else "It"
            lines.append(f"{where} must have {bounds} words (now {issue['found']}).")
    return lines


def _sections(names: list[str], korean: bool) -> list[str]:
    shown = _listed(names)
    return [f"다음 제목의 단락이 있어야 합니다: {shown}." if korean else f"It must have sections headed: {shown}."]


def _schema(faults: list[dict[str, str]], korean: bool) -> list[str]:
    head = "JSON이 요구된 스키마에 맞지 않습니다" if korean else "The JSON does not satisfy the schema"
    return [f"{head} ({fault['at'] or '/'}): {fault['what']}." for fault in faults]


def _invalid_json(_: Any, korean: bool) -> list[str]:
    if korean:
        return ["올바른 JSON이 아닙니다. 설명이나 코드 블록 없이 JSON 값 하나만 출력하세요."]
    return ["It is not valid JSON. Give one JSON value alone, without words or a code block around it."]


def _language(issue: dict[str, str], korean: bool) -> list[str]:
    name = _NAMES["ko" if korean else "en"][issue["expected"]]
    return [f"{name}로 써야 합니다." if korean else f"It must be written in {name}."]


def _custom(issues: list[dict[str, str]], korean: bool) -> list[str]:
    return [issue["what"] for issue in issues]


_LINES: dict[str, Callable[[Any, bool], list[str]]] = {
    "missing_terms": _missing,
    "forbidden_terms": _forbidden,
    "brand_mentions": _brands,
    "word_count": _words,
    "missing_sections": _sections,
    "schema": _schema,
    "invalid_json": _invalid_json,
    "language": _language,
    "custom": _custom,
}
