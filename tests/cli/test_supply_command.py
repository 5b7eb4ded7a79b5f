"""`roadworthy verify sbom` and `verify advisories` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from roadworthy.cli.main import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    packages = tmp_path / ".venv/lib/python3.12/site-packages"
    for name, version in (("alpha", "1.0"), ("beta", "2.0")):
        (packages / f"{name}-{version}.dist-info").mkdir(parents=True)
        (packages / f"{name}-{version}.dist-info/METADATA").write_text(f"Name: {name}\nVersion: {version}\n\n")
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    return tmp_path


def _advise(folder: Path, package: str, days: int = 1) -> None:
    (folder / "osv").mkdir(exist_ok=True)
    changed = datetime.now(UTC) - timedelta(days=days)
    (folder / f"osv/{package}.json").write_text(json.dumps({
        "id": f"T-{package}", "modified": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "affected": [{"package": {"ecosystem": "PyPI", "name": package}, "versions": ["1.0"]}],
    }))  # fmt: skip


def _data(capsys: pytest.CaptureFixture[str], words: list[str], code: int) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["verify", *words, "--json"]) == code
    data = json.loads(capsys.readouterr().out)["data"]
    assert isinstance(data, dict)
    return data


def test_sbom_is_printed_and_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "sbom"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [component["name"] for component in printed["components"]] == ["alpha", "beta", "m.gguf"]
    assert run(["verify", "sbom", "-o", "sbom.json"]) == 0
    written = json.loads((folder / "sbom.json").read_text())
    assert written["components"] == printed["components"]
    assert _data(capsys, ["sbom"], 0)["distributions"] == 2


def test_sbom_tells_what_it_could_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".venv/lib/python3.12/site-packages/broken-1.dist-info").mkdir()
    data = _data(capsys, ["sbom"], 4)
    assert (data["unread"], data["distributions"], data["installed"]) == (["broken-1.dist-info"], 2, 3)


def test_advisories(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _advise(folder, "other")
    assert _data(capsys, ["advisories", "import", "osv"], 0)["advisories"] == 1
    assert _data(capsys, ["advisories", "check"], 0)["packages"] == {"examined": 2, "installed": 2}
    _advise(folder, "alpha")
    assert run(["verify", "advisories", "import", "osv"]) == 0
    found = _data(capsys, ["advisories", "check"], 1)["vulnerabilities"]
    assert [(hit["package"], hit["severity"]) for hit in found] == [("alpha", None)]


def test_an_old_copy_is_never_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _advise(folder, "other", days=30)
    assert run(["verify", "advisories", "import", "osv"]) == 0
    assert "No check against it will pass" in capsys.readouterr().err
    assert _data(capsys, ["advisories", "check"], 4)["database"]["stale"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sbom", "--python", "missing"], 2),
        (["sbom", "--python", "osv"], 4),
        (["sbom", "-o", "missing/sbom.json"], 4),
        (["advisories", "import", "missing"], 2),
        (["advisories", "import", "m.gguf"], 4),
        (["advisories", "check"], 4),
        (["advisories", "check", "--database", "m.gguf"], 4),
    ],
)
def test_bad_input(words: list[str], code: int, folder: Path) -> None:
    (folder / "osv").mkdir()
    assert run(["verify", *words]) == code


def test_an_unreadable_record_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _advise(folder, "other")
    (folder / "osv/bad.json").write_text("{")
    assert [each["name"] for each in _data(capsys, ["advisories", "import", "osv"], 4)["unreadable"]] == ["bad.json"]
    assert _data(capsys, ["advisories", "check"], 4)["database"]["stale"]


@pytest.mark.parametrize(
    ("module", "words"), [("license_expression", ["sbom"]), ("packaging", ["advisories", "check"])]
)
def test_without_the_extra(module: str, words: list[str], folder: Path) -> None:
    (folder / ".venv/lib/python3.12/site-packages/alpha-1.0.dist-info/METADATA").write_text(
        "Name: alpha\nVersion: 1.0\nLicense-Expression: MIT\n\n"
    )
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        f"from roadworthy.cli.main import run\nsys.exit(run(['verify', *{words!r}, '--json']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "extra_missing"
