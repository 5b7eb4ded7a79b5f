"""All prompts of a gateway, and the one that fits name, version, role, mode and model."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.gateway.prompts.template import Reference, Template


class Choice:
    """One version of a prompt for one role and mode, in the variants that its models need.

    Args:
        variants: The best fit first; the last one fits every model.
    """

    __slots__ = ("_variants", "automatic", "name", "per_model", "template", "version")

    def __init__(self, variants: Sequence[Template]) -> None:
        self._variants = variants
        self.template = variants[-1]
        self.name = self.template.name
        self.version = self.template.version
        self.per_model = len(variants) > 1
        self.automatic = any(variant.automatic for variant in variants)

    def for_model(self, model: str | None) -> Template:
        """The variant for `provider/model`; the general one when the model is not known."""
        if model is None or not self.per_model:
            return self.template
        return next(one for one in self._variants if one.model is None or fnmatchcase(model, one.model))


class Catalogue:
    """Prompts by name.

    Args:
        templates: Checked ones, in any order.

    Raises:
        ConfigError: A version is there twice for one role, mode and model, its variants take different values, or it is
            written for single models only.
    """

    def __init__(self, templates: Iterable[Template]) -> None:
        self._versions: dict[str, dict[int, list[Template]]] = {}
        for template in templates:
            versions = self._versions.setdefault(template.name, {})
            versions.setdefault(template.version, []).append(template)
        for versions in self._versions.values():
            for variants in versions.values():
                _check(variants)

    def names(self) -> list[str]:
        """Sorted names."""
        return sorted(self._versions)

    def all(self) -> list[Template]:
        """Every variant of every version of every prompt, by name and version."""
        found = [one for versions in self._versions.values() for variants in versions.values() for one in variants]
        return sorted(found, key=lambda t: (t.name, t.version, t.role or "", t.mode or "", t.model or ""))

    def digests(self) -> dict[str, str]:
        """SHA-256 of every version with all its variants, as hex, by `NAME@VERSION` in order."""
        return {
            f"{name}@{version}": hashlib.sha256("".join(sorted(one.digest for one in variants)).encode()).hexdigest()
            for name, versions in sorted(self._versions.items())
            for version, variants in sorted(versions.items())
        }

    def find(self, wanted: Reference, role: str | None = None, mode: str | None = None) -> Choice:
        """The newest version with a variant that fits, or the one asked for; in it the best fit.

        A variant for the mode goes before one for the role, and that before one for any.

        Args:
            wanted: Name, and the version or None.
            role: Role that will answer, None outside modes.
            mode: Mode that is served, None outside modes.

        Raises:
            UsageError: No prompt of this name and version fits; says what there is.
        """
        versions = self._of(wanted)
        for version in [wanted.version] if wanted.version is not None else sorted(versions, reverse=True):
            fitting = [t for t in versions[version] if t.role in {None, role} and t.mode in {None, mode}]
            if fitting:
                best = max(_rank(one) for one in fitting)
                variants = [one for one in fitting if _rank(one) == best]
                return Choice(sorted(variants, key=lambda t: (t.model is None, -len(t.model or ""))))
        raise UsageError(
            f"The prompt {wanted.name} does not fit here.",
            "It is written for other roles or modes.",
            "`roadworthy gateway prompts show` says for which.",
            param="prompt.id",
        )

    def version(self, wanted: Reference) -> int:
        """The version asked for, or the newest.

        Raises:
            UsageError: It is not there.
        """
        versions = self._of(wanted)
        return wanted.version if wanted.version is not None else max(versions)

    def _of(self, wanted: Reference) -> dict[int, list[Template]]:
        versions = self._versions.get(wanted.name)
        if versions is None:
            near = difflib.get_close_matches(wanted.name[:100], self._versions, n=3, cutoff=0.5)
            raise UsageError(
                "No prompt of this name is there.",
                "",
                f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(self.names()) or 'none'}.",
                param="prompt.id",
            )
        if wanted.version is not None and wanted.version not in versions:
            told = ", ".join(map(str, sorted(versions)))
            raise UsageError(
                f"The prompt {wanted.name} has no such version.", "", f"There are: {told}.", param="prompt.version"
            )
        return versions


def _rank(template: Template) -> tuple[bool, bool]:
    return template.mode is not None, template.role is not None


def _check(variants: list[Template]) -> None:
    first = variants[0]
    version = f"{first.name}@{first.version}"
    keys = [(one.role, one.mode, one.model) for one in variants]
    if len(set(keys)) < len(keys):
        raise ConfigError(
            f"The prompt {version} is there twice.",
            "Both are for the same role, mode and model, so nobody could tell which one answers come from.",
            "Give the newer one the next version number.",
        )
    if any((role, mode, None) not in keys for role, mode, _ in keys):
        raise ConfigError(
            f"The prompt {version} is written for single models only.",
            "A chain may end at a model that none of its variants fits.",
            "Add one without `model`, for the same role and mode.",
        )
    if any(one.places != first.places for one in variants):
        raise ConfigError(
            f"The variants of the prompt {version} take different values.",
            "A caller could not know which ones to give.",
            "Give all variants of a version the same places.",
        )
