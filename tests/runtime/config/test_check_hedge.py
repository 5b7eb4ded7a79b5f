"""Hedges that could never be sent, or could never be paid for."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import load

HEAD = """version: 1
gateway:
  providers:
    a: {kind: compatible, base_url: "http://127.0.0.1:1/v1"}
    b: {kind: compatible, base_url: "http://127.0.0.1:2/v1"}
  prices: {models: {a/m: {input: 1, output: 2}, b/m: {input: 1, output: 2}}}
"""
TABLE = [
    ("chain: [a/m, b/m], hedge: {}", "chat.hedge", "after_percentile or both"),
    ("chain: [a/m, b/m], hedge: {after_s: 30}", "hedge.after_s", "deadline of 30 s comes first"),
    ("chain: [a/m, b/m], hedge: {after_s: 16}", "hedge.after_s", "after 15 s (a fair share of the deadline)"),
    ("chain: [a/m, b/m], try_timeout_s: 2, hedge: {after_s: 2}", "hedge.after_s", "after 2 s (try_timeout_s)"),
    ("chain: [a/m], hedge: {after_s: 1}", "chat.hedge", "one target (a/m)"),
    ("chain: [a/m, a/m], hedge: {after_s: 1}", "chat.hedge", "one target (a/m)"),
    ("chain: [a/m, b/m], hedge: {after_s: 0}", "hedge.after_s", "above 0"),
    ("chain: [a/m, b/m], hedge: {after_percentile: 20}", "hedge.after_percentile", "50"),
    ("chain: [a/m, b/m], hedge: {after_s: 1, max_extra_cost: 5}", "hedge.max_extra_cost", "1"),
    ("chain: [a/m, b/m], hedge: {afters: 1}", "hedge.afters", "did you mean"),
]


def written(folder: Path, text: str) -> Path:
    path = folder / "roadworthy.yaml"
    path.write_text(HEAD + text)
    return path


@pytest.mark.parametrize(("route", "where", "told"), TABLE)
def test_a_hedge_that_makes_no_sense_is_refused(tmp_path: Path, route: str, where: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, f"  routes: {{chat: {{{route}}}}}\n"), environ={})
    text = f"{caught.value} {caught.value.why}"
    assert where in text
    assert told in text


MODES = """  routes:
    chat: {chain: [a/m, b/m], hedge: {after_s: 4}}
  modes:
    good: {roles: {main: [%s]}, timeout_s: %s%s}
"""


@pytest.mark.parametrize(
    ("chain", "timeout", "hedge", "told"),
    [
        ("a/m, b/m", 3, ", hedge: {after_s: 3}", "modes.good.hedge.after_s"),
        ("a/m", 9, ", hedge: {after_s: 3}", "modes.good.hedge"),
        ("chat", 3, "", "routes.chat.hedge.after_s"),
    ],
)
def test_the_hedge_of_a_mode_is_held_against_its_own_timeout(
    tmp_path: Path, chain: str, timeout: float, hedge: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, MODES % (chain, timeout, hedge)), environ={})
    assert told in f"{caught.value} {caught.value.why}"


def test_a_target_without_a_price_is_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "  routes: {chat: {chain: [a/m, b/other], hedge: {after_s: 1}}}\n")
    assert any("`b/other` has no price" in str(problem) for problem in load(path, environ={}).warnings)


def test_a_good_hedge_passes(tmp_path: Path) -> None:
    route = "chain: [a/m, b/m], hedge: {after_s: 1.5, after_percentile: 95, max_extra_cost: 0.1, window_s: 60}"
    loaded = load(written(tmp_path, f"  routes: {{chat: {{{route}}}}}\n"), environ={})
    assert not loaded.warnings
    hedge = loaded.config.gateway.routes["chat"].hedge
    assert hedge is not None
    assert (hedge.after_s, hedge.after_percentile, hedge.max_extra_cost, hedge.window_s) == (1.5, 95, 0.1, 60)
