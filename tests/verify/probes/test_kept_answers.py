"""PER-05: the product's own cache, whole and with one rule of it broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rig.verification import Verified
from rig.verify_service import CONFIG, MODES
from roadworthy.verify.outcome import Status

pytestmark = pytest.mark.long

FLAWS = {
    "tenant": (
        "import roadworthy.gateway.cache.key as key\n"
        "real = key.question\n"
        "key.question = lambda tenant, *rest, **more: real('x', *rest, **more)\n"
    ),
    "system prompt": (
        "import roadworthy.gateway.cache.key as key\n"
        "real = key._values\n"
        "def values(raws):\n"
        "    found = real(raws)\n"
        "    found['messages'] = [each for each in found['messages'] if each['role'] == 'user']\n"
        "    return found\n"
        "key._values, key._ambiguous = values, lambda raws, canonical: False\n"
    ),
    "name": (
        "import roadworthy.gateway.cache.key as key\n"
        "real = key._canonical\n"
        "key._canonical = lambda value: real(value[:1] if isinstance(value, list) else value)\n"
    ),
    "never_asked": (
        "import roadworthy.gateway.cache.key as key\nkey.NOT_IN_KEY = frozenset({*key.NOT_IN_KEY, 'messages'})\n"
    ),
    "expired": (
        "import roadworthy.gateway.edge.answer_cache as kept\nkept.AnswerCache.fresh_s = lambda self, route: 1e6\n"
    ),
    "unmarked": (
        "import roadworthy.gateway.edge.answer as answer\n"
        "real = answer.KeptExtra\n"
        "answer.KeptExtra = lambda *rest, **more: real(*rest, **{**more, 'warning': None})\n"
    ),
}
"""One rule of the cache that is broken, as a change of one function in every process of the second edge."""


@pytest.mark.parametrize(
    ("config", "status"),
    [
        (MODES, "pass"),
        (CONFIG.replace("enabled: true", "enabled: true, stale_s: 0"), "pass"),
        (CONFIG.replace("enabled: true", "enabled: false"), "not_applicable"),
        (CONFIG.replace("deadline_s: 10", "deadline_s: 10, cache: 'off'"), "not_measured"),
    ],
)
def test_the_products_own_cache(config: str, status: str, verified: Verified, running: Callable[..., str]) -> None:
    outcome = verified("PER-05", service=running(config), timeout_s=100.0)
    assert outcome.status == status, repr(outcome)
    if status == "pass":
        assert {each.name: each.value for each in outcome.measured}["hits"] == 1.0
        assert "0 of" in outcome.reason


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_broken_rule_is_found(
    flaw: str, verified: Verified, running: Callable[..., str], flawed: Callable[[str], None]
) -> None:
    flawed(FLAWS[flaw])
    outcome = verified("PER-05", service=running(MODES), timeout_s=100.0)
    assert outcome.status is Status.FAIL, repr(outcome)
    if flaw in ("tenant", "system prompt", "name"):
        assert {each.rule for each in outcome.findings} == {"crossed"}
        assert any(f"another {flaw}" in each.message for each in outcome.findings)
    else:
        assert flaw in {each.rule for each in outcome.findings}, outcome.findings
