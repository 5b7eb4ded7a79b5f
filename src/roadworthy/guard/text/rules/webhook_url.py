"""URLs that are secrets themselves: webhooks, and tokens in the place of a user."""

from __future__ import annotations

from roadworthy.guard.text.checks.placeholder import is_placeholder
from roadworthy.guard.text.checks.shape import is_random
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_PATH = compiled_later(rb"[A-Za-z0-9_\-]+(?:\\?/[A-Za-z0-9_\-@.]+)*")
_USER = compiled_later(rb"[A-Za-z0-9_\-]{20,256}(?=@)")
_LEAST_PATH = 24


def _path(candidate: Candidate) -> Span | None:
    found = _PATH.match(candidate.line.text, candidate.end)
    if found is None or len(found.group()) < _LEAST_PATH or b"xxxx" in found.group().lower():
        return None
    return Span(candidate.end, found.end())


def _user(candidate: Candidate) -> Span | None:
    start = candidate.value.rfind(b"/") + 1 + candidate.start
    found = _USER.match(candidate.line.text, start)
    if found is None or is_placeholder(found.group()) or not is_random(found.group(), 20):
        return None
    return Span(*found.span())


RULES = (
    Rule(
        name="webhook_url",
        kind=Kind.API_KEY,
        core=(
            r"hooks\.slack\.com\\?/(?:services|workflows|triggers)\\?/"
            r"|discord(?:app)?\.com\\?/api\\?/(?:v[0-9]{1,2}\\?/)?webhooks\\?/"
            r"|webhook\.office\.com\\?/webhookb2\\?/|hooks\.zapier\.com\\?/hooks\\?/catch\\?/"
            r"|hook\.[a-z0-9.]{0,12}make\.com\\?/"
            r"|open\.(?:feishu\.cn|larksuite\.com)\\?/open-apis\\?/bot\\?/v2\\?/hook\\?/"
        ),
        check=_path,
        source="the vendors' own pages (Slack: incoming webhooks, Discord: webhooks); gitleaks' rules (MIT)",
        score=0.95,
    ),
    Rule(
        name="token_in_url",
        kind=Kind.URL_PASSWORD,
        core=r":\\?/\\?/[A-Za-z0-9_\-]{20}",
        check=_user,
        source="RFC 3986 §3.2.1 (userinfo); Sentry: DSN; GitHub: HTTPS with a token",
        score=0.96,
    ),
)
