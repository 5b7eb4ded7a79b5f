"""Keys whose mark stands inside of them or at their end. The pattern is the mark; the check looks to both sides."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_WORD = rb"(?<![0-9A-Za-z_.\-])"
_FORMS = {
    b"atlasv1": compiled_later(_WORD + rb"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=\-]{40,}"),  # Terraform
    b"NRAL": compiled_later(_WORD + rb"[0-9a-fA-F]{28,40}NRAL(?![0-9A-Za-z])"),  # New Relic
    b"_mmk": compiled_later(_WORD + rb"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),  # MaxMind
    b"-us": compiled_later(_WORD + rb"[0-9a-f]{32}-us[0-9]{1,2}(?![0-9A-Za-z\-])"),  # Mailchimp
    b"Q~": compiled_later(rb"(?<![0-9A-Za-z_~])[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{30,40}"),  # Microsoft Entra
    b"JQQJ99": compiled_later(_WORD + rb"[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{16,30}"),  # Azure
    b"ASt": compiled_later(rb"(?<![0-9A-Za-z_/+])[A-Za-z0-9/+]{70,80}\+ASt[A-Za-z0-9]{6}=="),  # Azure storage
    b":AA": compiled_later(rb"(?<![0-9])[0-9]{6,12}:AA[A-Za-z0-9_\-]{30,}"),  # Telegram
    b".": compiled_later(_WORD + rb"[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,45}"),  # Discord
}
_LONGEST_BEFORE = 90


def _key(candidate: Candidate) -> Span | None:
    text, value = candidate.line.text, candidate.value
    form = next(form for mark, form in _FORMS.items() if mark in value)
    for found in form.finditer(text, max(0, candidate.start - _LONGEST_BEFORE), candidate.end + 128):
        if found.start() <= candidate.start and found.end() >= candidate.end:
            return Span(found.start(), found.end())
    return None


RULE = Rule(
    name="key_with_mark_inside",
    kind=Kind.API_KEY,
    core=(
        r"\.atlasv1\.|[0-9a-f]NRAL|_mmk|[0-9a-f]-us[0-9]{1,2}|[0-9]Q~|JQQJ99[A-Z]|\+ASt[A-Za-z0-9]{6}=="
        r"|[0-9]:AA[A-Za-z0-9_\-]{8}|\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27}"
    ),
    check=_key,
    lead=r"[A-Za-z0-9_~./+=:\-]{1,90}",
    ahead=128,
    source="the vendors' own pages (Telegram bot API, Discord: authentication); gitleaks' rules (MIT)",
    score=0.95,
)
