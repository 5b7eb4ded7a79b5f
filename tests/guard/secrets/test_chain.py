"""The rules of the chain: who is asked when, what a failing source means, how long a value may be used."""

from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rig.examples import examples
from rig.secret_source import FakeSource, Rig
from roadworthy.core.errors import SecretError
from roadworthy.core.secret import Secret
from roadworthy.guard.secrets.cache import Lifetimes

AWAY = ["secret_source_unavailable", "secret_source_refused", "secret_source_untrusted"]


def test_the_first_source_that_has_it_wins() -> None:
    vault, aws, env = FakeSource("vault"), FakeSource("aws", k="from aws"), FakeSource("env", k="from env")
    found = Rig(vault, aws, env).chain.resolve("secret:k")
    assert (found.reveal(), found.origin.source) == ("from aws", "aws")
    assert (vault.asked, aws.asked, env.asked) == (1, 1, 0)


@pytest.mark.parametrize("fault", AWAY)
def test_a_source_that_fails_never_gives_way_to_the_environment(fault: str) -> None:
    vault, env = FakeSource("vault", k="new"), FakeSource("env", k="old")
    vault.fault = fault
    rig = Rig(vault, env)
    assert rig.code("secret:k") == fault
    assert env.asked == 0
    assert rig.told() == [("secret.failed", {"reference": "secret:k", "code": fault, "same_before": 0})]


@pytest.mark.parametrize("fault", AWAY)
def test_in_development_it_is_passed_over_and_told(fault: str) -> None:
    vault, env = FakeSource("vault"), FakeSource("env", k="mine")
    vault.fault = fault
    rig = Rig(vault, env, strict=False)
    assert rig.chain.resolve("secret:k").origin.source == "env"
    assert rig.chain.status("secret:k").passed_over == ("vault",)
    assert rig.told()[0][1]["passed_over"] == ["vault"]


def test_in_development_too_nobody_says_missing_where_nobody_could_look() -> None:
    vault, env = FakeSource("vault"), FakeSource("env")
    vault.fault = "secret_source_unavailable"
    assert Rig(vault, env, strict=False).code("secret:k") == "secret_source_unavailable"


def test_an_exposed_file_is_refused_in_development_too() -> None:
    file = FakeSource("file")
    file.fault = "secret_file_exposed"
    assert Rig(file, strict=False).code("secret:k") == "secret_file_exposed"


def test_a_reference_to_one_source_asks_no_other() -> None:
    vault, env = FakeSource("vault"), FakeSource("env", k="mine")
    assert Rig(vault, env, strict=False).code("vault:k") == "secret_missing"
    assert env.asked == 0


@pytest.mark.parametrize(("reference", "named"), [("vault:a#b", "VAULT_ADDR"), ("aws:a", "AWS_SECRETS_ENABLED")])
def test_a_source_that_is_not_configured_is_named(reference: str, named: str) -> None:
    with pytest.raises(SecretError, match=named) as caught:
        Rig(FakeSource("env")).chain.resolve(reference)
    assert caught.value.code == "secret_missing"


def test_a_fresh_value_is_kept_and_then_asked_for_again() -> None:
    vault = FakeSource("vault", k="1")
    rig = Rig(vault)
    rig.chain.resolve("vault:k")
    rig.clock.advance(59)
    vault.values["k"] = "2"
    assert rig.chain.resolve("vault:k").reveal() == "1"
    assert rig.chain.due() == []
    rig.clock.advance(2)
    assert rig.chain.due() == ["vault:k"]
    assert rig.chain.resolve("vault:k").reveal() == "2"
    assert vault.asked == 2


def test_the_last_good_value_serves_until_its_hard_end_and_no_longer() -> None:
    vault = FakeSource("vault", k="1")
    rig = Rig(vault)
    rig.chain.resolve("vault:k")
    vault.fault = "secret_source_unavailable"
    rig.clock.advance(599)
    assert rig.chain.resolve("vault:k").reveal() == "1"
    status = rig.chain.status("vault:k")
    assert (status.state, status.code, status.failures) == ("last_good", "secret_source_unavailable", 1)
    assert status.age_s == pytest.approx(5.0 + 599)
    rig.clock.advance(40)
    assert rig.code("vault:k") == "secret_source_unavailable"
    assert rig.chain.status("vault:k").state == "expired"
    vault.fault = ""
    rig.clock.advance(40)
    assert rig.chain.resolve("vault:k").reveal() == "1"
    kinds = [(kind, told.get("state", told.get("code"))) for kind, told in rig.told()]
    assert kinds == [
        ("secret.resolved", "fresh"),
        ("secret.resolved", "last_good"),
        ("secret.failed", "secret_source_unavailable"),
        ("secret.resolved", "fresh"),
    ]


