"""Keys of vendors of language models."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4
UUID = "3f9a0c7e-1b5d-4246-8af1-0c7e1b5d8246"
FRAMES = ("%s", "key %s.", '{"k":"%s"}', "키는 %s입니다", "see /x?y=%s&z=1", "Cookie-like: a=%s; b")

KEYS = [
    "sk-" + LONG[:48],
    "sk-proj-" + LONG,
    "sk-svcacct-" + LONG,
    "sk-ant-" + "api03-" + LONG,
    "sk-or-v1-" + HEX[:64],
    "pplx-" + LONG[:48],
    "AIza" + LONG[:35],
    "gsk_" + LONG[:52],
    "hf_" + LONG[:34],
    "xai-" + LONG,
    "r8_" + LONG[:37],
    "csk-" + LONG[:48],
    "nvapi-" + LONG,
    "lsv2_pt_" + HEX[:32] + "_" + HEX[:10],
    "pcsk_" + LONG,
    "tvly-" + LONG[:32],
    "llx-" + LONG[:48],
    "up_" + LONG[:32],
    "fc-" + HEX[:32],
    "rw_" + LONG[:43],
    "jina_" + LONG,
]

LEFT = [
    "sk-learn-contrib",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-your-api-key-here",
    "task-0123456789abcdef",
    "sk-...",
    "hf_transformers_model_name",
    "gpt-4.1-mini-2026-04-14",
    "risk-assessment-2026-plan",
    "up_to_date_and_complete_list",
    "fw_version_number_of_device",
    "req_" + HEX[:24],
    HEX[:64],
    UUID,
    "disk-usage-of-volume-7",
    "huggingface.co/org/model-7b",
    "re_index_everything_now_please",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
