"""Rotation: one set of promises, kept by every store that can be written to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.moto import Moto
from rig.openbao import ROOT, OpenBao
from rig.secret_source import FakeSource, Rig
from roadworthy.core.clock import SystemClock
from roadworthy.core.errors import GatewayError, SecretError, UsageError
from roadworthy.core.secret import Provenance, Secret
from roadworthy.guard.secrets.aws import AwsPlace, AwsSource
from roadworthy.guard.secrets.chain import SecretChain
from roadworthy.guard.secrets.env import EnvSource
from roadworthy.guard.secrets.file import FileSource
from roadworthy.guard.secrets.rotation import accepted, retire, roll_back, rotate
from roadworthy.guard.secrets.vault import VaultSource
from roadworthy.guard.secrets.vault_session import VaultLogin, VaultSession

DAY = 86_400.0


class Place:
    """A secret in a store, and a chain that knows it."""

    def __init__(self, source: Any, reference: str) -> None:
        self.rig = Rig(source)
        self.chain: SecretChain = self.rig.chain
        self.source = source
        self.reference = reference

    @property
    def value(self) -> str:
        return self.chain.resolve(self.reference, now=True).reveal()


@pytest.fixture(params=["vault", "aws", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """One with the value `one`, in each store."""
    name, clock = f"rotated-{time.monotonic_ns()}", SystemClock()
    if request.param == "vault":
        bao: OpenBao = request.getfixturevalue("bao")
        bao.put(name, key="one", other="kept")
        session = VaultSession(VaultLogin(bao.address, token=Secret(ROOT, Provenance("env"))), clock)
        yield Place(VaultSource(session, clock, "secret"), f"vault:secret/{name}#key")
        assert bao.read(name)["other"] == "kept"
    elif request.param == "aws":
        request.getfixturevalue("aws_login")
        moto: Moto = request.getfixturevalue("moto")
        moto.client().create_secret(Name=name, SecretString='{"key": "one", "other": "kept"}')
        yield Place(AwsSource(AwsPlace("eu-west-1", moto.address), clock), f"aws:{name}#key")
        assert '"other": "kept"' in moto.client().get_secret_value(SecretId=name)["SecretString"]
    else:
        (tmp_path / name).write_text("one")
        (tmp_path / name).chmod(0o600)
        yield Place(FileSource(str(tmp_path), clock, strict=True), f"file:{tmp_path / name}")
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def values(place: Place, grace_s: float = DAY) -> list[str]:
    return [secret.reveal() for secret in accepted(place.chain, place.reference, grace_s=grace_s)]


def test_the_new_one_is_in_force_and_the_old_one_valid_in_its_grace_time(place: Place) -> None:
    seen: list[str] = []
    done = rotate(
        place.chain, place.reference, "two", grace_s=DAY, trial=lambda value: seen.append(value + place.value)
    )
    assert seen == ["twoone"]  # readers had the old one while the new one was tried
    assert place.value == "two"
    assert done.old_version != done.new_version
    assert done.tried
    assert values(place) == ["two", "one"]
    assert values(place, grace_s=0) == ["two"]
    assert (place.reference, "two") in place.rig.offered
    assert place.rig.told()[-2][0] == "secret.rotated" or place.rig.told()[-1][0] == "secret.rotated"


def test_a_value_that_does_not_pass_changes_nothing(place: Place) -> None:
    def fail(value: str) -> None:
        raise GatewayError("The provider refuses it.")

    with pytest.raises(SecretError) as caught:
        rotate(place.chain, place.reference, "two", grace_s=DAY, trial=fail)
    assert caught.value.code == "secret_rotation_failed"
    assert "two" not in str(caught.value.as_dict()["why"])
    assert place.value == "one"
    assert values(place) == ["one"]


def test_a_bug_in_the_trial_changes_nothing_either(place: Place) -> None:
    def fail(value: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(place.chain, place.reference, "two", grace_s=DAY, trial=fail)
    assert place.value == "one"


def test_what_fails_after_the_change_is_rolled_back(place: Place) -> None:
    def fail() -> None:
        assert place.value == "two"
        raise GatewayError("The workers did not take it.")

    with pytest.raises(SecretError) as caught:
        rotate(place.chain, place.reference, "two", grace_s=DAY, confirm=fail)
    assert caught.value.code == "secret_rotation_failed"
    assert place.value == "one"
    assert "secret.rolled_back" in [kind for kind, _ in place.rig.told()]


def test_somebody_faster_is_not_overwritten(place: Place) -> None:
    def meanwhile(value: str) -> None:
        rotate(place.chain, place.reference, "theirs", grace_s=DAY)

    with pytest.raises(SecretError) as caught:
        rotate(place.chain, place.reference, "mine", grace_s=DAY, trial=meanwhile)
    assert caught.value.code == "secret_rotation_conflict"
    assert place.value == "theirs"


def test_back_and_forth(place: Place) -> None:
    rotate(place.chain, place.reference, "two", grace_s=DAY)
    roll_back(place.chain, place.reference, grace_s=DAY)
    assert place.value == "one"
    roll_back(place.chain, place.reference, grace_s=DAY)
    assert place.value == "two"


def test_without_a_version_before_there_is_no_way_back(place: Place) -> None:
    with pytest.raises(SecretError) as caught:
        roll_back(place.chain, place.reference, grace_s=DAY)
    assert caught.value.code == "secret_missing"
    assert place.value == "one"


def test_the_old_one_ends_after_its_grace_time_and_not_before(place: Place) -> None:
    rotate(place.chain, place.reference, "two", grace_s=DAY)
    with pytest.raises(UsageError, match="grace"):
        retire(place.chain, place.reference, grace_s=DAY)
    assert values(place) == ["two", "one"]
    assert retire(place.chain, place.reference, grace_s=0)
    assert values(place) == ["two"]
    assert not retire(place.chain, place.reference, grace_s=0)
    with pytest.raises(SecretError):
        roll_back(place.chain, place.reference, grace_s=DAY)


def test_the_same_value_is_no_rotation(place: Place) -> None:
    with pytest.raises(UsageError, match="already"):
        rotate(place.chain, place.reference, "one", grace_s=DAY)


def test_a_name_is_rotated_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("one")
    (tmp_path / "k").chmod(0o600)
    rig = Rig(FakeSource("vault"), EnvSource({}), FileSource(str(tmp_path), SystemClock(), strict=True))
    assert rotate(rig.chain, "secret:k", "two", grace_s=DAY).source == "file"
    assert (tmp_path / "k").read_text() == "two"


def test_the_environment_is_not_rotated() -> None:
    with pytest.raises(UsageError, match="environment"):
        rotate(Rig(EnvSource({"K": "one"})).chain, "env:K", "two", grace_s=DAY)


def test_what_does_not_exist_is_not_made(place: Place) -> None:
    with pytest.raises(SecretError) as caught:
        rotate(place.chain, place.reference.replace("rotated", "nothing"), "two", grace_s=DAY)
    assert caught.value.code == "secret_missing"
