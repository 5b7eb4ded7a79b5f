"""What an operator types next to a running gateway."""

from __future__ import annotations

import json
import time

import pytest

from rig import Gateway, await_true, needs_model

MODEL = "smollm2-135m-instruct"
pytestmark = needs_model


def test_ask(live: Gateway) -> None:
    done = live.cli("gateway", "ask", "Name three colours.", "--max-tokens", "12")
    assert done.code == 0, done
    assert done.out.strip()
    assert f"served by embedded/{MODEL}" in done.err


@pytest.mark.parametrize("words", [
    ("gateway", "ask", "Hi", "--model", "paid"), ("key", "list"), ("doctor",), ("version",),
    *(pytest.param(words, marks=pytest.mark.slow) for words in (
        ("gateway", "status"), ("gateway", "models"), ("gateway", "breaker", "list"), ("gateway", "journal", "verify"),
        ("gateway", "cost"), ("gateway", "cache", "status"), ("gateway", "prompts", "list"), ("config", "show"),
        ("explain", "unauthorized"),
    )),
])  # fmt: skip
def test_a_command_of_each_family_in_a_fresh_interpreter(live: Gateway, words: tuple[str, ...]) -> None:
    done = live.typed(*words, "--json")
    assert done.code == 0, done
    assert done.data


def test_ask_from_stdin_as_a_stream(live: Gateway) -> None:
    done = live.cli("gateway", "ask", "-", "--stream", "--max-tokens", "12", text="Name three colours.")
    assert done.code == 0, done
    assert done.out.strip()


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_ask_as_json(live: Gateway, more: list[str]) -> None:
    done = live.cli("gateway", "ask", "Name three colours.", "--json", "--max-tokens", "12", *more)
    assert done.code == 0, done
    assert done.data["text"].strip()
    assert done.data["served_by"] == f"embedded/{MODEL}"
    assert 0 < done.data["completion_tokens"] <= 12


def test_two_providers_down_is_told_with_attempts_and_how_to_mend(live: Gateway) -> None:
    live.cli("gateway", "breaker", "reset")
    done = live.cli("gateway", "ask", "Anybody there?", "--model", "dead")
    assert done.code == 4
    assert done.out == ""
    assert "error[llm_chain_failed]" in done.err
    assert "gone/m" in done.err
    assert "gone-too/m" in done.err
    assert "mend: " in done.err
    live.cli("gateway", "breaker", "reset")
    told = live.cli("gateway", "ask", "Anybody there?", "--model", "dead", "--json")
    assert told.code == 4
    assert told.error["code"] == "llm_chain_failed"
    assert {attempt["reason"] for attempt in told.error["attempts"]} == {"connect_failed"}
    assert told.error["mend"]


def test_breakers_that_opened_are_listed_and_closed_by_hand(live: Gateway) -> None:
    live.cli("gateway", "breaker", "reset")
    for _ in range(2):  # the second request may meet the other worker
        live.ask(model="dead")

    def open_ones() -> set[str]:
        rows = live.cli("gateway", "breaker", "list", "--json").data["breakers"]
        return {f"{row['provider']}/{row['model']}" for row in rows if row["state"] == "open"}

    assert {"gone/m", "gone-too/m"} <= open_ones()
    assert "open" in live.cli("gateway", "status").out
    one = live.cli("gateway", "breaker", "reset", "gone/m", "--json")
    assert one.data["reset"] == 2
    assert "gone/m" not in open_ones()
    assert live.cli("gateway", "breaker", "reset").code == 0
    assert open_ones() == set()
    assert live.journaled("breaker.reset")
    assert live.journaled("breaker.open")


def test_an_unknown_breaker_is_an_error(live: Gateway) -> None:
    done = live.cli("gateway", "breaker", "reset", "gome/m", "--json")
    assert done.code == 2
    assert done.error["code"] == "not_found"


def test_status_tells_all_workers_and_providers(live: Gateway) -> None:
    found = live.cli("gateway", "status", "--json").data
    assert [worker["worker"] for worker in found["workers"]] == [0, 1]
    assert {worker["pid"] for worker in found["workers"]} == {live.pids["edge-0"], live.pids["edge-1"]}
    assert {(one["provider"], one["model"]) for one in found["providers"]} >= {("embedded", MODEL), ("gone", "m")}


def test_status_through_the_admin_api(live: Gateway) -> None:
    control = f"http://127.0.0.1:{live.control_port}"
    key = live.told["admin_key"]
    found = live.cli("gateway", "status", "--json", "--control-url", control, ROADWORTHY_ADMIN_KEY=key)
    assert found.code == 0
    assert {one["name"] for one in found.data["processes"]} == {"model", "edge-0", "edge-1", "control"}
    refused = live.cli("gateway", "status", "--json", "--control-url", control, ROADWORTHY_ADMIN_KEY="rw_wrong")
    assert refused.code == 3
    assert refused.error["code"] == "unauthorized"


