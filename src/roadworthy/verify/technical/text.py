"""What persons wrote under a heading: whether it says something, and the section of a page that is meant."""

from __future__ import annotations

import re

LEAST_WORDS = 5
LEAST_SIGNS = 12
"""In scripts that do not part words by blanks."""
LEAST_DISTINCT = 4
_PLACEHOLDER = re.compile(
    r"(?i:\btb[dca]\b)|\bTODO\b|\bFIXME\b|\bX{3,}\b|(?i:lorem ipsum dolor)|(?i:\bcoming soon\b)"
    r"|(?im:\bto be (?:determined|decided|defined|announced|confirmed|completed|written|done|filled in|added)"
    r"[ \t]*(?:[.;:!)]|$))"
    r"|(?i:[\[<{](?:describe|insert|fill in|explain)\b[^\[\]<>{}\n]{0,200}[\]>}])"
    r"|추후 (?:작성|기재|보완|결정)|작성 (?:예정|중)|(?m:^[ \t]*미정[ \t.]*$)"
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_LINK = re.compile(r"(!?)\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)")
_MARKUP = re.compile(r"[*_`~>|#]+|^[ \t]*[-+][ \t]+|^[ \t]*\d+[.)][ \t]+", re.M)
_HEADING = re.compile(r"(#{1,6})(?=[ \t])")
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SIGN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_NOBODY = frozenset(("n/a", "na", "none", "nobody", "someone", "somebody", "author", "name", "your name", "me"))


def fault(text: str) -> str:
    """What is wrong with a text, as the end of a sentence; empty when it can stand.

    Args:
        text: Markdown or plain.
    """
    bare = _bare(text)
    words = _WORD.findall(bare)
    if not words:
        return "nothing is written"
    found = _PLACEHOLDER.search(_prose(text))
    if found is not None:
        return f"it holds a placeholder ({' '.join(found[0].split())[:40]})"
    signs = len(_SIGN.findall(bare))
    if len(words) < LEAST_WORDS and signs < LEAST_SIGNS:
        return f"{len(words)} words say too little" if len(words) > 1 else "one word says too little"
    if len({word.casefold() for word in words}) < LEAST_DISTINCT and signs < LEAST_SIGNS:
        return "it says the same word again and again"
    return ""


def fault_of_author(name: str) -> str:
    """What is wrong with the name of an author; empty when nothing is."""
    plain = " ".join(name.split())
    if len(plain) < 2 or plain.casefold() in _NOBODY or _PLACEHOLDER.search(plain):
        return "nobody is named who wrote it"
    return ""


def same(text: str) -> str:
    """What two texts have in common that say the same."""
    return " ".join(word.casefold() for word in _WORD.findall(_bare(text)))


def section(page: str, anchor: str) -> str | None:
    """The part of a Markdown page below a heading, as its anchor names it; None when there is none.

    Args:
        page: The page.
        anchor: As forges make it: small letters, blanks as `-`, other marks left out.
    """
    found: list[str] | None = None
    level, fence = 0, ""
    for line in page.splitlines():
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        head = _HEADING.match(line) if not fence else None
        if head is not None and found is not None and len(head[1]) <= level:
            break
        if found is not None:
            found.append(line)
        elif head is not None and slug(line[head.end() :].strip().rstrip("#")) == anchor.lower():
            found, level = [], len(head[1])
    return None if found is None else "\n".join(found).strip()


def slug(title: str) -> str:
    """The anchor of a heading."""
    plain = _LINK.sub(r"\2", title).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def _prose(text: str) -> str:
    """The text without comments, addresses and blocks of code, in which `<insert key>` may stand."""
    kept, fence = [], ""
    for line in _LINK.sub(lambda link: link[2], _COMMENT.sub(" ", text)).splitlines():
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence:
            kept.append(line)
    return "\n".join(kept)


def _bare(text: str) -> str:
    """The words that people read: no comments, headings, addresses or markup."""
    lines = [line for line in _COMMENT.sub(" ", text).splitlines() if not _HEADING.match(line)]
    return _MARKUP.sub(" ", _LINK.sub(lambda link: "" if link[1] else link[2], "\n".join(lines)))
