"""The policy file: what it may say, and that everything else is a clear error with a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.verify.policy import Policy, load, policy_of

WAIVER = """
waivers:
  - check: QUA-05
    fingerprint: "0123456789abcdef0123456789abcdef"
    owner: Dana
    approver: Kim
    reason: The rule goes away with the next release.
    created: 2026-11-20
    expires: 2026-12-20
"""


def test_nothing_said_is_the_defaults(tmp_path: Path) -> None:
    assert load(None, tmp_path).policy == Policy() == policy_of(b"")
    assert policy_of(b"version: 1").thresholds.category == 70


def test_a_whole_policy() -> None:
    text = """
version: 1
name: shop
thresholds: {category: 80, coverage: 0.95, max_age_days: 7}
subject: {left_out: [build]}
probes:
  QUA-05: {timeout_s: 60, types: [mypy]}
manual:
  OBS-07: {file: docs/on-call.md, by: Dana, on: 2026-11-20, says: Everybody on the list answered.}
"""
    policy = policy_of((text + WAIVER).encode())
    assert policy.thresholds.coverage == 0.95
    assert policy.timeouts() == {"QUA-05": 60.0}
    assert policy.sections() == {"QUA-05": {"types": ["mypy"]}}
    assert "build" in policy.left_out
    assert ".git" in policy.left_out
    assert str(policy.waivers[0].expires) == "2026-12-20"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2", "version must be 1"),
        ("threshold: {}", "unknown field `threshold`"),
        ("thresholds: {category: 69}", "70 to 100"),
        ("thresholds: {coverage: 0.5}", "0.9 to 1"),
        ("thresholds: {coverage: .nan}", "0.9 to 1"),
        ("thresholds: {max_age_days: 0}", "1 to 90"),
        ("thresholds: {category: high}", "Expected `float`"),
        ("\n\nprobes: [QUA-05]", "readiness.yaml:3"),
        ("probes: {QUA-5: {}}", "which is no check"),
        ("probes: {QUA-05: {timeout_s: 0}}", "timeout_s must be"),
        ("probes: {QUA-05: {timeout_s: true}}", "timeout_s must be"),
        ("plug_ins: [APP-01]", "not installed"),
        ("manual: {QUA-01: {file: a, by: b, on: 2026-11-20, says: it was fine}}", "measured by a machine"),
        ("manual: {OBS-07: {file: a, by: b}}", "missing required field"),
        ("subject: {left_out: [src/secret]}", "names of folders"),
        ("subject: {left_out: [..]}", "names of folders"),
        (WAIVER.replace("QUA-05", "QUA-99"), "which is no check"),
        (WAIVER.replace("    owner: Dana\n", ""), "missing required field `owner`"),
        (WAIVER + "    forever: true\n", "unknown field `forever`"),
        (WAIVER.replace("2026-12-20", "never"), "Invalid"),
        (WAIVER.replace('"0123456789abcdef0123456789abcdef"', "*"), "cannot be read as YAML"),
        ("name: a\nname: b", "a second time"),
        ("- a", "mapping"),
        ("name: [", "cannot be read as YAML"),
        ("name: !!python/object/apply:os.system [id]", "name"),
        ("a: &a [*a]", "a"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy_of(text.encode())
    assert said in str(caught.value), str(caught.value)


def test_a_guess_at_what_was_meant() -> None:
    with pytest.raises(ConfigError) as caught:
        policy_of(b"probes: {QUA-5: {}}")
    assert "Did you mean QUA-05?" in caught.value.mend


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "gone.yaml", tmp_path)
    (tmp_path / "readiness.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no UTF-8"):
        load(None, tmp_path)
    (tmp_path / "readiness.yaml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(ConfigError, match="too large"):
        load(None, tmp_path)
