"""All prompts of an application: the one that fits role, mode and model best, in the language of the request."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.gateway.prompts.template import Template, read

SHIPPED = Path(__file__).parent / "data"
KOREAN_SHARE = 0.2
"""A text with at least this share of Hangul among its letters is Korean; Korean text is full of Latin product names."""


class Catalogue:
    """Prompts by name.

    Args:
        templates: In any order.

    Raises:
        ConfigError: The same version of a prompt is there twice for the same role, mode and model.
    """

    def __init__(self, templates: Iterable[Template]) -> None:
        self._templates: list[Template] = []
        seen: set[tuple[object, ...]] = set()
        for template in templates:
            key = (template.name, template.version, template.role, template.mode, template.model)
            if key in seen:
                raise ConfigError(
                    f"The prompt {template.name} is there twice in version {template.version}.",
                    "Both are for the same role, mode and model, so nobody could tell which one answers come from.",
                    "Give the newer one the next version number.",
                )
            seen.add(key)
            self._templates.append(template)

    @classmethod
    def load(cls, *folders: Path) -> Catalogue:
        """All `*.yaml` of the folders, read and checked.

        Raises:
            ConfigError: A folder is missing, or a file is no template.
        """
        templates: list[Template] = []
        for folder in folders:
            if not folder.is_dir():
                raise ConfigError("The folder of prompts does not exist.", f"Looked for {folder.name}.")
            templates += (read(path) for path in sorted(folder.glob("*.yaml")))
        return cls(templates)

    def names(self) -> list[str]:
        """Sorted names."""
        return sorted({template.name for template in self._templates})

    def all(self) -> list[Template]:
        """Every version of every prompt, by name and version."""
        return sorted(self._templates, key=lambda t: (t.name, t.version, t.role or "", t.mode or "", t.model or ""))

    def find(self, name: str, role: str | None = None, mode: str | None = None, model: str | None = None) -> Template:
        """The best fit: for the model before for the mode before for the role, then the newest version.

        Args:
            name: Of the prompt; `name@2` pins version 2.
            role: Role that will answer.
            mode: Mode that is served.
            model: `provider/model` that will answer.

        Raises:
            UsageError: No prompt of this name (and version) fits.
        """
        base, _, pinned = name.partition("@")
        fitting = [
            template for template in self._templates
            if template.name == base and (not pinned or str(template.version) == pinned)
            and template.role in {None, role} and template.mode in {None, mode} and _is_for(template, model)
        ]  # fmt: skip
        if not fitting:
            raise UsageError(
                "No prompt of this name fits.",
                "Its files are for other roles, modes, models or versions."
                if base in self.names()
                else "It is not there.",
                f"There are: {', '.join(self.names()) or 'none'}.",
            )
        return max(fitting, key=lambda t: (t.model is not None, t.mode is not None, t.role is not None, t.version))


def language_of(text: str) -> str:
    """`ko` or `en`, whichever prompts should be in for a request with this text; text without letters is `en`."""
    letters = [character for character in text if character.isalpha()]
    hangul = sum(1 for c in letters if "가" <= c <= "힣" or "ㄱ" <= c <= "ㆎ" or "ᄀ" <= c <= "ᇿ")
    return "ko" if letters and hangul >= KOREAN_SHARE * len(letters) else "en"


def _is_for(template: Template, model: str | None) -> bool:
    return template.model is None or (model is not None and fnmatchcase(model, template.model))
