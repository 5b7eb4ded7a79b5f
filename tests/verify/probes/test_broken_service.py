"""Each probe of a service on a gateway that keeps no promise, on one that is dead, and on none: never a pass."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.verify.outcome import Outcome, Status

Verified = Callable[..., Outcome]
DRILLS = (
    "LLM-01",
    "LLM-02",
    "LLM-07",
    "LLM-08",
    "LLM-10",
    "OBS-01",
    "PER-01",
    "PER-03",
    "PER-04",
    "PER-05",
    "PII-02",
    "QUA-04",
    "REL-01",
    "REL-02",
    "REL-03",
    "REL-04",
    "REL-05",
    "REL-06",
    "REL-08",
    "REL-09",
    "REL-10",
    "SEC-05",
    "SEC-06",
)
BLOCKERS = ("LLM-01", "PER-01", "PII-02", "REL-01", "REL-04")
ASKING = ("ART-08", "SEC-03", "SEC-07", "SEC-08")


long = pytest.mark.long


@pytest.mark.parametrize(
    ("check", "flaw", "rules", "settings"),
    [
        ("LLM-01", "stub", {"stub"}, {}),
        pytest.param("LLM-01", "naive", {"unstructured", "stub"}, {}, marks=long),
        ("LLM-02", "stub", {"order"}, {}),
        pytest.param("LLM-02", "naive", {"order"}, {}, marks=long),
        ("LLM-07", "naive", {"key"}, {}),
        pytest.param("LLM-08", "naive", {"crossed"}, {}, marks=long),
        pytest.param("LLM-10", "naive", {"tokens", "money", "rate", "together"}, {}, marks=long),
        pytest.param("PER-01", "naive", {"p95_s"}, {"provider_s": 0.05, "p95_s": 0.02, "rate_per_s": 400}, marks=long),
        pytest.param("PER-04", "naive", {"untold", "sum_answers", "sum_ledger"}, {}, marks=long),
        pytest.param("PER-05", "naive", {"crossed"}, {}, marks=long),
        ("PII-02", "naive", {"raw"}, {}),
        ("QUA-04", "naive", {"bad"}, {}),
        ("REL-01", "stub", {"provider_down"}, {"scenarios": ["provider_down"]}),
        ("REL-02", "naive", {"never_opens"}, {"open_s": 0.5}),
        ("REL-04", "stub", {"status"}, {"requests": 100}),
        pytest.param("REL-05", "naive", {"not_shed"}, {}, marks=long),
        ("SEC-05", "naive", {"let_in"}, {}),
        pytest.param("SEC-06", "naive", {"limit", "rate"}, {}, marks=long),
    ],
)
def test_a_gateway_that_keeps_no_promise_fails(
    check: str,
    flaw: str,
    rules: set[str],
    settings: dict[str, Any],
    verified: Verified,
    running: Callable[..., str],
    naive: Callable[[str], None],
) -> None:
    naive(flaw)
    outcome = verified(check, service=running(), **settings)
    assert outcome.status is Status.FAIL, outcome
    assert rules <= {each.rule for each in outcome.findings}, outcome.findings


@pytest.mark.parametrize("check", [each if each in BLOCKERS else pytest.param(each, marks=long) for each in DRILLS])
def test_a_second_edge_that_answers_nothing_is_never_a_pass(
    check: str, verified: Verified, running: Callable[..., str], naive: Callable[[str], None]
) -> None:
    naive("mute")
    outcome = verified(check, service=running(), timeout_s=30.0)
    assert outcome.status in (Status.NOT_MEASURED, Status.NOT_APPLICABLE, Status.FAIL), outcome
    assert check in ("SEC-05", "SEC-06", "LLM-02", "PII-02") or outcome.status is not Status.FAIL, outcome


@pytest.mark.parametrize("check", [*DRILLS, *ASKING])
def test_a_dead_service_is_not_measured(check: str, verified: Verified, subject: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        outcome = verified(check, service=f"http://127.0.0.1:{held.getsockname()[1]}")
    assert outcome.status in (Status.NOT_MEASURED, Status.NOT_APPLICABLE), outcome
    assert outcome.status is Status.NOT_MEASURED or check in ("LLM-08", "PER-05", "REL-03"), outcome


@pytest.mark.parametrize("check", [each for each in (*DRILLS, *ASKING) if each != "QUA-04"])
def test_no_service_is_not_measured(check: str, verified: Verified) -> None:
    outcome = verified(check)
    assert outcome.status in (Status.NOT_MEASURED, Status.NOT_APPLICABLE), outcome


def test_a_service_of_another_configuration_is_not_measured(
    verified: Verified, running: Callable[..., str], naive: Callable[[str], None], subject: Path
) -> None:
    naive("naive")
    url = running()
    (subject / "roadworthy.yaml").write_text((subject / "roadworthy.yaml").read_text().replace("chat:", "talk:"))
    outcome = verified("REL-04", service=url)
    assert outcome.status is Status.NOT_MEASURED
    assert "chat, talk" in outcome.reason


def test_a_second_edge_that_does_not_start_is_not_measured(
    verified: Verified, running: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadworthy.verify.service.second.ROADWORTHY", ("false",))
    outcome = verified("REL-04", service=running())
    assert outcome.status is Status.NOT_MEASURED
    assert "does not start" in outcome.reason
