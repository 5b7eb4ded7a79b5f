"""Folders of prompts: files that are checked, versions that are held to their text, hostile folders."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.prompts.language import language_of
from roadworthy.gateway.settings import EdgeSettings
from roadworthy.runtime.config.load import load as load_config
from roadworthy.serve import prompt_file, wiring
from roadworthy.serve.config_check import check
from roadworthy.serve.prompt_file import load, lock, read

GOOD = "name: brand\nversion: 1\nsystem: {en: a, ko: 가}\n"


def put(folder: Path, content: str = GOOD, name: str = "brand.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content, "utf-8")
    return folder


def test_every_shipped_prompt_is_whole_released_and_in_both_languages() -> None:
    shelf = load(None)
    assert [one.name for one in shelf.templates] == ["hints", "interpreter", "validator"]
    assert shelf.unlocked == ()
    for one in shelf.templates:
        assert language_of(one.system["ko"]) == "ko"
        assert language_of(one.system["en"]) == "en"
    assert len((prompt_file.SHIPPED / "prompts.lock").read_text().split("\n")) == 2 + 3 + 1


FILES = {
    "name: a": "version",
    "name: a\nversion: 1\nversion: 2\nsystem: {en: a, ko: b}": "second time",
    "name: a\nversion: '1'\nsystem: {en: a, ko: b}": "int",
    "name: a\nversion: 1\nmodes: x\nsystem: {en: a, ko: b}": "modes",
    "name: a\nversion: 1\nsystem: {en: '{brief}', ko: '{brief}'}": "belong into `user`",
    "name: a\nversion: 1\nsystem: !!python/object/apply:os.system ['true']": "Expected `object`",
    "a: &a [x, x]\nb: &b [*a, *a]\nname: *b": "unknown field",
    "name: [": "YAML",
    "- a": "mapping",
    "": "name",
    "[" * 5_000: "nested",
    "\ufeffname: \x00": "YAML",
}


@pytest.mark.parametrize("content", FILES)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(put(tmp_path, content, "broken.yaml"))
    assert "broken.yaml" in str(caught.value)
    assert FILES[content] in caught.value.why
    assert "Traceback" not in str(caught.value)


def test_a_folder_of_mischief(tmp_path: Path) -> None:
    def told(name: str) -> str:
        with pytest.raises(ConfigError) as caught:
            read(tmp_path)
        os.unlink(tmp_path / name) if not (tmp_path / name).is_dir() else os.rmdir(tmp_path / name)
        return caught.value.why

    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert "symbolic links" in told("loop.yaml")
    (tmp_path / "gone.yml").symlink_to("nowhere")
    assert told("gone.yml") == "no such file or directory."
    os.mkfifo(tmp_path / "pipe.yaml")
    assert told("pipe.yaml") == "it is no regular file."
    (tmp_path / "folder.yaml").mkdir()
    assert told("folder.yaml") in {"it is no regular file.", "is a directory."}
    (tmp_path / "huge.yaml").write_bytes(b"#" * (prompt_file.MAX_FILE_BYTES + 1))
    assert "larger" in told("huge.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff")
    assert told("latin.yaml") == "it is not UTF-8 at byte 6."
    (tmp_path / "notes.txt").write_text("not a prompt")
    (tmp_path / ".hidden.yaml").write_text("name: [")
    (tmp_path / "inner").symlink_to(tmp_path)
    (tmp_path / "linked.yaml").symlink_to(put(tmp_path / "real") / "brand.yaml")
    assert [one.name for one in read(tmp_path)] == ["brand"]


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)
    real = os.open

    def refuse(path: object, *rest: int) -> int:
        if str(path).endswith("brand.yaml"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path)
    assert caught.value.why == "permission denied."


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", put(tmp_path) / "brand.yaml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(folder)


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_file, "MAX_FILES", 1)
    put(tmp_path)
    put(tmp_path, GOOD, "b.yaml")
    with pytest.raises(ConfigError, match="too large"):
        read(tmp_path)


def test_the_same_version_twice_also_beside_what_ships(tmp_path: Path) -> None:
    put(tmp_path, GOOD.replace("brand", "hints"))
    with pytest.raises(ConfigError, match="hints@1 is there twice"):
        load(tmp_path)
    put(tmp_path, GOOD.replace("brand", "hints").replace("version: 1", "version: 2"))
    assert load(tmp_path).unlocked == ("hints@2",)


def test_a_released_version_never_changes(tmp_path: Path) -> None:
    put(tmp_path)
    assert load(tmp_path).unlocked == ("brand@1",)
    assert lock(tmp_path) == ["brand@1"]
    written = (tmp_path / "prompts.lock").read_text()
    assert load(tmp_path).unlocked == ()
    assert lock(tmp_path) == []
    put(tmp_path, "# a comment\nversion: 1\nname: brand\nsystem:\n  ko: 가\n  en: a\n")
    assert load(tmp_path).unlocked == ()
    put(tmp_path, GOOD.replace("en: a", "en: b"))
    for act in (load, lock):
        with pytest.raises(ConfigError, match="brand@1 was changed after its release") as caught:
            act(tmp_path)
        assert "version 2" in caught.value.mend
    assert (tmp_path / "prompts.lock").read_text() == written
    put(tmp_path)
    put(tmp_path, GOOD.replace("version: 1", "version: 2"), "brand-2.yaml")
    assert lock(tmp_path) == ["brand@2"]
    assert (tmp_path / "prompts.lock").read_text().startswith(written)
    put(tmp_path, GOOD + "role: hints\n", "variant.yaml")
    with pytest.raises(ConfigError, match="brand@1 was changed"):
        load(tmp_path)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("line", ["brand@1", "brand@1 abc", "brand@1 " + "g" * 64, "<<<<<<< HEAD", "x@1 " + "0" * 64])
def test_a_broken_lock_is_named(tmp_path: Path, line: str) -> None:
    put(tmp_path)
    (tmp_path / "prompts.lock").write_text(f"# head\n\nx@1 {'0' * 64}\n{line}\n")
    with pytest.raises(ConfigError, match=r"Line 4 of prompts\.lock"):
        load(tmp_path)


def test_a_lock_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot be written"):
        lock(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["brand.yaml"]


CONFIG = """
version: 1
gateway:
  prompts: {{folder: {folder}}}
  routes:
    chat: {{chain: [embedded/smollm2-135m-instruct], prompt: {route}}}
  modes:
    creative:
      prompts: {{interpreter: {role}}}
    fast: {{}}
