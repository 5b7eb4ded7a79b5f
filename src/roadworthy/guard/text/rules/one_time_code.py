"""One-time codes and PINs: four to eight digits behind a name that says so."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_DIGITS = compiled_later(rb"[0-9]{4,8}|[0-9]{3}[ \-][0-9]{3}")
_SECONDS = compiled_later(rb"[0-9]{4,8}[ ]?(?:ms|s|sec|seconds|minutes|bytes|px)\b|[0-9]{4,8}[.:][0-9]")


def _code(candidate: Candidate) -> Span | None:
    text = candidate.line.text
    if _SECONDS.match(text, candidate.end):
        return None
    found = _DIGITS.match(text, candidate.end)
    return Span(*found.span()) if found else None


RULE = Rule(
    name="one_time_code",
    kind=Kind.PASSWORD,
    before=r"(?:^|[^0-9A-Za-z]|\\[nrt])",
    core=(
        r"(?:(?i:otp(?: code)?|totp|one[ \-]time (?:code|password|passcode)|pin(?:[ _\-]?(?:code|number|no))?"
        r"|(?:verification|security"
        r"|2fa|mfa|sms|auth(?:entication)?|login|confirmation)[ _\-]code)|인증 ?번호|인증 ?코드|보안 ?코드|핀 ?번호"
        r"|PIN ?번호|認証コード|確認コード|验证码"
        r"|驗證碼|[Cc]ódigo de verificación|[Cc]ode de vérification|Bestätigungscode|код подтверждения)"
        r"\\{0,15}[\"'`]?[ \t]{0,2}(?:is|was|:|=|=>|는|은|이|が|は|是|为|ist|est|es"
        r"|[(\[])?[ \t]{0,2}:?[ \t]{0,2}\\{0,15}[\"'`(\[]?"
    ),
    after=r"[0-9]{3}[0-9 \-][0-9]{0,4}(?:[^0-9]|$)",
    check=_code,
    source="RFC 6238, RFC 4226 §5.3 (six to eight digits), ISO 9564-1 (four to twelve)",
    score=0.75,
)
