"""The entry for Streamlit Community Cloud: what is missing is said, and its versions are the pinned ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

testing = pytest.importorskip("streamlit.testing.v1")
pytest.importorskip("roadworthy_packs")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "streamlit"


def shown(secrets: dict[str, str]) -> Any:
    one = testing.AppTest.from_file(str(FOLDER / "streamlit_app.py"), default_timeout=30)
    for name, value in secrets.items():
        one.secrets[name] = value
    one.run()
    if "rw_session" in one.session_state:
        one.session_state["rw_session"].close()
    return one


def html(one: Any) -> str:
    return "\n".join(piece.proto.body for piece in one.get("html"))


@pytest.mark.parametrize(
    ("secrets", "named"),
    [({}, ["gateway_url", "gateway_key"]), ({"gateway_url": "http://127.0.0.1:9"}, ["gateway_key"])],
    ids=["none", "no key"],
)
def test_missing_secrets_are_named(secrets: dict[str, str], named: list[str]) -> None:
    one = shown(secrets)
    assert not one.exception
    told = html(one)
    assert "Secrets are missing." in told
    assert re.findall("<code>(gateway_[a-z]+)</code>", told) == named


def test_a_gateway_that_does_not_answer_is_told_without_a_traceback_and_without_the_key() -> None:
    one = shown({"gateway_url": "http://127.0.0.1:9/", "gateway_key": "rw_a-key-of-nobody-000"})
    assert not one.exception
    assert "No gateway answers at http://127.0.0.1:9." in html(one)
    assert "rw_a-key" not in html(one)


@pytest.mark.parametrize(
    ("secrets", "word"),
    [
        ({"gateway_url": "gateway.example.com", "gateway_key": "rw_a-key-of-nobody-000"}, "The address of the gateway"),
        ({"gateway_url": "http://127.0.0.1:9", "gateway_key": "rw_a-key\nof-nobody"}, "The key is not usable."),
    ],
    ids=["address", "key"],
)
def test_secrets_that_cannot_be_used_are_told_without_a_traceback(secrets: dict[str, str], word: str) -> None:
    one = shown(secrets)
    assert not one.exception
    assert word in html(one)
    assert "rw_a-key" not in html(one)


def test_requirements_are_a_part_of_what_the_product_is_locked_to() -> None:
    mine, all_of_it = (_locked(path) for path in (FOLDER / "requirements.txt", ROOT / "requirements" / "run.txt"))
    assert "streamlit" in {name.partition("==")[0] for name in mine}
    assert all(each.hashes for each in mine.values())
    assert mine.items() <= all_of_it.items()


def test_the_entry_imports_the_product_from_its_repository_alone(tmp_path: Path) -> None:
    """As where nothing but the requirements is installed: what is installed of the product here is hidden."""
    hidden = (
        "import sys; sys.path[:] = [each for each in sys.path if not each.endswith('src')];"
        "import importlib.util, runpy; assert importlib.util.find_spec('roadworthy') is None;"
        f"found = runpy.run_path({str(FOLDER / 'streamlit_app.py')!r});"
        "import roadworthy, roadworthy_packs; print(roadworthy.__file__); print(roadworthy_packs.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", hidden], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for line, folder in zip(done.stdout.split("\n"), ("src", "apps/packs/src"), strict=False):
        assert Path(line).is_relative_to(ROOT / folder)


class _Entry(NamedTuple):
    marker: str
    hashes: frozenset[str]


def _locked(path: Path) -> dict[str, _Entry]:
    """The entries `name==version` of a lock, each with its marker and hashes."""
    found = {}
    for line in path.read_text().replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            asked, *hashes = line.split("--hash=")
            name, _, marker = asked.partition(";")
            found[name.strip()] = _Entry(marker.strip(), frozenset(one.strip() for one in hashes))
    return found
