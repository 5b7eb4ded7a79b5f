"""Packs as files: those that ship are whole, and every mistake of one's own is told with its line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from packs_app import SMALL

import roadworthy_packs
from roadworthy.core.errors import UsageError
from roadworthy.runtime.config.report import ConfigInvalid
from roadworthy_packs import shelf
from roadworthy_packs.pack import Pack, said

HOME = Path(roadworthy_packs.__file__).parent
NAMED = {
    "quick_social_basic", "strategy_campaign_standard", "launch_gtm", "brand_turnaround", "retention_crm",
    "performance_audit", "pr_reputation", "always_on_content", "full_funnel", "event_promo",
}  # fmt: skip


def problems(folder: Path, text: str, name: str = "small.yaml") -> list[str]:
    (folder / name).write_text(text)
    with pytest.raises(ConfigInvalid) as told:
        shelf.read_pack(folder / name)
    return [str(one) for one in told.value.problems]


def test_the_packs_that_ship() -> None:
    packs = shelf.load()
    assert packs.keys() >= NAMED
    assert len(packs) == 12
    assert [pack.language for pack in packs.values()].count("ko") == 2
    for pack in packs.values():
        assert 3 <= len(pack.sections) <= 8, pack.key
        for section in pack.sections:
            assert len(said(section.instruction, pack.languages[0])) > 40, (pack.key, section.key)
            assert section.words.min, (pack.key, section.key)
            assert section.words.max, (pack.key, section.key)
        assert any(section.brand_mentions.min for section in pack.sections), pack.key


def test_every_file_names_the_schema_and_the_schema_is_the_reader() -> None:
    for path in shelf.SHIPPED.glob("*.yaml"):
        assert path.read_text().startswith("# yaml-language-server: $schema=../pack.schema.json\n")
    assert json.loads((HOME / "pack.schema.json").read_text()) == json.loads(json.dumps(msgspec.json.schema(Pack)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("words: {min: 5, max: 40}", "words: {min: 50, max: 40}"),
         "small.yaml:11: sections[0].words: min 50 is more than max 40"),
        (("  words: {min: 14, max: 60}", "  words: {min: 90}"),
         "small.yaml:20: whole.words.min: all sections together may have 80"),
        (("  words: {min: 14, max: 60}", "  words: {max: 9}"),
         "whole.words.max: all sections together must have 10 at least"),
        (("[cheap]", "[measure]"),
         "small.yaml:17: sections[1].required_terms[0]: what is required here is forbidden too"),
        (("[measure*]", "[lorem ipsum]"), "required_terms[0]: what is required here is forbidden too"),
        (("[measure*]", "['{brandname}']"), "{brandname} is no field of the brief; did you mean `brand_name`?"),
        (("[measure*]", "['**']"), "expected a term with a letter"),
        (("key: second", "key: first"), "sections[0].key: another section has the same key"),
        (("title: Second", "title: First"), "another section has the same title"),
        (("version: 1", "versoin: 1"), "small.yaml:3: versoin: this key is not known; did you mean `version`?"),
        (("version: 1", "version: one"), "small.yaml:3: version: expected `int`, got `str`"),
        (("    words: {min: 5, max: 40}\n    required", "    wrods: {min: 5}\n    required"), "did you mean `words`?"),
        (("max: 40}\n    brand", "max: 4O}\n    brand"), "small.yaml:11: sections[0].words.max: expected"),
        (("description: For tests.", "description: For tests.\ndescription: x"),
         "small.yaml:7: description: the key `description` stands here a second time"),
        (("title: Small report", "title: {ko: 보고서}"),
         "small.yaml:4: title: the pack's language is en: expected a text for en"),
        (("description: For tests.", "description: For tests.\nmax_tokens: 20"), "so many words cannot be written"),
        (("  brand_mentions: {min: 1, max: 6}", "  brand_mentions: {min: 1, max: 6}\n  sections: [frist]"),
         "no section has this key; did you mean `first`?"),
        (("title: Second", 'title: "Second\\n\\n## Third"'), "sections[1].title: expected one line of text"),
        (("title: Small report", 'title: " "'), "small.yaml:4: title: expected one line of text"),
        (("[cheap]", "['{brand_name}']"), "sections[1].forbidden_terms[0]: every report has to name its client"),
        (("[measure*]", "['{industry} is cheap']"), "required_terms[0]: what is required here is forbidden too"),
        (("description: For tests.", "description: For tests.\nstop: ['']"), "small.yaml:7: stop[0]: expected `str`"),
        (("key: small", "key: smoll"), "the key must be the name of the file"),
        (("language: en", "language: fr"), "small.yaml:5: language:"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert change[0] in SMALL
    found = problems(tmp_path, SMALL.replace(*change))
    assert any(told in one for one in found), found
    assert all(re.match(r"small\.yaml:\d+: ", one) for one in found), found


def test_terms_may_hold_fields_of_the_brief(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL.replace("[measure*]", "['{brand_name} club', '{industry}']"))
    assert shelf.read_pack(tmp_path / "small.yaml").sections[1].required_terms == ("{brand_name} club", "{industry}")


def test_all_contradictions_are_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("{min: 5, max: 40}", "{min: 50, max: 40}").replace("[cheap]", "[measure]")
    assert len(problems(tmp_path, text)) == 4


def test_bombs_and_what_is_no_pack_end_quickly(tmp_path: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "too deeply nested, or too many keys" in problems(tmp_path, bomb)[0]
    assert "too deeply nested" in problems(tmp_path, "[" * 5_000)[0]
    assert "expected a mapping" in problems(tmp_path, "- a")[0]
    assert "not valid" in problems(tmp_path, "\x00")[0] or "cannot be read" in problems(tmp_path, "\x00")[0]
    (tmp_path / "bytes.yaml").write_bytes(b"key: \xff")
    with pytest.raises(ConfigInvalid, match="not UTF-8 at byte 5"):
        shelf.read_pack(tmp_path / "bytes.yaml")
    with pytest.raises(ConfigInvalid, match="no such file"):
        shelf.read_pack(tmp_path / "none.yaml")


def test_a_folder_adds_packs_and_takes_no_name(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / ".hidden.yaml").write_text("no pack")
    assert len(shelf.load(tmp_path)) == 13
    (tmp_path / "launch_gtm.yaml").write_text((shelf.SHIPPED / "launch_gtm.yaml").read_text())
    with pytest.raises(ConfigInvalid, match="ships with the application"):
        shelf.load(tmp_path)
    with pytest.raises(ConfigInvalid, match="cannot be read: no such file"):
        shelf.load(tmp_path / "none")


def test_an_unknown_pack_gets_a_guess() -> None:
    with pytest.raises(UsageError, match=r"Did you mean launch_gtm\?") as told:
        shelf.pick(shelf.load(), "lanch_gtm")
    assert told.value.code == "not_found"
