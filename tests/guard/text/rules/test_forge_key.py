"""Tokens of code forges, registries and build services."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4
FRAMES = ("%s", "key %s.", '{"k":"%s"}', "키는 %s입니다", "see /x?y=%s&z=1", "Cookie-like: a=%s; b")

KEYS = [
    "ghp_" + LONG[:36],
    "gho_" + LONG[:36],
    "ghu_" + LONG[:36],
    "ghs_" + LONG[:36],
    "ghr_" + LONG[:36],
    "github_pat_" + LONG[:22] + "_" + LONG[:59],
    "glpat-" + LONG[:20],
    "glpat-" + LONG[:27] + ".01." + "0a1b2c3d4",
    "gldt-" + LONG[:20],
    "glrt-" + LONG[:20],
    "glcbt-" + "64_" + LONG[:20],
    "GR1348941" + LONG[:20],
    "ATATT3" + LONG,
    "ATBB" + LONG[:32],
    "npm_" + LONG[:36],
    "pypi-" + "AgEI" + LONG,
    "rubygems_" + HEX[:48],
    "dckr_pat_" + LONG[:27],
    "CCIPAT_" + LONG[:40],
    "squ_" + HEX[:40],
]

LEFT = [
    "glpat-xxxxxxxxxxxxxxxxxxxx",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "npm_config_registry_for_packages",
    "npm_package_version_of_the_project",
    "pypi-publish-action-of-the-project",
    "github_patch_of_the_day",
    "ghp_your_token_here_please",
    "commit 3f9a0c7e1b5d82460af13f9a0c7e1b5d82460af1",
    "glossary-of-terms-and-conditions",
    "gldt-short",
    "rubygems_and_bundler",
    "squ_short1",
    "dckr_pat_",
    "sha512-" + LONG,
    "refs/pull/1234/head",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
