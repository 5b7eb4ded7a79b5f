"""What stands where a secret would be and is none: placeholders, templates, references, code, sentences, marks."""

from __future__ import annotations

import re

from roadworthy.guard.text.later import compiled_later

_WORDS = (
    rb"true|false|null|none|nil|nan|undefined|yes|no|on|off|enabled?|disabled?|empty|blank|unset|default|auto|n/?a"
    rb"|tb[ad]"
    rb"|todo|fixme|dummy|example|sample|placeholder|change[_\- ]?(?:me|this|it)|replace[_\- ]?(?:me|this)"
    rb"|redacted|masked|hidden|removed|filtered|omitted|secure|sensitive|required|optional|missing|invalid"
    rb"|incorrect|wrong"
    rb"|mismatch|expired|valid|ok|success|succeeded|failed|failure|error|denied|rejected|revoked|rotated|present"
    rb"|absent"
    rb"|provided|unknown|unchanged|changed|updated|reset|encrypted|hashed|plain(?:text)?|not[_\- ]?(?:set|found"
    rb"|given)"
    rb"|include|same-origin|omit|inherit|prompt|disallow|allow|accepted|verified|unverified|bearer|basic|digest|jwt"
    rb"|oauth2?"
)
_TYPES = (
    rb"str|string|int|integer|bool|boolean|bytes|bytea|char|text|varchar|any|object|number|float|date|void|unknown"
    rb"|never"
    rb"|secretstr|&str|std::string|\*string|\[\]byte|nsstring|charsequence|password|secret|token|key"
)
_TEMPLATES = (
    rb"\$\{[^}]*\}?|\{\{.*|\{%.*%\}|<[^<>]*>?|\[[A-Za-z _\-]+\]?|\(\w+\)|\$\(.*\)?|%[A-Za-z_]\w*%|\$[A-Z_][A-Z0-9_]*"
    rb"|\$[a-z_]*(?:pass|pwd|pw|token|secret|key)[a-z_]*|@[A-Z_]+@|#\{.*\}|\{[A-Za-z_][\w.]*\}?|%\(\w+\)s|%[sdvr]"
    rb"|__[A-Z_]+__"
    rb"|:[a-z_]+|\$[0-9?]|![A-Za-z]\w*.*"
)
_REFERENCES = (
    rb"(?:env|file|vault|op|ssm|arn|keyring|aws-sm|gcp-sm|azure-kv|sops|secretref)(?::/{0,2}[A-Za-z_./].*|\s.*)?"
)
_BEGINNINGS = (
    rb"(?:your|my|the|insert|enter|replace|put|paste|add|use)[_\- ]+[a-z_\- ]*"
    rb"(?:key|token|secret|pass\w*|here|this|value).*"
)
_ENDINGS = rb"[a-z_\-]*(?:placeholder|_here|-here|changeme|redacted)"
_PLACEHOLDER = compiled_later(
    rb"(?:%b)[.!]?" % b"|".join((_WORDS, _TYPES, _TEMPLATES, _REFERENCES, _BEGINNINGS, _ENDINGS)),
    re.IGNORECASE | re.DOTALL,
)
_NOTHING = compiled_later(rb"(?:[^0-9A-Za-z\x80-\xff\\]|\xe2\x80[\xa2\xa6]|\xe2\x97[\x8b\x8f]|\xc2\xb7)*")
_CROSSED_OUT = compiled_later(
    rb"[A-Za-z0-9]{0,6}[_\-]?(?:[A-Za-z]{2,8}[_\-])?(?:[xX]{3,}|\.{3,}|[*#?_]{3,})[xX.*#?_\-]*"
)
_MARK = compiled_later(
    rb"\*\*\*(?:[A-Z0-9_]+_)?MASKED(?::[0-9A-Za-z]{0,4})?\*\*\*|(?:password|api_key|jwt|private_key"
    rb"|url_password)_[0-9a-f]{16}"
)
_CODE = compiled_later(
    rb"(?:await|new|function|lambda|async|return|if|not|import|typeof)\b.*"
    rb"|[A-Za-z_][\w.]*(?:\((?:[A-Za-z_\"').{\[].*)?|\[(?:[\"'0-9a-z_].*)?)|[A-Za-z_]\w*(?:\?\.|->|::)\w.*"
    rb"|(?:os|process|config|conf|settings?|self|this|request|req|res|params?|args|kwargs|env|system|cfg|ctx"
    rb"|context|options|opts"
    rb"|props|state|data|body|form|user|var|vars|local|module|secrets|session|credentials?|inputs?|event|values?"
    rb"|github|steps)"
    rb"\.[A-Za-z_][\w.]*[;,)]*|(?:optional|option|union|list|maybe|dict|annotated|promise|nullable)[\[<].*"
    rb"|(?:str|string|int|bytes|any)[ ]?[|?;].*|n?(?:var)?(?:char2?|binary)\(.*|[|>][+-]?",
    re.IGNORECASE | re.DOTALL,
)
_PATH = compiled_later(
    rb"(?:[/~.][\w./\-~]*|[A-Za-z]:\\[^\n]*|[\w./\-]+)\.(?:pem|key|crt|cer|json|txt|p12|pfx|jks|ya?ml|env|der|ppk"
    rb"|asc)"
)
_DIRECTORY = compiled_later(rb"(?:/|~/|\./|[A-Za-z]:\\)[\w./\- \\]*")
_SENTENCE = compiled_later(rb"[A-Za-z'`(][A-Za-z'`,()\-]*(?:[ \t]+(?:[A-Za-z'`,:()./\-]+|[0-9]{1,3}))+[.!]?", re.DOTALL)
_TELLING = compiled_later(
    rb"\b(?:must|required?|invalid|incorrect|missing|expired|too|least|cannot|can't|not|reset|changed|updated"
    rb"|mismatch|match"
    rb"|failed|forgot|forgotten|should|wrong|characters|contain|field|please|enter|policy|has|have|been|will|longer"
    rb"|used)\b",
    re.IGNORECASE,
)
_PROSE_WORD = compiled_later(
    rb"(?:must|should|shall|is|are|was|were|be|been|being|has|have|had|will|would|can|could|cannot|may|might|does"
    rb"|did|do|needs?"
    rb"|expects?|expected|unexpected|got|the|a|an|and|or|but|for|from|of|in|on|at|to|by|with|without|as|it|its|this"
    rb"|that|these"
    rb"|your|our|their|my|his|her|please|enter|use|uses|using|used|if|when|because|see|only|never|always|between"
    rb"|length|min|max"
    rb"|minimum|maximum|at|least|attempts?|line|column|too|not|no|field|unable|access|user|users|request|response"
    rb"|limit|count"
    rb"|usage|budget|policy|login|sign|authentication|auth|permission|rotation|strength|manager|store|vault|hash"
    rb"|hashing|value"
    rb"|refresh|refreshed|created|deleted|generated|issued|stored|saved|sent|received|checked|ignored|skipped|could"
    rb"|must|contains?"
    rb"|malformed|unauthorized|forbidden|unsupported|one|two|three|flags?|options?|arguments?|parameters?|any|all"
    rb"|some|same|old|new|current|temporary|now|then|also|still)",
    re.IGNORECASE,
)  # fmt: skip


def is_mark(value: bytes) -> bool:
    """Whether the value is what takes a finding's place."""
    return _MARK.fullmatch(value) is not None


def is_placeholder(value: bytes) -> bool:
    """Whether the value, without its quotes, stands for a secret and is none."""
    if len(value) > 256:
        return False
    return any(form.fullmatch(value) for form in (_NOTHING, _MARK, _PLACEHOLDER, _CROSSED_OUT, _PATH))


def is_code(value: bytes) -> bool:
    """Whether a value without quotes is an expression or a type of a programming language, or a mark of YAML."""
    return _CODE.fullmatch(value[:256]) is not None


def is_directory(value: bytes) -> bool:
    """Whether the value is a path."""
    return _DIRECTORY.fullmatch(value[:256]) is not None


def is_sentence(value: bytes) -> bool:
    """Whether a value in quotes is a message to a person, such as `is required`."""
    return len(value) <= 256 and _TELLING.search(value) is not None and _SENTENCE.fullmatch(value) is not None


def is_prose_word(value: bytes) -> bool:
    """Whether the value is a word that goes on with a sentence."""
    return _PROSE_WORD.fullmatch(value.rstrip(b".,;:!?")) is not None
