"""Keys of payment services."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4
FRAMES = ("%s", "key %s.", '{"k":"%s"}', "키는 %s입니다", "see /x?y=%s&z=1", "Cookie-like: a=%s; b")

KEYS = [
    "sk_live_" + LONG[:24],
    "sk_test_" + LONG[:24],
    "rk_live_" + LONG[:24],
    "pk_live_" + LONG[:24],
    "whsec_" + LONG[:32],
    "sq0atp-" + LONG[:22],
    "sq0csp-" + LONG[:43],
    "EAAA" + LONG[:60],
    "access_token$production$" + "q7rt2xv9lm4kp8zw" + "$" + HEX[:32],
    "test_sk_" + LONG[:32],
    "live_sk_" + LONG[:32],
    "test_gsk_" + LONG[:32],
    "live_ck_" + LONG[:32],
    "rzp_live_" + LONG[:14],
    "FLWSECK-" + HEX[:32] + "-X",
    "shippo_live_" + HEX[:40],
]

LEFT = [
    "sk_live_xxxxxxxxxxxxxxxx",
    "pk_users_id_index",
    "pk_accounts_user_id_and_more",
    "test_skips_the_slow_ones",
    "test_client_reads_everything",
    "live_stream_of_the_event",
    "rzp_live_short",
    "order_9A33XWu170gUtm",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "cus_NffrFeUfNV2Hib",
    "price_1MoBy5LkdIwHu7ix",
    "whsec_",
    "sk_SK locale",
    "sq0atp-short",
    "paymentKey 5zJ4xY7m0kODnyRpQWGrN2xqGlNvLrKwv1M9ENjbeoPaZdL6",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
