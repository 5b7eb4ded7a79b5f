"""The section `applications`: a switch, and settings that only the application knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roadworthy.runtime.config.load import Loaded, load
from roadworthy.runtime.config.report import ConfigInvalid
from roadworthy.runtime.config.schema import json_schema
from roadworthy.runtime.config.view import effective, look_up

KEY = "sk-live-" + "oops-0123456789abcdef"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str, **environ: str) -> Loaded:
    Path("roadworthy.yaml").write_text(text)
    return load(environ=environ)


def test_settings_are_whatever_json_has() -> None:
    loaded = read("applications: {packs: {folder: x, deep: {list: [1, 2.5, null, {a: true}]}}, off: {enabled: false}}")
    packs, off = loaded.config.applications["packs"], loaded.config.applications["off"]
    assert packs.enabled
    assert packs.settings() == {"folder": "x", "deep": {"list": [1, 2.5, None, {"a": True}]}}
    assert (off.enabled, off.settings()) == (False, {})
    assert read("version: 1").config.applications == {}
    assert json.dumps(effective(loaded)["applications"]["packs"]["deep"]) == '{"list": [1, 2.5, null, {"a": true}]}'
    assert look_up(loaded, "applications.packs.deep.list[1]")[1] == 2.5


def test_layers_reach_into_them() -> None:
    text = (
        "applications: {my-packs: {Folder: x, depth: 1}}\nprofiles: {staging: {applications: {my-packs: {depth: 2}}}}"
    )
    environ = {"ROADWORTHY_APPLICATIONS__MY_PACKS__FOLDER": "y", "ROADWORTHY_APPLICATIONS__MY_PACKS__NEW": "[1]",
               "ROADWORTHY_APPLICATIONS__OTHER__ENABLED": "false", "APP_ENV": "staging"}  # fmt: skip
    loaded = read(text, **environ)
    assert loaded.config.applications["my-packs"].settings() == {"Folder": "y", "depth": 2, "new": [1]}
    assert not loaded.config.applications["other"].enabled
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("applications: [packs]", "roadworthy.yaml:1: applications: expected a mapping of keys"),
        ("applications: {packs: yes}", "applications.packs: expected a mapping of keys"),
        ("applications: {packs: {enabled: 1}}", "applications.packs.enabled: expected true or false"),
        (
            "applications:\n  packs:\n    since: 2026-01-01",
            "roadworthy.yaml:3: applications.packs.since: expected a value",
        ),
        ("applications: {packs: {x: .nan}}", "applications.packs.x: expected a value"),
        (f"applications: {{packs: {{x: {KEY}}}}}", "applications.packs.x: this looks like a key"),
        (f"applications: {{packs: {{x: [a, {{y: {KEY}}}]}}}}", "applications.packs.x[1].y: this looks like a key"),
        (f"applications: {{packs: {{{KEY}: 1}}}}", "applications.packs.***: this looks like a key"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        read(text)
    assert told in str(error.value)
    assert KEY not in str(error.value)


def test_without_a_worker_none_runs() -> None:
    [warning] = read("applications: {packs: {}}\njobs: {enabled: false}").warnings
    assert "no application runs while jobs.enabled is false" in str(warning)


def test_the_schema_lets_their_keys_through() -> None:
    node = json_schema()["$defs"]["Application"]
    assert "enabled" in node["properties"]
    assert node["additionalProperties"] == {"$ref": "#/$defs/JsonValue"}
