"""Price tables: the packaged one is whole, the user's are laid over it, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.prices import PACKAGED, collected, read_table, table_date
from roadworthy.runtime.config.report import ConfigInvalid
from roadworthy.runtime.config.tree import KINDS, ModelPrice, Prices

HEAD = "date: 2026-07-01\ncurrency: USD\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_packaged_table_is_whole() -> None:
    table = read_table(PACKAGED)
    assert table.models
    assert set(table.sources) == {label.partition("/")[0] for label in table.models} <= set(KINDS)
    for label, price in table.models.items():
        assert 0 < price.input < 100, label
        assert price.output >= price.input or "embedding" in label, label
        assert price.cached_input is None or price.cached_input < price.input, label
        assert price.cache_write is None or price.cache_write == pytest.approx(1.25 * price.input), label


def test_rows_are_laid_over_each_other() -> None:
    rows = "  openai/gpt-4.1: {input: 7, output: 8}\n  vllm/qwen: {input: 1, output: 2}"
    Path("p.yaml").write_text(f"{HEAD}models:\n{rows}")
    prices = Prices(
        file="p.yaml",
        models={"vllm/qwen": ModelPrice(input=3.0, output=4.0), "second/gpt-4.1": ModelPrice(input=5.0, output=6.0)},
    )
    found = collected(prices, {"oa": "openai", "second": "openai", "vllm": "compatible"})
    assert found["oa"]["gpt-4.1"].input == 7
    assert found["second"]["gpt-4.1"].input == 5
    assert found["vllm"]["qwen"].input == 3
    assert found["oa"]["gpt-4.1-mini"].input == 0.4
    assert table_date(prices) == "2026-07-01"


def test_a_name_that_is_also_a_kind_means_the_provider() -> None:
    prices = Prices(models={"openai/m": ModelPrice(input=1.0, output=1.0)})
    found = collected(prices, {"openai": "compatible", "other": "openai"})
    assert "m" in found["openai"]
    assert "m" not in found["other"]
    assert "gpt-4.1" not in found["openai"], "packaged rows count by kind"


BROKEN = [
    ("models: [", "not valid YAML. p.yaml at line 1"),
    ("", "p.yaml: the file: input should be a valid dictionary"),
    ("models: {}", "p.yaml: date: field required; currency"),
    ("date: 2026-13-01\ncurrency: USD\nmodels: {}", "it cannot be read"),
    ("date: soon\ncurrency: USD\nmodels: {}", "p.yaml: date: "),
    ("date: 2026-07-01\ncurrency: EUR\nmodels: {}", "p.yaml: currency: input should be 'USD'"),
    (HEAD + "models: {a/b: {input: -1, output: 2}}", "models.a/b.input: input should be greater than or equal to 0"),
    (HEAD + "models: {a/b: {input: .nan, output: 2}}", "models.a/b.input"),
    (HEAD + "models: {a/b: {input: 1e9, output: 2}}", "models.a/b.input"),
    (HEAD + "models: {a/b: {input: x, output: 2}}", "models.a/b.input: input should be a valid number"),
    (HEAD + "models: {a/b: {input: 1}}", "models.a/b.output: field required"),
    (HEAD + "models: {a/b: {input: 1, output: 2, outptu: 2}}", "models.a/b.outptu"),
]


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_broken_tables_are_named(text: str, told: str) -> None:
    Path("p.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_table(Path("p.yaml"))
    assert caught.value.code == "config_invalid"
    assert told in str(caught.value)


def test_a_table_that_is_not_there_or_too_large() -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_table(Path("p.yaml"))
    Path("p.yaml").write_bytes(b"#" * 1_048_577)
    with pytest.raises(ConfigError, match="too large"):
        read_table(Path("p.yaml"))


CHAIN = """
gateway:
  providers:
    oa: {kind: openai, base_url: "http://127.0.0.1:1/v1", api_key: "env:OA_KEY"}
    vllm: {kind: compatible, base_url: "http://127.0.0.1:1/v1"}
  routes: {chat: {chain: [%s]}}
"""


def read(more: str, chain: str = "oa/gpt-4.1-mini, vllm/qwen"):
    Path("roadworthy.yaml").write_text(CHAIN % chain + more)
    return load(environ={})


FAULTS = [
    ("  budget: {default: {usd_per_day: 1}}", "gateway.routes.chat.chain[1]: has no price"),
    ("  budget: {default: {usd_per_day: -1}}", "gateway.budget.default.usd_per_day: expected a number from 0"),
    ("  budget: {default: {usd_per_day: .inf}}", "gateway.budget.default.usd_per_day: expected a number"),
    ("  budget: {default: {usd_per_day: 1e12}}", "gateway.budget.default.usd_per_day: expected a number from 0 to"),
    ("  budget: {default: {requests_per_minute: 0}}", "requests_per_minute: expected a whole number from 1"),
    ("  budget: {default: {tokens_per_day: 1.5}}", "tokens_per_day: expected a whole number"),
    ("  budget: {unpriced: ignore}", "gateway.budget.unpriced: expected one of refuse, allow"),
    ("  prices: {file: p.yaml}", "gateway.prices.file: The price table cannot be read"),
    ("  prices: {models: {qwen: {input: 1, output: 2}}}", "gateway.prices.models.qwen: expected provider/model"),
    ("  prices: {models: {vlm/qwen: {input: 1, output: 2}}}", "did you mean `vllm`?"),
    ("  prices: {models: {embedded/x: {input: 1, output: 2}}}", "no provider of this name or kind is configured"),
    ("  prices: {models: {vllm/qwen: {input: 1}}}", "gateway.prices.models.vllm/qwen.output: is missing"),
]


@pytest.mark.parametrize(("more", "told"), FAULTS)
def test_faults_are_found_at_config_check(more: str, told: str) -> None:
    try:
        problems = read(more).warnings
    except ConfigInvalid as error:
        problems = tuple(error.problems)
    assert [told in str(problem) for problem in problems] == [True], problems


GOOD = [
    "  budget: {default: {usd_per_day: 1}, unpriced: allow}",
    "  budget: {default: {usd_per_day: 1}}\n  prices: {models: {vllm/qwen: {input: 0, output: 0}}}",
    "  budget: {default: {tokens_per_day: 10000}}",
]


@pytest.mark.parametrize("more", GOOD)
def test_good_budgets(more: str) -> None:
    assert read(more).warnings == ()


def test_dated_models_patterns_and_the_embedded_model_need_no_row_of_their_own() -> None:
    more = "  budget: {default: {usd_per_day: 1}}\n  prices: {models: {vllm/qwen: {input: 1, output: 1}}}"
    assert read(more, "oa/gpt-4.1-mini-2025-04-14, oa/*, vllm/qwen-latest").warnings == ()
    Path("roadworthy.yaml").write_text("gateway: {budget: {default: {usd_per_day: 1}}}")
    assert load(environ={}).warnings == ()


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("usd_per_day: 0", "usd_per_day: 0 allows nothing"),
        ("tokens_per_day: 0", "tokens_per_day: 0 allows nothing"),
        ("tokens_per_minute: 4096", "refuses requests without max_tokens"),
    ],
)
def test_budgets_that_are_most_likely_not_meant(limits: str, told: str) -> None:
    (warning,) = read(f"  budget: {{default: {{{limits}}}, unpriced: allow}}").warnings
    assert told in str(warning)
