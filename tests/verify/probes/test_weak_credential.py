"""SEC-02: planted credentials fail, clean twins pass, what was not read is not measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.verify.outcome import Outcome


@pytest.mark.parametrize(
    ("files", "settings", "status", "places"),
    [
        ({}, {}, "not_measured", []),
        ({"a.py": b"x = 1\n"}, {}, "pass", []),
        ({".env": b"ADMIN_PASSWORD=admin123\n"}, {}, "fail", [(".env", 1)]),
        ({"a.py": b"x = 1\n", "a.bin": b"\0PASSWORD=admin\n"}, {}, "pass", []),
        ({"a.py": b"x = 1\n", "tests/a.py": b"password = 'admin'\n"}, {}, "pass", []),
        ({"a.py": b"x = 1\n", "tests/a.py": b"password = 'admin'\n"}, {"not_running": {}}, "fail", [("tests/a.py", 1)]),
        ({"a.env": "\ufeffX=1\nPASSWORD=admin\n".encode("utf-16")}, {}, "fail", [("a.env", 2)]),
        ({"a\nb.env": b"PASSWORD=admin\n"}, {}, "fail", [("a\\nb.env", 1)]),
    ],
)
def test_weak_credentials(
    files: dict[str, bytes],
    settings: dict[str, Any],
    status: str,
    places: list[tuple[str, int]],
    subject: Path,
    verified: Callable[..., Outcome],
) -> None:
    for name, content in files.items():
        (subject / name).parent.mkdir(exist_ok=True)
        (subject / name).write_bytes(content)
    outcome = verified("SEC-02", **settings)
    assert outcome.status == status, outcome
    assert [(each.location.path, each.location.line) for each in outcome.findings if each.location] == places
    assert "admin123" not in str(outcome)
