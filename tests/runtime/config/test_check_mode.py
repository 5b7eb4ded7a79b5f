"""Modes in the configuration: each contradiction with its own words, at its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.runtime.config.load import Loaded, load
from roadworthy.runtime.config.report import ConfigInvalid
from roadworthy.runtime.config.schema import json_schema

BASE = """\
gateway:
  providers: {local: {kind: compatible, base_url: 'http://127.0.0.1:8000/v1'}}
  routes: {chat: {chain: [local/m]}, any-*: {chain: ['local/*']}, each: {chain: ['local/*']}}
  modes:
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(modes: str, **environ: str) -> Loaded:
    Path("roadworthy.yaml").write_text(BASE + f"    {modes}\n")
    return load(environ=environ)


FAULTS = [
    ("mine: {}", "modes.mine: roles is missing; only creative, balanced, fast have roles of their own"),
    ("mine: {timeout_s: 3}", "modes.mine: roles is missing"),
    ("mine: {roles: {}}", "modes.mine.roles: expected at least one role"),
    ("mine: {roles: {a: []}}", "modes.mine.roles.a: the role has no model; expected provider/model or the name of"),
    ("mine: {roles: {a: }}", "modes.mine.roles.a: the role has no model"),
    ("mine: {roles: {a: caht}}", "modes.mine.roles.a[0]: neither provider/model nor the name of a route; did you mean"),
    ("mine: {roles: {a: [lokal/m]}}", "roles.a[0]: names a provider that is not configured; did you mean `local`?"),
    ("mine: {roles: {a: [local/*]}}", "roles.a[0]: a role needs a model with a name, not *"),
    ("mine: {roles: {a: each}}", "roles.a[0]: a role needs models with names; this route takes the model from the"),
    ("mine: {roles: {a b: chat}}", "modes.mine.roles.***: a role's name is made of"),
    ("a b: {roles: {a: chat}}", "modes.***: a mode's name is made of"),
    ("emergency: {roles: {a: chat}}", "modes.emergency: a mode's name is made of"),
    ("chat: {roles: {a: chat}}", "modes.chat: a route has this name already"),
    ("local: {roles: {a: chat}}", "modes.local: a provider has this name already"),
    ("fast: {tiemout_s: 3}", "modes.fast.tiemout_s: unknown key; did you mean `timeout_s`?"),
    ("fast: {downshift: {p95: 3}}", "modes.fast.downshift.p95: unknown key; did you mean `p95_s`?"),
    ("fast: {timeout_s: -1}", "modes.fast.timeout_s: expected a number"),
    ("fast: {recovery: {shares: [1.5]}}", "recovery.shares[0]: "),
    ("fast: 5", "modes.fast: expected a mapping of keys"),
    ("5", "gateway.modes: expected a mapping of keys"),
    ("[creative, fats]", "modes[1]: a list names modes that ship; one of your own is a mapping with roles; did you"),
    ("fast: {objective: {min_s: 6}}", "objective.min_s: objective.min_s must not be larger than objective.max_s"),
    ("fast: {timeout_s: 1.5}", "modes.fast.timeout_s: can never be met: 1 role end after timeout_s each"),
    ("fast: {downshift: {p95_s: 8}}", "downshift.p95_s: can never be reached: a call ends at timeout_s"),
    ("fast: {downshift: {p95_s: 1.9}}", "downshift.p95_s: can never be met: 1 role of this length stay below"),
    ("creative: {downshift: {p95_s: 3.3}}", "downshift.p95_s: can never be met: 3 roles of this length stay below"),
    ("fast: {recovery: {climb_after_s: 700}}", "recovery.climb_after_s: climb_after_s must not be larger than max_"),
    ("fast: {recovery: {shares: [0.5, 0.5]}}", "recovery.shares: the shares must grow from one to the next"),
]


@pytest.mark.parametrize(("modes", "told"), FAULTS, ids=[row[0] for row in FAULTS])
def test_faults(modes: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(modes)
    assert [told in str(problem) for problem in caught.value.problems] == [True], caught.value.problems
    assert caught.value.problems[0].line in (4, 5)


WARNINGS = [
    ("{fast: {}, creative: {}}", "modes.creative: allows more tokens than the better mode; modes are listed from best"),
    ("{a: {roles: {x: chat}, timeout_s: 3}, b: {roles: {x: chat}}}", "modes.b: allows more time than the better mode"),
    ("{a: {roles: {x: chat}}, b: {roles: {x: chat}}}", "modes.b: is the same as `a`: stepping down changes nothing"),
]


@pytest.mark.parametrize(("modes", "told"), WARNINGS)
def test_warnings(modes: str, told: str) -> None:
    assert [told in str(warning) for warning in read(modes).warnings] == [True]


@pytest.mark.parametrize("modes", ["[creative, balanced, fast]", "{creative: , balanced: {}, fast: }"])
def test_names_alone_are_the_modes_that_ship(modes: str) -> None:
    loaded = read(modes)
    assert not loaded.warnings
    found = loaded.config.gateway.modes
    assert {name: list(mode.roles) for name, mode in found.items()} == {
        "creative": ["interpreter", "validator", "hints"], "balanced": ["interpreter", "validator"],
        "fast": ["interpreter"],
    }  # fmt: skip
    assert all(chain == ["chat"] for mode in found.values() for chain in mode.roles.values())


def test_what_is_given_stays_beside_what_ships() -> None:
    found = read("creative: {roles: {writer: chat}, parameters: {temperature: }, downshift: {error_rate: 0.5}}")
    creative = found.config.gateway.modes["creative"]
    assert (creative.parameters.temperature, creative.parameters.top_p) == (None, 0.95)
    assert (creative.downshift.error_rate, creative.downshift.p95_s) == (0.5, 6.0)
    assert creative.objective is None, "the objective that ships speaks of three roles"


def test_layers_reach_into_modes() -> None:
    found = read("fast: {}", ROADWORTHY_GATEWAY__MODES__FAST__TIMEOUT_S="7")
    assert found.config.gateway.modes["fast"].timeout_s == 7.0


def test_the_schema_of_editors_knows_modes() -> None:
    assert "roles" not in json_schema()["$defs"]["Mode"].get("required", [])