def test_a_source_that_fails_is_left_alone_for_growing_pauses() -> None:
    vault = FakeSource("vault")
    vault.fault = "secret_source_unavailable"
    rig = Rig(vault)
    for _ in range(600):  # one minute, ten times a second
        assert rig.code("vault:k") == "secret_source_unavailable"
        rig.clock.advance(0.1)
    assert vault.asked == 6  # at 0, 1, 3, 7, 15, 31 s


def test_no_is_believed_for_a_while() -> None:
    vault = FakeSource("vault")
    rig = Rig(vault)
    for _ in range(99):
        assert rig.code("vault:k") == "secret_missing"
        rig.clock.advance(0.1)
    assert vault.asked == 1
    vault.values["k"] = "1"
    rig.clock.advance(1)
    assert rig.chain.resolve("vault:k").reveal() == "1"


def test_a_lease_is_not_used_longer_than_it_lives() -> None:
    vault = FakeSource("vault", k="1")
    fetch = vault.fetch

    def leased(place: str) -> Secret | None:
        found = fetch(place)
        return None if found is None else Secret(found.reveal(), found.origin._replace(lease_s=30.0))

    vault.fetch = leased  # type: ignore[method-assign]
    rig = Rig(vault)
    rig.chain.resolve("vault:k")
    rig.clock.advance(10.1)
    assert rig.chain.due() == ["vault:k"]
    vault.fault = "secret_source_unavailable"
    rig.clock.advance(19)
    assert rig.code("vault:k") == ""
    rig.clock.advance(30)
    assert rig.code("vault:k") == "secret_source_unavailable"


def test_many_callers_make_one_fetch() -> None:
    vault, entered, go = FakeSource("vault", k="1"), threading.Event(), threading.Event()
    fetch = vault.fetch

    def slow(place: str) -> Secret | None:
        entered.set()
        assert go.wait(5)
        return fetch(place)

    vault.fetch = slow  # type: ignore[method-assign]
    rig = Rig(vault)
    values: list[str] = []
    threads = [threading.Thread(target=lambda: values.append(rig.chain.resolve("vault:k").reveal())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert entered.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert values == ["1"] * 8
    assert vault.asked == 1
    go.clear()
    entered.clear()
    rig.clock.advance(61)
    asking = threading.Thread(target=lambda: rig.chain.resolve("vault:k"))
    asking.start()
    assert entered.wait(5)
    assert rig.chain.resolve("vault:k").reveal() == "1"  # while one asks the others have the last good value
    go.set()
    asking.join(5)
    assert vault.asked == 2


def test_every_value_is_offered_once_to_the_listener() -> None:
    vault = FakeSource("vault", k="1")
    rig = Rig(vault)
    for value in ("1", "1", "2"):
        vault.values["k"] = value
        rig.chain.resolve("vault:k", now=True)
    assert rig.offered == [("vault:k", "1"), ("vault:k", "2")]


def test_repeats_share_an_entry_that_counts_them() -> None:
    vault = FakeSource("vault", k="1")
    rig = Rig(vault)
    for _ in range(5):
        rig.chain.resolve("vault:k", now=True)
    vault.version = 2
    rig.chain.resolve("vault:k", now=True)
    assert [(told["version"], told["same_before"]) for _, told in rig.told()] == [("1", 0), ("2", 4)]
    rig.clock.advance(3_601)
    rig.chain.resolve("vault:k", now=True)
    assert rig.told()[-1][1]["version"] == "2"
    assert len(rig.entries) == 3


class ChainMachine(RuleBasedStateMachine):
    """Any order of changes, failures and waits: the chain serves what its rules allow and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.vault, self.env = FakeSource("vault", k="v0"), FakeSource("env", k="stale environment value")
        self.rig = Rig(self.vault, self.env, lifetimes=Lifetimes(60.0, 600.0, 10.0))
        self.good: tuple[float, str] | None = None

    @rule(number=st.integers(0, 5))
    def write(self, number: int) -> None:
        self.vault.values["k"] = f"v{number}"

    @rule(fault=st.sampled_from(["", *AWAY]))
    def fail(self, fault: str) -> None:
        self.vault.fault = fault

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0, 300.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.rig.clock.advance(seconds)

    @rule(now=st.booleans())
    def resolve(self, now: bool) -> None:
        asked, at = self.vault.asked, self.rig.clock.now
        try:
            value = self.rig.chain.resolve("secret:k", now=now).reveal()
        except SecretError:
            assert self.good is None or at - self.good[0] >= 600
            assert self.vault.fault or self.vault.asked == asked  # a pause after a failure may outlast it
            return
        if self.vault.asked > asked and not self.vault.fault:
            self.good = (at, self.vault.values["k"])
        assert self.good is not None
        assert value == self.good[1]
        assert at - self.good[0] < 600

    @invariant()
    def the_environment_was_never_asked(self) -> None:
        assert self.env.asked == 0


TestChainMachine = ChainMachine.TestCase
TestChainMachine.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)
