"""The alerts that are shipped are about metrics, labels and codes that exist; check OBS-02 loads and exercises them."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from roadworthy.core.errors import CODES
from roadworthy.runtime.metrics_definitions import DEFINITIONS

FILE = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "alerts.yml"
RULES = yaml.safe_load(FILE.read_text())["groups"][0]["rules"]
FUNCTIONS = {"absent", "increase", "rate", "sum", "max"}
KNOWN = {each.name: {*each.labels, "instance", "worker"} for each in DEFINITIONS} | {"up": {"job", "instance"}}


def test_each_alert_is_about_metrics_and_labels_that_exist() -> None:
    for rule in RULES:
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", " ", rule["expr"])
        metrics = set(re.findall(r"[a-z_]{2,}", bare)) - FUNCTIONS
        assert metrics, rule["alert"]
        assert metrics <= KNOWN.keys(), rule["alert"]
        for group in re.findall(r"by \(([^)]*)\)", rule["expr"]):
            assert all(set(re.findall(r"\w+", group)) <= KNOWN[each] for each in metrics), rule["alert"]


def test_each_code_that_an_alert_counts_exists() -> None:
    patterns = [code for rule in RULES for found in re.findall(r'code=~"([^"]+)"', rule["expr"])
                for code in found.split("|")]  # fmt: skip
    assert patterns
    for pattern in patterns:
        assert any(re.fullmatch(pattern, code) for code in CODES), pattern
