"""What installed packages offer, read without `importlib.metadata`, which says the same."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import roadworthy
from rig.applications import install
from roadworthy.runtime.entry_point import offered


def test_it_says_what_the_standard_library_says() -> None:
    groups = entry_points().groups
    assert groups
    for group in groups:
        theirs = {(each.name, each.module, each.attr or "") for each in entry_points(group=group)}
        ours = {(each.name, each.module, each.attribute) for each in offered(group).values()}
        assert ours <= theirs, group
        assert {name for name, *_ in ours} == {name for name, *_ in theirs}, group
    [command] = [each for each in entry_points(group="console_scripts") if each.name == "roadworthy"]
    assert offered("console_scripts")["roadworthy"].version == command.dist.version


def test_the_first_on_the_path_wins_and_names_are_normal(tmp_path: Path) -> None:
    install(tmp_path / "one", "my-shop", applications={"shop": "shop:SHOP"}, summary="Sells things: all of them.")
    install(tmp_path / "two", "My.Shop", applications={"shop": "shop:OTHER", "more": "shop:MORE"})
    install(tmp_path / "two", "other", applications={"shop": "shop:OTHER", "last": "shop:A.b"})
    found = offered("roadworthy.applications", [str(tmp_path / "none"), str(tmp_path / "one"), str(tmp_path / "two")])
    assert {name: (each.module, each.attribute) for name, each in found.items()} == {
        "shop": ("shop", "SHOP"), "last": ("shop", "A.b"),
    }  # fmt: skip
    assert (found["shop"].package, found["shop"].version) == ("my-shop", "1.2.3")
    assert found["shop"].summary == "Sells things: all of them."


@pytest.mark.parametrize(
    "text", ["", "[roadworthy.applications", "[roadworthy.applications]\n=\nx\n# a = b\ny = z:", "\0"]
)
def test_damaged_metadata_offer_nothing(tmp_path: Path, text: str) -> None:
    info = tmp_path / "x-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(text)
    assert offered("roadworthy.applications", [str(tmp_path)]) == {}


def test_metadata_that_are_missing_say_nothing(tmp_path: Path) -> None:
    info = tmp_path / "x-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[g]\nx = y:z\n")
    offer = offered("g", [str(tmp_path)])["x"]
    assert (offer.package, offer.version, offer.summary) == ("", "", "")
    with pytest.raises(ImportError):
        offer.load()


def test_it_costs_no_import_of_the_standard_library() -> None:
    code = "import sys, roadworthy.runtime.entry_point as e; e.offered('x'); print('importlib.metadata' in sys.modules)"
    source = str(Path(roadworthy.__file__).parents[1])  # without site packages nothing else says where it lies
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": source})
    assert done.stdout == "False\n", done.stderr
