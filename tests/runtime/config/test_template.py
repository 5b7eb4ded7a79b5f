"""The file that `init` writes."""

from __future__ import annotations

import itertools
import json
import stat
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config import template
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.schema import json_schema

NAMES = list(template.STARTERS)


@pytest.mark.parametrize(
    "providers",
    [list(each) for count in range(len(NAMES) + 1) for each in itertools.combinations(NAMES, count)],
)
def test_every_file_is_valid_and_without_warnings(tmp_path: Path, providers: list[str]) -> None:
    path = tmp_path / "roadworthy.yaml"
    path.write_text(template.render_file(providers))
    loaded = load(path, environ={})
    assert list(loaded.config.gateway.providers) == [*providers, "embedded"]
    assert [target.split("/")[0] for target in loaded.config.gateway.routes["chat"].chain] == [
        *providers,
        "embedded",
    ]
    assert loaded.warnings == ()
    assert load(path, environ={"APP_ENV": "production"}).config.gateway.require_key


def test_providers_come_from_wishes_and_keys() -> None:
    environ = {"PERPLEXITY_API_KEY": "x", "OPENAI_API_KEY": "", "DEEPSEEK_API_KEY": "x"}
    assert template.choose_providers(environ, []) == ["perplexity", "deepseek"]
    assert template.choose_providers(environ, ["openai", "deepseek"]) == ["openai", "deepseek", "perplexity"]
    assert template.missing_variables(environ, ["openai", "deepseek"]) == ["OPENAI_API_KEY"]


def test_writes_file_and_schema_whole(tmp_path: Path) -> None:
    path = tmp_path / "roadworthy.yaml"
    schema = template.write_files(path, template.render_file([]), force=False)
    assert path.read_text().startswith("# yaml-language-server: $schema=.roadworthy/schema.json\n")
    assert schema == tmp_path / ".roadworthy" / "schema.json"
    assert json.loads(schema.read_text()) == json_schema()
    assert stat.S_IMODE(schema.parent.stat().st_mode) == 0o700
    assert sorted(item.name for item in tmp_path.iterdir()) == [".roadworthy", "roadworthy.yaml"]


def test_refuses_to_replace_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "roadworthy.yaml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        template.write_files(path, "other", force=False)
    assert [item.name for item in tmp_path.iterdir()] == ["roadworthy.yaml"]
    assert path.read_text() == "mine"
    template.write_files(path, "other", force=True)
    assert path.read_text() == "other"


def test_a_dangling_link_is_something_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "roadworthy.yaml"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="is there already"):
        template.write_files(path, "other", force=False)
    assert path.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        template.write_files(tmp_path / "absent" / "roadworthy.yaml", "x", force=False)
    assert "No such file or directory" in caught.value.why