def test_models(live: Gateway) -> None:
    names = [one["id"] for one in live.cli("gateway", "models", "--json").data["models"]]
    assert {"chat", "rescued", "dead", "paid"} <= set(names)


@pytest.mark.slow  # two long answers of the model
def test_live_check_judges_real_answers(live: Gateway) -> None:
    done = live.cli("gateway", "live-check", "--json")
    # What a small model writes may be judged bad; what must hold is that it was judged, and that nothing was made up.
    assert done.code in {0, 1}
    assert done.data["route"] == "chat"
    assert len(done.data["briefs"]) == 2
    for brief in done.data["briefs"]:
        assert brief["stub_used"] is False
        assert brief["served_by"] == f"embedded/{MODEL}"
        assert brief["quality"] in {"passed", "failed"}


def test_live_check_of_a_dead_route_is_unknown(live: Gateway) -> None:
    done = live.cli("gateway", "live-check", "--route", "dead", "--json")
    assert done.code == 4
    assert {brief["verdict"] for brief in done.data["briefs"]} == {"unknown"}


def test_journal(live: Gateway) -> None:
    assert live.cli("gateway", "journal", "verify", "--json").data["whole"] is True
    entries = live.cli("gateway", "journal", "tail", "-n", "5", "--json").data["entries"]
    numbers = [entry["sequence"] for entry in entries]
    assert numbers == sorted(numbers)
    assert live.cli("gateway", "journal", "tail").out.count("\n") > 4


def test_doctor(live: Gateway) -> None:
    done = live.cli("doctor", "--json")
    assert done.code == 0, done
    assert done.data["healthy"] is True
    states = {one["check"]: one["state"] for one in done.data["findings"]}
    assert states["embedded model"] == "ok"
    assert states["gateway"] == "ok"
    assert states["journal"] == "ok"


@pytest.mark.parametrize("words", [
    ("explain", "llm_chain_failed"), ("config", "show"), ("config", "check"), ("config", "get", "gateway.port"),
    ("config", "where", "gateway.port"),
])  # fmt: skip
def test_the_other_commands_answer_as_text_and_as_json(live: Gateway, words: tuple[str, ...]) -> None:
    plain = live.cli(*words)
    assert plain.code == 0, plain
    assert plain.out.strip()
    told = live.cli(*words, "--json")
    assert told.code == 0, told
    assert json.loads(told.out)["data"]
    assert live.environ["DOUBLE_KEY"] not in plain.out + plain.err + told.out + told.err


def test_keys_take_effect_and_lose_it_within_seconds(guarded: Gateway) -> None:
    made = guarded.cli("key", "create", "app", "--scope", "use", "--json").data
    first = made["secret"]
    assert guarded.ask(model="paid").status_code == 401
    await_true(lambda: guarded.ask(model="paid", key=first).status_code == 200, limit_s=10)
    second = guarded.cli("key", "rotate", "app").out.strip()
    await_true(lambda: guarded.ask(model="paid", key=second).status_code == 200, limit_s=10)
    await_true(lambda: guarded.ask(model="paid", key=first).status_code == 401, limit_s=10)
    assert guarded.cli("gateway", "ask", "Hi", ROADWORTHY_API_KEY=second).code == 0
    assert guarded.cli("key", "revoke", "app").code == 0
    await_true(lambda: guarded.ask(model="paid", key=second).status_code == 401, limit_s=10)
    time.sleep(1.2)  # one poll of every worker: it must stay refused by all of them
    assert {guarded.ask(model="paid", key=second).status_code for _ in range(12)} == {401}
    refused = guarded.cli("gateway", "ask", "Hi", "--json", ROADWORTHY_API_KEY=second)
    assert refused.code == 3
    assert refused.error["code"] == "unauthorized"
    listed = {one["name"]: one for one in guarded.cli("key", "list", "--json").data["keys"]}
    assert listed["app"]["revoked_at"] is not None
    everything = guarded.out + guarded.err + json.dumps(guarded.journaled("key."))
    assert first not in everything
    assert second not in everything


def test_a_key_needs_the_scope(guarded: Gateway) -> None:
    user = guarded.cli("key", "create", "only-use", "--scope", "use").out.strip()
    operator = guarded.cli("key", "create", "only-operate", "--scope", "operate").out.strip()
    await_true(lambda: guarded.ask(model="paid", key=user).status_code == 200, limit_s=10)
    await_true(lambda: guarded.get("/metrics", operator).status_code == 200, limit_s=10)
    assert guarded.get("/metrics", user).json()["error"]["code"] == "forbidden"
    assert guarded.ask(model="paid", key=operator).json()["error"]["code"] == "forbidden"
    assert guarded.get("/metrics").status_code == 401
    assert guarded.get("/livez").status_code == 200
    assert guarded.get("/readyz").status_code == 200
