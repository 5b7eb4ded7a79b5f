"""The catalogue, the probes that implement it, and those of apps."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from roadworthy.core.errors import ConfigError
from roadworthy.verify import registry
from roadworthy.verify.definition import Category, Weight, definition_of, settled
from roadworthy.verify.policy import policy_of
from roadworthy.verify.selfcheck import OWN

GOOD: dict[str, Any] = {
    "id": "SHOP-01",
    "title": "Prices have currencies",
    "category": "testing",
    "weight": "L",
    "automation": "A",
    "expiry": "subject",
    "rule": "all",
    "source": "us",
    "remediation": "Add them.",
    "settings": {"limit": {"type": "number", "default": 3, "meaning": "A limit."}},
}


def test_the_catalogue_is_whole() -> None:
    rows = registry.catalogue()
    assert len(rows) == 84
    assert Counter(str(row.automation) for row in rows.values()) == {"A": 41, "S": 36, "P": 5, "H": 2}
    assert {row.category for row in rows.values()} == set(Category)
    assert all(row.blocker for row in rows.values() if row.weight is Weight.C)
    assert len({row.title for row in rows.values()}) == 84


def test_every_probe_is_three_files() -> None:
    """Definition, implementation, table test."""
    tests = Path(__file__).parent / "probes"
    told = "".join(file.read_text() for file in tests.glob("test_*.py"))
    for id, check in registry.built_in().items():
        assert check.module is not None
        assert importlib.util.find_spec(check.module) is not None, id
        assert f'"{id}"' in told or f"'{id}'" in told, f"{id} has no test in tests/verify/probes"


def test_checks_come_in_order_and_complete() -> None:
    found = registry.checks()
    assert set(found) == set(registry.catalogue())
    assert list(found) == sorted(found)
    assert found["QUA-05"].origin == "built-in"
    assert found["OBS-07"].module is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "shop-1"}, "not of the form"),
        ({"id": "SHOP-01\n"}, "not of the form"),
        ({"weight": "X"}, "Invalid enum"),
        ({"weight": "C"}, "is a blocker"),
        ({"category": "other"}, "Invalid enum"),
        ({"colour": "red"}, "unknown field"),
        ({"title": None}, "Expected `str`"),
        ({"settings": {"limit": {"type": "money", "meaning": "A limit."}}}, "no known type"),
    ],
)
def test_bad_definitions(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        definition_of({**GOOD, **changes}, "probe.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ({}, 3),
        ({"limit": 4}, 4),
        ({"limit": 4.5}, 4.5),
        ({"limit": "4"}, None),
        ({"limit": False}, None),
        ({"x": 1}, None),
    ],
)
def test_settings(section: dict[str, object], value: object) -> None:
    definition = definition_of(GOOD, "probe.yaml")
    if value is None:
        with pytest.raises(ConfigError):
            settled(definition, section)
    else:
        assert settled(definition, section) == {"limit": value}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed app with one probe; its package must not be imported to be found."""
    site = tmp_path / "site"
    (site / "shop_probes" / "prices").mkdir(parents=True)
    (site / "shop_probes" / "__init__.py").write_text("")
    (site / "shop_probes" / "prices" / "__init__.py").write_text("raise SystemExit('imported')")
    (site / "shop_probes" / "prices" / "probe.yaml").write_text(yaml.safe_dump(GOOD))
    (site / "shop-1.0.dist-info").mkdir()
    (site / "shop-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    points = f"[{registry.GROUP}]\nprices = shop_probes.prices\n"
    (site / "shop-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "shop_probes", raising=False)
    return site


def test_a_plug_in_runs_only_when_the_policy_says_so(shop: Path) -> None:
    assert "SHOP-01" not in registry.checks()
    found = registry.checks(("SHOP-01",))["SHOP-01"]
    assert (found.module, found.origin) == ("shop_probes.prices.probe", "shop")
    assert policy_of(b"plug_ins: [SHOP-01]\nprobes: {SHOP-01: {limit: 5}}").plug_ins == ("SHOP-01",)
    with pytest.raises(ConfigError, match="limits, which does not exist"):
        policy_of(b"plug_ins: [SHOP-01]\nprobes: {SHOP-01: {limits: 5}}")


@pytest.mark.parametrize(("changes", "said"), [({"id": "ART-04"}, "in use"), ({"remediation": ""}, "mend a failure")])
def test_a_plug_in_cannot_take_a_check_over(shop: Path, changes: dict[str, str], said: str) -> None:
    (shop / "shop_probes" / "prices" / "probe.yaml").write_text(yaml.safe_dump({**GOOD, **changes}))
    with pytest.raises(ConfigError, match=said):
        registry.checks(("SHOP-01",))


def test_a_plug_in_without_its_file(shop: Path) -> None:
    (shop / "shop_probes" / "prices" / "probe.yaml").unlink()
    with pytest.raises(ConfigError, match=r"no probe\.yaml"):
        registry.checks(("SHOP-01",))
    assert registry.checks()


def test_a_probe_cannot_weigh_a_check_otherwise() -> None:
    row = registry.catalogue()["ART-04"]
    lighter = definition_of({**GOOD, "id": "ART-04", "category": "security", "expiry": "subject"}, "probe.yaml")
    assert row.weight is not lighter.weight
    with pytest.raises(ConfigError, match="differs from the catalogue"):
        registry._same_as_catalogue(lighter, "probe.yaml")


def test_a_check_of_the_catalogue_without_a_probe_says_what_is_missing_and_no_other_does() -> None:
    implemented = {*registry.built_in(), *OWN}
    for id, definition in registry.catalogue().items():
        assert bool(definition.lacks) is (id not in implemented), id
