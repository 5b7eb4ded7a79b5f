"""The live check judges what the gateway says of its answers, and never takes unknown for good."""

from collections.abc import Iterator

import pytest

from doubles.scripted_server import Say, ScriptedServer, serving
from roadworthy.client import live_check
from roadworthy.client.gateway import GatewayClient
from roadworthy.client.live_check import BRIEFS, Checked, check, verdict
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import Exit, GatewayError

CHAT = "POST /v1/chat/completions"


def reply(text: str, **extra: object) -> Say:
    told = {"attempts": [], "quality": "passed", "request_id": "r", "stub_used": False, **extra}
    return Say({"model": "m", "choices": [{"message": {"content": text}}], "roadworthy": told})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.mark.parametrize(
    ("say", "verdicts", "code"),
    [
        (reply("Text."), {"good"}, Exit.GOOD),
        (reply("Text.", quality="not-gated"), {"good"}, Exit.GOOD),
        (reply(" \n"), {"bad"}, Exit.JUDGED_BAD),
        (reply("Text.", stub_used=True), {"bad"}, Exit.JUDGED_BAD),
        (reply("Text.", quality="failed"), {"bad"}, Exit.JUDGED_BAD),
        (reply("Text.", stub_used=None), {"unknown"}, Exit.COULD_NOT_FIND_OUT),
        (reply("Text.", quality=None), {"unknown"}, Exit.COULD_NOT_FIND_OUT),
        (Say({"choices": [{"message": {"content": "Text."}}]}), {"unknown"}, Exit.COULD_NOT_FIND_OUT),
        (Say({"error": {"code": "llm_chain_failed", "message": "x"}}, 502), {"unknown"}, Exit.COULD_NOT_FIND_OUT),
        (Say({"error": {"code": "runtime_quality_failed", "message": "x"}}, 422), {"bad"}, Exit.JUDGED_BAD),
        (Say({"error": {"code": "stub_in_production_forbidden", "message": "x"}}, 503), {"bad"}, Exit.JUDGED_BAD),
    ],
)
def test_verdicts(server: ScriptedServer, say: Say, verdicts: set[str], code: Exit) -> None:
    server.script[CHAT] = say
    told: list[str] = []
    with GatewayClient(server.url) as client:
        found = check(client, "chat", told.append)
    assert {one.verdict for one in found} == verdicts
    assert verdict(found) == code
    assert len(told) == len(found) == len(BRIEFS) == 2
    assert {asked.body["model"] for asked in server.asked} == {"chat"}


def test_one_brief_is_english_and_one_korean(server: ScriptedServer) -> None:
    texts = [brief.text for brief in BRIEFS]
    assert texts[0].isascii()
    assert any("가" <= char <= "힣" for char in texts[1])


@pytest.mark.parametrize(
    ("code", "status"), [("unauthorized", 401), ("unknown_model", 404), ("gateway_unreachable", 503)]
)
def test_what_no_second_brief_can_change_ends_the_check(server: ScriptedServer, code: str, status: int) -> None:
    server.script[CHAT] = Say({"error": {"code": code, "message": "x"}}, status)
    with GatewayClient(server.url) as client, pytest.raises(RemoteError) as caught:
        check(client, "chat")
    assert caught.value.code == code
    assert len(server.asked) == 1


def test_no_gateway_is_no_verdict() -> None:
    with GatewayClient("http://127.0.0.1:1") as client, pytest.raises(GatewayError):
        check(client, "chat")


def test_bad_counts_before_unknown_and_nothing_is_unknown() -> None:
    one = {kind: Checked("b", kind, "r") for kind in ("good", "bad", "unknown")}
    assert verdict((one["good"], one["unknown"], one["bad"])) == Exit.JUDGED_BAD
    assert verdict((one["good"], one["unknown"])) == Exit.COULD_NOT_FIND_OUT
    assert verdict(()) == Exit.COULD_NOT_FIND_OUT
    assert live_check.verdict((one["good"],)) == Exit.GOOD
