"""The bill of materials: valid by the schema of CycloneDX, one component for each distribution, licences and hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import jsonschema_rs
import pytest

from roadworthy.core.errors import SubjectError
from roadworthy.verify.supply.installed import Environment, counted, environment, files_of
from roadworthy.verify.supply.model_card import Card, card, model_licence
from roadworthy.verify.supply.sbom import Model, bill, purl

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOMB = (
    "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise(ascii_lowercase)) + "base_model: [*z]\n"
)
Validate = Callable[[object], list[str]]


@pytest.fixture(scope="module")
def faults() -> Validate:
    """What the official schema finds wrong; its two helpers are handed in, so that nothing is fetched."""
    folder = resources.files("cyclonedx.schema._res")
    schemas = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    address = "http://cyclonedx.org/schema/{}.SNAPSHOT.schema.json"
    registry = jsonschema_rs.Registry([(address.format(name), schemas[name]) for name in ("spdx", "jsf-0.82")])
    validator = jsonschema_rs.Draft7Validator(schemas["bom-1.6"], registry=registry)
    return lambda values: [str(fault) for fault in validator.iter_errors(values)]


def _install(
    place: Path,
    name: str,
    version: str,
    head: str = "License: MIT\n",
    record: str | None = "a.py,sha256=" + "A" * 43 + ",1\n",
) -> None:
    folder = place / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{head}"
    (folder / "METADATA").write_text(f"{about}\nText: no header\n")
    if record is not None:
        (folder / "RECORD").write_text(record + f"{folder.name}/RECORD,,\n")


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment of five distributions, one of them twice; files that tell when they are run lie in it."""
    packages = tmp_path / "venv/lib/python3.12/site-packages"
    _install(packages, "Alpha_One", "1.0+cpu", "License-Expression: MIT OR Apache-2.0\nRequires-Dist: beta>1\n"
             "Requires-Dist: gamma; extra == 'x'\nRequires-Dist: no requirement\nRequires-Dist: absent\n")  # fmt: skip
    _install(packages, "beta", "2", "License: BSD\n")
    _install(packages, "gamma", "3", "Summary: Third\nLicense-Expression: LicenseRef-Own\n", record=None)
    (packages / "old-1.egg-info").write_text("Name: old\nVersion: 1\n")
    tripwire = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    (packages / "zz.pth").write_text("# note\n../more\n../absent\n" + tripwire)
    (packages / "sitecustomize.py").write_text(tripwire)
    _install(packages.parent / "more", "beta", "2")
    (tmp_path / "venv/pyvenv.cfg").write_text("home = /nowhere/bin\ninclude-system-site-packages = false\n")
    (tmp_path / "venv/bin").mkdir()
    (tmp_path / "venv/bin/python").symlink_to("/usr/bin/false")
    return tmp_path / "venv"


@pytest.mark.parametrize("place", [".", "bin/python", "lib/python3.12/site-packages"])
def test_what_is_installed(place: str, venv: Path) -> None:
    found = environment(venv / place)
    names = [(each.key, each.version) for each in found.distributions]
    assert names == [("alpha-one", "1.0+cpu"), ("beta", "2"), ("beta", "2"), ("gamma", "3"), ("old", "1")]
    assert len(found.distributions) == found.existing == counted(found.folders) == 5
    assert not (venv.parent / "ran").exists()


def test_metadata_that_cannot_be_read_are_told(venv: Path) -> None:
    (venv / "lib/python3.12/site-packages/broken-1.dist-info").mkdir()
    found = environment(venv)
    assert (len(found.distributions), found.existing) == (5, 6)
    assert [name for name, _ in found.unread] == ["broken-1.dist-info"]


