"""PER-04: costs on the product's own edge, whole and with one book that is kept wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rig.verification import Verified
from rig.verify_service import CONFIG, MODES
from roadworthy.verify.outcome import Status

long = pytest.mark.long
PRICED = CONFIG + "  prices: {models: {a/m: {input: 1.0, output: 4.0}, b/m: {input: 2.0, output: 8.0}}}\n"
"""500 tokens of prompt and 500 of the answer cost 0.0025 dollars at a and 0.005 at b."""
KINDS = """version: 1
gateway:
  providers:
    a: {kind: anthropic, api_key: "env:KEY_OF_A", base_url: "http://127.0.0.1:9/v1"}
    b: {kind: openai, api_key: "env:KEY_OF_B", base_url: "http://127.0.0.1:9/v1"}
  routes:
    chat: {chain: [a/claude-haiku-4-5, b/gpt-4.1]}
    other: {chain: [b/gpt-4.1, a/claude-haiku-4-5]}
"""

FLAWS = {
    "billed": (
        "import roadworthy.gateway.cost as cost\n"
        "real = cost.cost_usd\n"
        "cost.cost_usd = lambda price, usage: real(price, usage) * 0.9\n"
    ),
    "answers": (
        "import roadworthy.gateway.edge.answer as answer\n"
        "real = answer.total_usd\n"
        "answer.total_usd = lambda attempts: (real(attempts[-1:]) or 0.0)\n"
    ),
    "metrics": (
        "import roadworthy.runtime.metrics as metrics\n"
        "real = metrics.Metrics.count\n"
        "def count(self, name, labels=(), by=1.0):\n"
        "    return real(self, name, labels, by / 2 if name == 'roadworthy_cost_usd_total' else by)\n"
        "metrics.Metrics.count = count\n"
    ),
    "ledger": (
        "import roadworthy.gateway.cost_report as report\n"
        "real = report._Sum.add\n"
        "def add(self, attempt):\n"
        "    if attempt.reason == 'ok':\n"
        "        real(self, attempt)\n"
        "report._Sum.add = add\n"
    ),
    "budget": ("import roadworthy.gateway.cost as cost\nreal = cost.nano\ncost.nano = lambda usd: real(usd) // 2\n"),
}
"""One book that is kept wrong, as a change of one function in every process of the second edge."""


@pytest.mark.parametrize(
    ("config", "settings", "status", "rules"),
    [
        pytest.param(PRICED, {"usd_per_request": 0.006}, "pass", set(), marks=long),
        pytest.param(PRICED, {"usd_per_request": 0.004}, "fail", {"dear"}, marks=long),
        pytest.param(PRICED, {"usd_per_request": 0.004, "completion_tokens": 100}, "pass", set(), marks=long),
        pytest.param(PRICED, {}, "not_measured", set(), marks=long),
        # other wire formats, whose streams count tokens in other places
        pytest.param(KINDS, {"usd_per_request": 0.1}, "pass", set(), marks=long),
        pytest.param(CONFIG, {"usd_per_request": 0.004}, "not_measured", set(), marks=long),
        pytest.param(MODES + PRICED.removeprefix(CONFIG).replace("{a/m", "{a/big: {input: 1, output: 1}, a/m"),
                     {"usd_per_request": 0.1}, "pass", set(), marks=long),
        pytest.param(
            CONFIG.replace('a: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}', "a: {kind: embedded}")
            .replace("chain: [a/m, b/m]", "chain: [a/smollm2-135m-instruct]"),
            {"usd_per_request": 0.0}, "pass", set(), marks=long,
        ),
    ],
)  # fmt: skip
def test_the_products_own_books(
    config: str, settings: dict[str, Any], status: str, rules: set[str], verified: Verified, running: Callable[..., str]
) -> None:
    outcome = verified("PER-04", service=running(config), timeout_s=100.0, **settings)
    assert outcome.status == status, repr(outcome)
    assert {each.rule for each in outcome.findings} == rules


@long
@pytest.mark.parametrize("flaw", FLAWS)
def test_a_book_that_is_kept_wrong_is_found(
    flaw: str, verified: Verified, running: Callable[..., str], flawed: Callable[[str], None]
) -> None:
    flawed(FLAWS[flaw])
    outcome = verified("PER-04", service=running(PRICED), timeout_s=100.0, usd_per_request=0.006)
    assert outcome.status is Status.FAIL, repr(outcome)
    wanted = {f"sum_{each}" for each in ("answers", "journal", "ledger", "metrics", "budget")}
    if flaw == "answers":
        wanted = {"sum_answers"}
    elif flaw != "billed":
        wanted = {f"sum_{flaw}"}
    assert {each.rule for each in outcome.findings} == wanted, outcome.findings
