"""`roadworthy gateway prompts`: look at prompts, fill them in, release versions, try the dictionary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roadworthy.cli.output import Settings, options
from roadworthy.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from roadworthy.gateway.prompts.template import Reference, Template
    from roadworthy.serve.prompt_file import Shelf


@click.group()
def prompts() -> None:
    """Look at prompts, fill them in, release versions, try the dictionary."""


@prompts.command("list")
@options
def list_prompts(out: Settings) -> None:
    """List every version of every prompt."""
    from roadworthy.gateway.prompts.catalogue import Catalogue

    found = _shelf(out)
    rows = [_row(template, found) for template in Catalogue(found.templates).all()]
    cells = [
        [row["prompt"], *(row[key] or "any" for key in ("role", "mode", "model")), ", ".join(row["values"]) or "none",
         "yes" if row["released"] else "no"]
        for row in rows
    ]  # fmt: skip
    out.emit({"prompts": rows}, out.table(["prompt", "role", "mode", "model", "values", "released"], cells))


@prompts.command()
@options
@click.argument("which", metavar="NAME[@VERSION]")
def show(which: str, out: Settings) -> None:
    """Show the newest version of a prompt, or the one named, with all its variants and languages."""
    found, wanted = _shelf(out), _reference(which)
    variants = _variants(found, wanted)
    rows = [{**_row(one, found), "system": one.system, "user": one.user} for one in variants]
    out.emit({"prompts": rows}, "\n\n".join(map(_page, variants)))


@prompts.command()
@options
@click.argument("which", metavar="NAME[@VERSION]")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="A value; `-` as VALUE reads stdin.")
@click.option("--lang", type=click.Choice(["en", "ko"]), help="Language; told by the values when left out.")
@click.option("--role", help="As if this role of a mode were asked.")
@click.option("--mode", help="As if this mode were asked.")
@click.option("--model", metavar="PROVIDER/MODEL", help="As if this model answered.")
def render(
    which: str,
    given: tuple[str, ...],
    lang: str | None,
    role: str | None,
    mode: str | None,
    model: str | None,
    out: Settings,
) -> None:
    """Fill in a prompt as a request that names it would, and print its messages."""
    from roadworthy.gateway.prompts.catalogue import Catalogue
    from roadworthy.gateway.prompts.keyword import Dictionary, told
    from roadworthy.gateway.prompts.language import language_of
    from roadworthy.gateway.prompts.template import check_values, messages

    values = _values(given)
    choice = Catalogue(_shelf(out).templates).find(_reference(which), role, mode)
    check_values(choice.template, values)
    text = "\n".join(values.values())
    language = lang or language_of(text)
    words = told(Dictionary.load(), text, language) if choice.automatic else ""
    found = messages(choice.for_model(model), language, {**values, "keywords": words})
    data = {"prompt": f"{choice.name}@{choice.version}", "language": language,
            "messages": [{"role": speaker, "content": content} for speaker, content in found]}  # fmt: skip
    out.emit(data, "\n\n".join(f"[{speaker}]\n{content}" for speaker, content in found))


@prompts.command()
@options
@click.argument("text")
def keywords(text: str, out: Settings) -> None:
    """Show what the Korean dictionary finds in TEXT (`-` reads it from stdin)."""
    from roadworthy.gateway.prompts.keyword import Dictionary
    from roadworthy.gateway.prompts.language import language_of

    dictionary = Dictionary.load()
    text = _text(text)
    found, families = dictionary.find(text), dictionary.families(text)
    data = {"language": language_of(text), "keywords": found, "families": families}
    rows = [(one.korean, one.family, ", ".join(one.descriptors), one.facet, f"{one.weight:g}") for one in found]
    heads = ["word", "family", "stands for", "facet", "weight"]
    out.emit(data, out.table(heads, rows) if rows else "No word of the dictionary is in the text.")


@prompts.command()
@options
def lock(out: Settings) -> None:
    """Release what is in gateway.prompts.folder: versions written into prompts.lock never change again."""
    from roadworthy.serve import prompt_file

    folder = _folder(out)
    if folder is None:
        raise ConfigError("There is no folder of prompts.", "gateway.prompts.folder is not set.", "Set it.")
    added = prompt_file.lock(folder)
    out.emit({"released": added}, f"Released: {', '.join(added)}." if added else "Everything was released before.")


def _folder(out: Settings) -> Path | None:
    from roadworthy.runtime.config.load import load

    folder = load(out.config).config.gateway.prompts.folder
    return Path(folder) if folder else None


def _shelf(out: Settings) -> Shelf:
    from roadworthy.serve import prompt_file

    return prompt_file.load(_folder(out))


def _reference(text: str) -> Reference:
    from roadworthy.gateway.prompts.template import parse_reference

    reference = parse_reference(text)
    if reference is None:
        raise UsageError("This is no name of a prompt.", "A prompt is NAME or NAME@VERSION, for example interpreter@1.")
    return reference


def _variants(found: Shelf, wanted: Reference) -> list[Template]:
    from roadworthy.gateway.prompts.catalogue import Catalogue

    catalogue = Catalogue(found.templates)
    version = catalogue.version(wanted)
    return [one for one in catalogue.all() if (one.name, one.version) == (wanted.name, version)]


def _row(template: Template, found: Shelf) -> dict[str, Any]:
    name = f"{template.name}@{template.version}"
    return {
        "prompt": name, "role": template.role, "mode": template.mode, "model": template.model,
        "values": sorted(template.places), "released": name not in found.unlocked, "sha256": template.digest,
    }  # fmt: skip


def _page(template: Template) -> str:
    fits = ", ".join(f"{key} {value}" for key in ("role", "mode", "model") if (value := getattr(template, key)))
    lines = [f"{template.name}@{template.version}, for {fits or 'any role, mode and model'}"]
    for kind, texts in (("system", template.system), ("user", template.user or {})):
        lines += [f"\n[{kind}, {language}]\n{text.strip()}" for language, text in texts.items()]
    return "\n".join(lines)


def _values(given: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in given:
        name, sign, value = pair.partition("=")
        if not sign or not name or name in values:
            why = "It stands there twice." if name in values else "It has no `=`, or no name before it."
            raise UsageError("A value of --var is not usable.", why, "Write --var brief='a fresh scent'.")
        values[name] = _text(value)
    return values


def _text(text: str) -> str:
    from roadworthy.gateway.prompts.template import MAX_RENDERED_CHARS

    if text != "-":
        return text
    try:
        return sys.stdin.read(MAX_RENDERED_CHARS + 1)
    except UnicodeDecodeError as error:
        raise UsageError("What came on stdin is not text.", f"It is not UTF-8 at byte {error.start}.") from error
