"""SUP-03 and SUP-08: planted faults, clean twins, and files that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.verify.outcome import Outcome

SHA = "0123456789" * 4
HASHED = "a==1 --hash=sha256:" + "ab" * 32 + "\n"
CLEAN = f"on: push\npermissions: {{}}\njobs:\n  one:\n    steps:\n    - uses: a/b@{SHA}\n    - run: make\n"
ASKS = '[project]\nname = "x"\ndependencies = ["a"]\n'


@pytest.mark.parametrize(
    ("files", "settings", "pinned", "safe"),
    [
        ({"a.py": ""}, {}, "not_applicable", "not_applicable"),
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, {}, "not_applicable", "not_applicable"),
        ({"pyproject.toml": ASKS}, {}, "fail", "not_applicable"),
        ({"pyproject.toml": ASKS, "requirements.txt": HASHED}, {}, "pass", "not_applicable"),
        ({"requirements.txt": "a==1\n"}, {}, "fail", "not_applicable"),
        ({"requirements.txt": HASHED, "docs/requirements.txt": "a\n"}, {}, "fail", "not_applicable"),
        (
            {"requirements.txt": HASHED, "docs/requirements.txt": "a\n"},
            {"not_locks": {"docs/requirements.txt": "a sample in a page"}},
            "pass",
            "not_applicable",
        ),
        ({"uv.lock": "no toml ["}, {}, "not_measured", "not_applicable"),
        ({".github/workflows/ci.yml": CLEAN}, {}, "pass", "pass"),
        ({".github/workflows/ci.yml": CLEAN.replace(SHA, "v1")}, {}, "fail", "pass"),
        ({".github/workflows/ci.yml": CLEAN.replace("permissions: {}\n", "")}, {}, "pass", "fail"),
        ({".github/workflows/ci.yml": CLEAN.replace("make", "${{ github.head_ref }}")}, {}, "pass", "fail"),
        ({".github/workflows/ci.yml": "a: ["}, {}, "not_measured", "not_measured"),
        ({".github/workflows/ci.yml": CLEAN, ".gitlab-ci.yml": ""}, {}, "not_measured", "not_measured"),
        ({"Dockerfile": "FROM a:1\n"}, {}, "fail", "not_applicable"),
        ({".gitlab-ci.yml": "job:\n  script: [make]\n"}, {}, "pass", "pass"),
    ],
)
def test_pipelines(
    files: dict[str, str],
    settings: dict[str, Any],
    pinned: str,
    safe: str,
    subject: Path,
    verified: Callable[..., Outcome],
) -> None:
    for name, text in files.items():
        (subject / name).parent.mkdir(parents=True, exist_ok=True)
        (subject / name).write_text(text)
    assert verified("SUP-03", **settings).status == pinned
    assert verified("SUP-08").status == safe


def test_a_workflow_that_is_a_link_is_not_followed(subject: Path, verified: Callable[..., Outcome]) -> None:
    (subject.parent / "outside.yml").write_text(CLEAN)
    (subject / ".github/workflows").mkdir(parents=True)
    (subject / ".github/workflows/ci.yml").symlink_to(subject.parent / "outside.yml")
    assert verified("SUP-08").status == "not_measured"
