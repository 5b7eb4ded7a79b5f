"""PER-06: a slower load fails beside a signed run of the same class of machine; without one nothing passes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rig.verification import Run, Verified, good
from roadworthy.verify import shared
from roadworthy.verify.machine import Machine, machine, pace
from roadworthy.verify.outcome import Coverage, Outcome, Status, judged, not_measured
from roadworthy.verify.report.files import written
from roadworthy.verify.service import ratio
from roadworthy.verify.service.load_sample import FORM, LABEL, WINDOWS, Samples, encoded
from roadworthy.verify.signing import key_id

SERVICE = "http://127.0.0.1:9"
DAY_S = 86_400
BAD = judged("Slower.", coverage=Coverage(examined=1, existing=1, how_counted="by hand"), passed=False)


def samples(factor: float = 1.0, seed: int = 1, **changes: Any) -> Samples:
    """A load of two names at 100 a second each, with providers that take 0.2 s and a gateway that adds to it."""
    source = random.Random(seed)
    seconds = tuple(round(factor * (0.2 + source.lognormvariate(-5.0, 0.3)), 5) for _ in range(1000))
    made = Samples(
        form=FORM, machine=machine(), control_s=(0.004,) * 20, rate_per_s=100.0, provider_s=0.2,
        seconds={"chat": seconds, "fast": seconds}, asked=1000, answered_per_s=(200.0,) * WINDOWS,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def chain(tmp_path: Path, subject: Path, inspected: Run) -> Chain:
    return Chain(tmp_path / "out", subject, inspected)


class Chain:
    """Earlier runs, signed by one key that the policy pins."""

    def __init__(self, out: Path, subject: Path, inspected: Run) -> None:
        self.out, self._subject, self._inspected = out, subject, inspected
        self.key = Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (subject / "readiness.pub").write_bytes(public)
        self.pinned = {"key_id": key_id(self.key.public_key())}
        self.at = time.time() - 20 * DAY_S

    def add(
        self, load: Samples | bytes | None, said: Outcome | None = None, *, key: Ed25519PrivateKey | None = None,
        signed: bool = True, days: float = 1.0,
    ) -> None:  # fmt: skip
        """A run `days` after the last one."""
        self.at += days * DAY_S
        content = encoded(load) if isinstance(load, Samples) else load
        kept = {} if content is None else {"PER-01": {LABEL: content}}
        report = self._inspected(self._subject, self.out, {"PER-06": said or good()}, at=self.at, kept=kept)
        written(report, self.out, (key or self.key) if signed else None)


@pytest.fixture
def compared(chain: Chain, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """This run: what PER-01 hands over, then PER-06."""
    monkeypatch.setattr(ratio, "DRAWS", 400)

    def compare(now: Samples | None, **settings: Any) -> Outcome:
        context = _Handing(chain.out)
        with shared.handing_over(context, "load-samples") as give:  # type: ignore[arg-type]
            if now is not None:
                give(encoded(now))
        return verified("PER-06", service=SERVICE, **{**chain.pinned, **settings})

    return compare


class _Handing:
    """As much of a context as handing over needs."""

    run_key = b""

    def __init__(self, out: Path) -> None:
        self.out = out


@pytest.mark.parametrize(
    ("then", "now", "status", "found"),
    [
        (samples(), samples(seed=2), "pass", set()),
        (samples(), samples(0.8, 2), "pass", set()),
        (samples(), samples(1.3, 2), "fail", {"p50:chat", "p95:chat", "p50:fast", "p95:fast"}),
        (samples(), samples(1.1, 2), "not_measured", set()),
        (samples(), samples(seed=2, answered_per_s=(140.0,) * WINDOWS), "fail", {"throughput"}),
        # nine in ten as before, the rest late: the median cannot see it
        (
            samples(),
            samples(seed=2, seconds={"chat": samples(seed=2).seconds["chat"],
                                     "fast": tuple(each + (at % 10 == 0) * 0.2
                                                   for at, each in enumerate(samples(seed=2).seconds["fast"]))}),
            "fail",
            {"p95:fast"},
        ),
        # the machine was slower by as much: that explains it
        (samples(provider_s=0), samples(1.3, 2, provider_s=0, control_s=(0.0056,) * 20), "not_measured", set()),
        # it was faster: then the same times are no proof
        (samples(provider_s=0), samples(seed=2, provider_s=0, control_s=(0.002,) * 20), "not_measured", set()),
        # far slower than the machine can explain
        (samples(), samples(2.0, 2, control_s=(0.005,) * 20), "fail", {"p50:chat", "p95:chat", "p50:fast", "p95:fast"}),
        # the machine has no part in a provider's time, and none in a rate that was kept up
        (samples(), samples(seed=2, control_s=(0.003,) * 20), "pass", set()),
        # the provider's time is nobody's merit and nobody's fault
        (
            samples(),
            samples(provider_s=0.25, seconds={name: tuple(each + 0.05 for each in values)
                                              for name, values in samples(seed=2).seconds.items()}),
            "pass",
            set(),
        ),
        (samples(provider_s=0.01), samples(seed=2), "not_measured", set()),
        (samples(), samples(seed=2, rate_per_s=50.0), "not_measured", set()),
        (samples(), samples(seed=2, seconds={"chat": samples(seed=2).seconds["chat"]}), "not_measured", set()),
        (samples(), samples(seconds={"chat": (), "fast": samples(seed=2).seconds["fast"]}), "not_measured", set()),
    ],
)  # fmt: skip
def test_this_load_against_the_last_signed_one(
    then: Samples, now: Samples, status: str, found: set[str], chain: Chain, compared: Callable[..., Outcome]
) -> None:
    chain.add(then)
    outcome = compared(now)
    assert outcome.status == status, outcome.reason
    assert {each.message.split(" ")[0] for each in outcome.findings} == found
    assert "run 1" in outcome.reason or status == "not_measured"


def test_the_first_run_never_passes(chain: Chain, compared: Callable[..., Outcome]) -> None:
    outcome = compared(samples())
    assert outcome.status is Status.NOT_MEASURED
    assert "no earlier run" in outcome.reason


def test_without_a_pinned_key_or_a_load_nothing_is_compared(chain: Chain, compared: Callable[..., Outcome]) -> None:
    chain.add(samples())
    assert "pins no key" in compared(samples(), key_id="").reason
    assert "pins" in compared(samples(), key_id="0" * 64).reason
    outcome = compared(None)
    assert (outcome.status, "measured nothing" in outcome.reason) == (Status.NOT_MEASURED, True)


def test_without_the_load_in_this_run_nothing_is_compared(
    chain: Chain, verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.add(samples())
    monkeypatch.setattr(shared, "START_S", 0.1)
    outcome = verified("PER-06", service=SERVICE, **chain.pinned)
    assert (outcome.status, "not part of this run" in outcome.reason) == (Status.NOT_MEASURED, True)
    assert verified("PER-06", **chain.pinned).status is Status.NOT_MEASURED


@pytest.mark.parametrize(
    ("name", "value"),
    [("cpu", "x86_64 Another CPU"), ("cores", 96.0), ("memory_gib", 1), ("os", "other 1"), ("python", "CPython 2.7")],
)
def test_another_class_of_machine_is_not_compared_with(
    name: str, value: Any, chain: Chain, compared: Callable[..., Outcome]
) -> None:
    chain.add(samples(machine=msgspec.structs.replace(machine(), **{name: value})))
    outcome = compared(samples(seed=2))
    assert outcome.status is Status.NOT_MEASURED
    assert f"another class of machine: {name} was {value}" in outcome.reason


def test_an_expired_run_is_not_compared_with(chain: Chain, compared: Callable[..., Outcome]) -> None:
    chain.add(samples(), days=-11)  # 31 days ago
    outcome = compared(samples(seed=2))
    assert (outcome.status, "expired" in outcome.reason) == (Status.NOT_MEASURED, True)


def test_a_forged_run_is_never_used(chain: Chain, compared: Callable[..., Outcome]) -> None:
    """A slow run that somebody else signed, and one that nobody signed, would let a slow load pass."""
    chain.add(samples())
    chain.add(samples(2.0), key=Ed25519PrivateKey.generate())
    chain.add(samples(2.0), signed=False)
    outcome = compared(samples(1.3, 2))
    assert outcome.status is Status.FAIL, outcome.reason
    assert "run 1" in outcome.reason
    assert "Run 2 is not signed by the pinned key" in outcome.reason
    assert "Run 3 is not signed by the pinned key" in outcome.reason


@pytest.mark.parametrize("damage", ["flip", "delete", "form", "report"])
def test_a_damaged_run_is_never_used_and_hides_no_older_one(
    damage: str, chain: Chain, compared: Callable[..., Outcome]
) -> None:
    chain.add(samples(2.0, 5))
    newest = samples(seed=7)
    chain.add(b'{"form": "other"}' if damage == "form" else newest, BAD if damage == "report" else None)
    if damage == "report":
        chain.add(samples(seed=8), BAD)  # so that the chain is walked to its beginning
        file = next(path for path in (chain.out / "history").glob("*.json") if b'"number": 1,' in path.read_bytes())
        file.write_bytes(file.read_bytes() + b" ")
    elif damage != "form":
        file = next(path for path in (chain.out / "evidence").iterdir() if path.read_bytes() == encoded(newest))
        file.chmod(0o644)
        if damage == "flip":
            file.write_bytes(file.read_bytes().replace(b"0.20", b"0.40", 1))
        else:
            file.unlink()
    outcome = compared(samples(seed=2))
    assert outcome.status is Status.NOT_MEASURED, outcome.reason
    assert ("chain of earlier runs is broken" if damage == "report" else "is not used") in outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("then", [BAD, not_measured("It was left out of this run.")])
def test_running_twice_makes_a_slower_load_no_better(
    then: Outcome, chain: Chain, compared: Callable[..., Outcome]
) -> None:
    chain.add(samples(), not_measured("The first."))
    chain.add(samples(1.5, 2), then)
    outcome = compared(samples(1.5, 3))
    assert (outcome.status, "run 1" in outcome.reason) == (Status.FAIL, True)
    chain.add(samples(1.5, 3))  # it was waived, or held good
    assert compared(samples(1.5, 4)).status is Status.PASS


def test_runs_without_samples_are_passed_over(chain: Chain, compared: Callable[..., Outcome]) -> None:
    chain.add(samples())
    chain.add(None)
    outcome = compared(samples(seed=2))
    assert outcome.status is Status.PASS
    assert "Run 2 holds no samples" in outcome.reason


def test_the_machine_is_told_alike_twice_and_its_pace_is_measured() -> None:
    here = machine()
    assert here == machine()
    assert here.cores >= 0.1
    assert here.memory_gib >= 1
    assert here.differs_in(Machine(cpu="x", cores=here.cores, memory_gib=here.memory_gib, os=here.os, python="y")) == [
        f"cpu was {here.cpu} and is x", f"python was {here.python} and is y",
    ]  # fmt: skip
    assert len(pace(3)) == 3
    assert min(pace(3)) > 0


@pytest.mark.long
def test_a_real_edge_that_became_slower_fails_and_the_same_one_passes(
    chain: Chain, verified: Verified, running: Callable[..., str], naive: Callable[[str], None], tmp_path: Path
) -> None:
    """The same gateway twice, then the same with 0.2 s more, all loaded by PER-01 itself."""
    naive("naive")
    url, load = running(), {"provider_s": 0.6, "p99_s": 30.0, "rate_per_s": 100}
    assert verified("PER-01", service=url, **load).status is Status.PASS
    kept = shared.handed_over(_Waiting(chain.out), "load-samples", "PER-01")  # type: ignore[arg-type]
    chain.add(kept)
    assert verified("PER-01", service=url, **load).status is Status.PASS
    outcome = verified("PER-06", service=url, **chain.pinned)
    assert outcome.status is Status.PASS, outcome.reason
    naive("slow")
    assert verified("PER-01", service=url, **load).status is Status.PASS
    outcome = verified("PER-06", service=url, **chain.pinned)
    assert outcome.status is Status.FAIL, outcome.reason
    assert "p50:chat" in outcome.reason or "p50:chat" in {each.message.split(" ")[0] for each in outcome.findings}


class _Waiting(_Handing):
    def remaining_s(self) -> float:
        return 30.0


@pytest.mark.slow
def test_a_long_chain_of_others_is_told_briefly(chain: Chain, compared: Callable[..., Outcome]) -> None:
    chain.add(samples())
    for _ in range(4):
        chain.add(None, signed=False)
    outcome = compared(samples(seed=2))
    assert outcome.status is Status.PASS
    assert "Run 3 is not signed" in outcome.reason
    assert "Run 2 is not" not in outcome.reason
    assert "1 more were passed over" in outcome.reason
