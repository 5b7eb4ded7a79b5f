"""What the probes of a service stand on: intervals, metrics, canaries, the second configuration, the doubles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rig.verify_service import MODES
from roadworthy.runtime.config.load import load
from roadworthy.serve.wiring_verify import ports
from roadworthy.verify.service.asking import Caller, Question, ask_all
from roadworthy.verify.service.canary import canaries, hits
from roadworthy.verify.service.configuration import copy_of
from roadworthy.verify.service.double import FAILURES, PLACEHOLDER, Doubles, is_ours
from roadworthy.verify.service.exposition import parsed
from roadworthy.verify.service.stat import percentile, share, wilson


@pytest.mark.parametrize(
    ("hit", "n", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (95, 100, 0.8882, 0.9785)],
)
def test_wilson(hit: int, n: int, low: float, high: float) -> None:
    """Values of Wilson's interval as R's prop.test without correction prints them."""
    assert wilson(hit, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_a_share_of_nothing_is_unknown() -> None:
    assert share("x", 0, 0).value is None


def test_percentiles() -> None:
    found = percentile("p95", [at / 1000 for at in range(1, 1001)], 0.95)
    assert found.value == 0.95
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert 0.93 < found.ci_low < 0.95 < found.ci_high < 0.97
    assert percentile("p99", [1.0] * 20, 0.99).ci_high is None, "twenty values say nothing about the upper end"
    assert percentile("p99", [], 0.99).value is None


def test_exposition() -> None:
    found = parsed(
        '# HELP a_total x\n# TYPE a_total counter\na_total{b="c\\"d",e="f"} 2\na_total{b="g"} 3\nodd line\nh_count 4\n'
    )
    assert found.total("a_total") == 5
    assert found.total("a_total", b="g") == 3
    assert found.documented == ("a_total",)
    assert found.has("h")
    assert not found.has("nothing")
    assert found.series == 3


def test_the_guard_knows_every_canary_and_the_search_finds_it() -> None:
    masker = ports().masker
    for seed in range(30):
        for each in canaries(seed):
            assert each.value not in masker.mask(each.sentence), each.kind
            assert hits(f"before {each.sentence} after".encode(), (each,)) == {each.kind: 1}
            assert not hits(masker.mask(each.sentence).encode(), (each,))


def test_a_second_configuration_differs_in_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "roadworthy.yaml").write_text(MODES)
    config = load(tmp_path / "roadworthy.yaml", environ={}).config
    copy = copy_of(config, "http://127.0.0.1:1", tmp_path, longest_s=2.0, changes={"gateway.cache.enabled": False})
    assert max(line.deadline_s for line in copy.lines) == 2.0
    assert [line.name for line in copy.lines] == ["chat", "creative", "fast"]
    assert copy.changed["gateway.cache.enabled"] == [True, False]
    assert set(copy.provider_keys) == {"a", "b"}
    assert all(key not in json.dumps(copy.data) for key in copy.provider_keys.values()), (
        "only references stand in the file"
    )
    second = tmp_path / "second.yaml"
    second.write_text(json.dumps(copy.data))
    again = load(second, environ=copy.environ).config
    ours, theirs = again.gateway.breaker.open_s, config.gateway.breaker.open_s
    assert ours / theirs == pytest.approx(
        copy.lines[1].deadline_s / config.gateway.modes["creative"].timeout_s, rel=0.01
    )


def test_doubles_answer_and_fail_as_they_are_told() -> None:
    with Doubles(("a",)) as doubles, Caller(f"{doubles.url}/0", timeout_s=1.0) as caller:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}).encode()
        good = caller.send("POST", "/v1/chat/completions", body)
        assert is_ours(good.text)
        assert good.told["usage"]["completion_tokens"] == 5
        streamed = caller.send("POST", "/v1/chat/completions", body.replace(b'"m"', b'"m", "stream": true'))
        assert streamed.ended
        assert is_ours(streamed.text)
        assert caller.send("POST", "/v1/messages", body).told["content"][0]["text"].startswith("Bridges")
        for way in FAILURES:
            doubles.all(way)
            with Caller(f"{doubles.url}/0", timeout_s=0.5) as other:
                reply = other.send("POST", "/v1/chat/completions", body)
            assert reply.status != 200 or reply.failure or not is_ours(reply.text), way
        doubles.all("stub")
        assert caller.send("POST", "/v1/chat/completions", body).text == PLACEHOLDER
        assert [each.tokens for each in doubles.received[:1]] == [len(body) // 8 + 5]


def test_open_loop_counts_from_when_a_question_was_due() -> None:
    with Doubles(("a",)) as doubles:
        doubles.all("answer", delay_s=0.1)
        replies = ask_all(f"{doubles.url}/0", [Question("m", str(at)) for at in range(4)], parallel=1, rate_per_s=1000)
    assert [each.status for each in replies] == [200] * 4
    assert replies[3].seconds > 0.35, "the fourth waited for the three before it"


def test_nobody_there_is_a_reply_without_a_status() -> None:
    (reply,) = ask_all("http://127.0.0.1:9", [Question("m", "x")])
    assert reply.status is None
    assert reply.failure
