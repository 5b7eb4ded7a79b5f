"""URLs that are secrets."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("https://hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/" + LONG[:24], f"https://hooks.slack.com/services/{M}"),
    (
        "https://hooks.slack.com/workflows/T0A1B2C3D/A0A1B2C3D/1234/" + LONG[:24],
        f"https://hooks.slack.com/workflows/{M}",
    ),
    ("https://discord.com/api/webhooks/123456789012345678/" + LONG[:68], f"https://discord.com/api/webhooks/{M}"),
    (
        "https://discordapp.com/api/v10/webhooks/123456789012345678/" + LONG[:68],
        f"https://discordapp.com/api/v10/webhooks/{M}",
    ),
    ("https://x.webhook.office.com/webhookb2/" + HEX[:40], f"https://x.webhook.office.com/webhookb2/{M}"),
    ("https://hooks.zapier.com/hooks/catch/123456/" + LONG[:20], f"https://hooks.zapier.com/hooks/catch/{M}"),
    ("https://open.feishu.cn/open-apis/bot/v2/hook/" + HEX[:36], f"https://open.feishu.cn/open-apis/bot/v2/hook/{M}"),
    (
        '{"u":"https:\\/\\/hooks.slack.com\\/services\\/T0A1B2C3D\\/B0A1B2C3D\\/' + LONG[:24] + '"}',
        f'{{"u":"https:\\/\\/hooks.slack.com\\/services\\/{M}"}}',
    ),
    ("https://" + HEX[:32] + "@o1.ingest.sentry.io/2", f"https://{M}/2"),
    ("https://" + LONG[:40] + "@git.example.org/x", f"https://{M}/x"),
]

LEFT = [
    "https://hooks.slack.com/services/",
    "https://hooks.slack.com/services/XXXX/XXXX/XXXXXXXXXXXXXXXXXX",
    "https://discord.com/api/webhooks/",
    "https://slack.com/help/articles/115005265063",
    "https://example-host-name-long/path",
    "https://user@host/x",
    "https://3f9a0c7e1b5d82460af13f9a0c.example.org/x",
    "hooks.slack.com",
    "https://discord.com/channels/123456789012345678/1",
    "https://hooks.zapier.com/hooks/catch/",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
