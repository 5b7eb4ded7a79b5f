"""What the probes and commands of the supply chain have in common: the environment and the models of a subject."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from roadworthy.core.errors import SubjectError
from roadworthy.verify.integrity.digest import hash_entries
from roadworthy.verify.integrity.model_file import models
from roadworthy.verify.integrity.walk import Entry
from roadworthy.verify.outcome import Missing, NotMeasured
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.installed import Environment, environment
from roadworthy.verify.supply.model_card import card
from roadworthy.verify.supply.sbom import Model
from roadworthy.verify.tree import Node, shown

OWN = "own"
"""The setting that means the environment in which we run."""


def installed(context: Context) -> Environment:
    """The environment that the policy names, by the setting `environment`.

    Raises:
        NotMeasured: It is not there, or nothing is installed in it.
    """
    named = str(context.settings["environment"])
    try:
        found = environment(None if named == OWN else context.root / named)
    except SubjectError as problem:
        raise NotMeasured(f"{problem.what} {shown(named)} was looked at; name it in the policy.") from None
    if not found.existing:
        raise NotMeasured(f"Nothing is installed in {shown(named)}.")
    return found


def unread(found: Environment) -> tuple[Missing, ...]:
    """Distributions whose metadata could not be read."""
    return tuple(Missing(name=shown(name)) for name, _ in found.unread)


def subject_models(root: Path, nodes: Iterable[Node]) -> tuple[tuple[Model, ...], tuple[str, ...]]:
    """The model files of a subject with their digests and cards, and the names of those that could not be read.

    Args:
        root: The subject.
        nodes: Its files.
    """
    entries: list[Entry] = []
    lost: list[str] = []
    for node in models(nodes):
        try:
            status = os.lstat(node.path)
        except OSError:
            lost.append(node.name)
            continue
        entries.append(Entry(node.name, str(node.path), status.st_size, status.st_dev, status.st_ino))
    hashed = hash_entries(entries)
    found = [Model(shown(each.name), each.digest, each.size, card(root, each.name)) for each in hashed.contents]
    return tuple(found), (*lost, *(odd.name for odd in hashed.oddities))
