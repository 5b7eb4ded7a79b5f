"""GitLab pipelines: images and foreign parts that are not pinned, strangers' text that a shell reads as commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from roadworthy.verify.supply.fault import Fault
from roadworthy.verify.supply.image import unpinned_image
from roadworthy.verify.supply.yaml_node import Text, Tree, line_of, texts

_KEYWORDS = frozenset(("default", "image", "include", "services", "stages", "variables", "workflow", "spec", "cache"))
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_CHOSEN = (
    r"CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|AUTHOR|BRANCH|REF_NAME|TAG_MESSAGE)"
    r"|CI_MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS)|CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"
)
_EVALUATED = re.compile(rf"\b(?:eval|(?:ba|da|z)?sh\s+-c|python3?\s+-c)\b[^\n]*\$\{{?(?P<name>{_CHOSEN})\b")


def is_pipeline(name: str) -> bool:
    """Whether a file of this name is a pipeline of GitLab."""
    path = PurePosixPath(name)
    last = path.name
    return last in {".gitlab-ci.yml", ".gitlab-ci.yaml"} or last.endswith((".gitlab-ci.yml", ".gitlab-ci.yaml"))


def faults(name: str, document: Any) -> Iterator[Fault]:
    """What is wrong in a pipeline.

    Args:
        name: Of the file.
        document: As `yaml_node.parsed` gives it.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(document, Tree):
        raise ValueError("it is no mapping")
    yield from _includes(name, document.get("include"))
    holders = [
        ("the pipeline", document),
        *((key, value) for key, value in document.items() if isinstance(value, Tree)),
    ]
    for where, holder in holders:
        if where in _KEYWORDS - {"default"}:
            continue
        services = holder.get("services")
        for image in (holder.get("image"), *(services if isinstance(services, list) else [])):
            said = image.get("name") if isinstance(image, Tree) else image
            if isinstance(said, Text) and (why := unpinned_image(said)):
                yield Fault("image", f"{_word(where)}: {why}", name, line_of(said), f"{where} {said}")
        if holder is not document:
            yield from _scripts(name, where, holder)


def _includes(name: str, included: Any) -> Iterator[Fault]:
    for each in included if isinstance(included, list) else [included]:
        if isinstance(each, Text) and "://" in each:
            yield Fault(
                "include", "A part is included from another host without a hash.", name, line_of(each), str(each)
            )
        if not isinstance(each, Tree):
            continue
        if "remote" in each and "integrity" not in each:
            said = "A part is included from another host without its hash (integrity)."
            yield Fault("include", said, name, line_of(each), str(each["remote"]))
        if "project" in each and not _COMMIT.match(str(each.get("ref", ""))):
            said = f"A part of {_word(each['project'])} is not pinned by the hash of a commit."
            yield Fault("include", said, name, line_of(each), str(each["project"]))


def _scripts(name: str, where: str, job: Tree) -> Iterator[Fault]:
    for key in ("script", "before_script", "after_script"):
        for text in texts(job.get(key)):
            for match in _EVALUATED.finditer(text):
                line = (line_of(text) or 1) + text.count("\n", 0, match.start())
                said = f"{_word(where)}: {match['name']}, which others choose, is read as commands."
                yield Fault("untrusted_input", said, name, line, f"{where} {match['name']}", grave=True)


def _word(text: object) -> str:
    return re.sub(r"[^\w./@:-]", "?", str(text))[:80]