def test_no_environment(tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        environment(tmp_path)
    assert caught.value.code == "subject_unreadable"


def test_the_bill_is_valid_and_whole(venv: Path, faults: Validate) -> None:
    models = [
        Model("models/a.gguf", "0" * 64, 7, Card("base", ("set-1", "set-2"), "LicenseRef-Llama-3-Community", "run-1")),
        Model("models/b.pt", "1" * 64, 0, Card(licence="Apache-2.0")),
        Model("models/c.pt", "2" * 64, 0, Card(licence="our own words")),
        Model("models/d.pt", "3" * 64, 0, Card()),
    ]
    made = bill(environment(venv), models, project="sample", now=NOW, files=True)
    assert faults(made) == []
    kinds = [component["type"] for component in made["components"]]
    assert kinds.count("library") == 5
    assert kinds.count("machine-learning-model") == 4
    references = [component["bom-ref"] for component in made["components"]]
    assert len(set(references)) == len(references)


def test_components(venv: Path) -> None:
    made = bill(environment(venv), project="sample", now=NOW, files=True)
    alpha, beta, again, gamma, old = made["components"]
    assert alpha["purl"] == "pkg:pypi/alpha-one@1.0%2Bcpu"
    assert alpha["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    record = venv / "lib/python3.12/site-packages/Alpha_One-1.0+cpu.dist-info/RECORD"
    assert alpha["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(record.read_bytes()).hexdigest()}]
    assert [file["name"] for file in alpha["components"]] == ["a.py"]
    assert alpha["components"][0]["hashes"][0]["content"] == "0" * 64
    assert "licenses" not in beta
    assert again["bom-ref"] == beta["bom-ref"] + "#2"
    assert gamma["licenses"] == [{"license": {"name": "LicenseRef-Own"}}]
    assert "hashes" not in gamma
    assert old["version"] == "1"
    assert made["dependencies"][0]["dependsOn"] == [beta["bom-ref"]]


def test_the_same_bytes_give_the_same_bill(venv: Path) -> None:
    first, second = (bill(environment(venv), project="sample", now=NOW) for _ in range(2))
    assert first == second
    assert first["serialNumber"] != bill(environment(venv), project="other", now=NOW)["serialNumber"]


def test_our_own_environment(faults: Validate) -> None:
    found = environment()
    assert len(found.distributions) == found.existing == counted(found.folders)
    assert faults(bill(found, project="roadworthy", now=NOW)) == []
    assert sum(len(files_of(each)) for each in found.distributions) > 1000


def test_the_schema_does_find_faults(faults: Validate) -> None:
    made: dict[str, Any] = bill(Environment((), (), 0, ()), project="p", now=NOW)
    made["components"] = [{"type": "no such type", "name": "a"}]
    assert faults(made)


def test_package_urls() -> None:
    assert purl("Some.Thing", "1!2.0+x") == "pkg:pypi/some-thing@1%212.0%2Bx"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, Card()),
        (
            {"README.md": "---\nlicense: apache-2.0\nbase_model: org/base\ndatasets:\n- one\n- two\n---\n# Card\n"},
            Card("org/base", ("one", "two"), "Apache-2.0"),
        ),
        (
            {"README.md": "---\nlicense: other\nlicense_name: llama3\n---\n"},
            Card(licence="LicenseRef-Llama-3-Community"),
        ),
        (
            {"README.md": "---\nlicense: mit\n---\n", "deep/model.yaml": "license: llama3.1\ntrainer_run: 7\n"},
            Card(licence="LicenseRef-Llama-3.1-Community", trainer_run="7"),
        ),
        ({"README.md": "no front matter\n---\nlicense: mit\n---\n"}, Card()),
        ({"README.md": "---\n: [\n---\n"}, Card()),
        ({"deep/model.yaml": "- a list\n"}, Card()),
        ({"deep/model.yaml": "license: {a: b}\nbase_model: [[x], y]\ndatasets: [{a: b}, z]\n"}, Card("y", ("z",))),
        ({"deep/model.yaml": BOMB}, Card()),
    ],
)
def test_cards(files: dict[str, str], expected: Card, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert card(tmp_path, "deep/model.gguf") == expected


@pytest.mark.parametrize(
    ("licence", "name", "expected"),
    [
        ("mit", None, "MIT"),
        ("llama2", None, "LicenseRef-Llama-2-Community"),
        ("other", "my-own", "my-own"),
        ("other", None, None),
        (None, None, None),
    ],
)
def test_licences_of_cards(licence: str | None, name: str | None, expected: str | None) -> None:
    assert model_licence(licence, name) == expected
