"""Tokens of chat and mail services."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

RULE = family(
    "messaging_key",
    (
        r"(?:xoxe\.)?xox[a-z]-[A-Za-z0-9\-]{8,}",  # Slack
        r"xapp-[0-9]-[A-Za-z0-9\-]{16,}",
        r"(?:SK|AC)[0-9a-f]{32}",  # Twilio
        r"SG\.[A-Za-z0-9_\-]{12,}\.[A-Za-z0-9_\-]{16,}",  # SendGrid
        r"key-[0-9a-f]{32}",  # Mailgun
        r"xkeysib-[a-f0-9]{40,}-[A-Za-z0-9]{12,}",  # Brevo
        r"re_[A-Za-z0-9]{6,}_[A-Za-z0-9]{16,}",  # Resend
        r"EAA[A-Z][A-Za-z0-9]{80,}",  # Facebook
        r"oauth:[a-z0-9]{30}",  # Twitch
        r"A{20,}[A-Za-z0-9%]{60,}",  # X
        r"md-[A-Za-z0-9_\-]{22}",  # Mandrill
        r"CFPAT-[A-Za-z0-9_\-]{40,}",  # Contentful
    ),
    "the vendors' own pages (Slack: token types; Twilio: SIDs); gitleaks' rules (MIT)",
)