"""


def config(tmp_path: Path, route: str = "brand@1", role: str = "interpreter") -> Path:
    path = tmp_path / "roadworthy.yaml"
    path.write_text(CONFIG.format(folder=put(tmp_path / "prompts"), route=route, role=role))
    return path


def test_the_edge_gets_templates_and_names(tmp_path: Path) -> None:
    loaded = load_config(config(tmp_path), environ={})
    edge = wiring.compile_edge(loaded.config, {}, embedded_url="http://127.0.0.1:1/v1")
    assert [one.name for one in edge.prompts] == ["hints", "interpreter", "validator", "brand"]
    assert msgspec.json.decode(msgspec.json.encode(edge), type=EdgeSettings) == edge  # how it travels to the edge
    assert edge.routes[0].prompt == "brand@1"
    creative, fast = edge.modes
    assert [(role.role, role.prompt) for role in creative.roles] == [
        ("interpreter", "interpreter"), ("validator", "brand@1"), ("hints", "brand@1"),
    ]  # fmt: skip
    assert fast.roles[0].prompt == "brand@1"  # a role that names a route takes the route's


@pytest.mark.parametrize(
    ("route", "role", "told"),
    [
        ("brnd", "interpreter", "Did you mean brand?"),
        ("brand@7", "interpreter", "There are: 1."),
        ("brand", "nowhere", "There are: brand, hints"),
    ],
)
def test_a_name_that_is_not_there_is_found_before_the_start(tmp_path: Path, route: str, role: str, told: str) -> None:
    path = config(tmp_path, route, role)
    with pytest.raises(ConfigError) as caught:
        wiring.compile_edge(load_config(path, environ={}).config, {}, embedded_url="http://127.0.0.1:1/v1")
    assert told in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        check(path, {})
    assert told in str(caught.value)
    assert "gateway." in str(caught.value)


def test_what_is_no_name_or_no_role_is_a_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.routes\.chat\.prompt"):
        load_config(config(tmp_path, "Not A Name"), environ={})
    path = config(tmp_path)
    path.write_text(path.read_text().replace("{interpreter: interpreter}", "{interpretr: hints}"))
    with pytest.raises(ConfigError, match=r"no such role; did you mean `interpreter`"):
        load_config(path, environ={})


def test_production_takes_released_versions_only(tmp_path: Path) -> None:
    path = config(tmp_path)
    assert "brand@1 is not in prompts.lock" in str(check(path, {}).warnings)
    with pytest.raises(ConfigError, match=r"brand@1 is not in prompts\.lock"):
        check(path, {"APP_ENV": "production"})
    lock(tmp_path / "prompts")
    assert "prompts.lock" not in str(check(path, {"APP_ENV": "production"}).warnings)
    put(tmp_path / "prompts", GOOD.replace("en: a", "en: b"))
    with pytest.raises(ConfigError, match="changed after its release"):
        check(path, {})
