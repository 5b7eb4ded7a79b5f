"""Images of containers: pinned by the digest of their content, or by a name that somebody can move."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from roadworthy.verify.supply.fault import Fault

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\Z")
_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?P<rest>(?:[^\n\\]|\\\n)*)", re.IGNORECASE | re.MULTILINE)
_COPY_FROM = re.compile(r"^[ \t]*COPY[ \t](?:[^\n\\]|\\\n)*--from=(?P<image>\S+)", re.IGNORECASE | re.MULTILINE)
_ARGUMENT = re.compile(r"^[ \t]*ARG[ \t]+(?P<name>\w+)=(?P<value>\S+)", re.IGNORECASE | re.MULTILINE)


def unpinned_image(image: str) -> str:
    """Why an image is not pinned, as a clause; empty when it is."""
    name = re.sub(r"[^\w./@:${}-]", "?", image.strip())[:120]
    if not name or _DIGEST.search(image.strip()):
        return ""
    if "$" in image:
        return f"the image {name} is chosen by a variable."
    return f"the image {name} is not pinned by digest."


def is_dockerfile(name: str) -> bool:
    """Whether a file of this name builds an image."""
    last = PurePosixPath(name).name.lower()
    return last in {"dockerfile", "containerfile"} or last.startswith("dockerfile.") or last.endswith(".dockerfile")


def dockerfile_faults(name: str, text: str) -> Iterator[Fault]:
    """Images that a Dockerfile begins with or copies from and does not pin.

    Args:
        name: Of the file.
        text: Its content. Stages of its own and `scratch` need no pin; arguments with a default are put in.

    Raises:
        ValueError: It begins with no image at all.
    """
    arguments = {match["name"]: match["value"].strip("\"'") for match in _ARGUMENT.finditer(text)}
    stages = {"scratch"}
    found = False
    for match in _FROM.finditer(text):
        found = True
        words = [word for word in _words(match["rest"]) if not word.startswith("--")]
        if not words:
            continue
        image = _filled(words[0], arguments)
        line = text.count("\n", 0, match.start()) + 1
        if image.lower() not in stages and (why := unpinned_image(image)):
            yield Fault("image", why[:1].upper() + why[1:], name, line, image)
        if len(words) == 3 and words[1].upper() == "AS":
            stages.add(words[2].lower())
    for match in _COPY_FROM.finditer(text):
        image = _filled(match["image"], arguments)
        line = text.count("\n", 0, match.start()) + 1
        if image.lower() not in stages and not image.isdigit() and (why := unpinned_image(image)):
            yield Fault("image", why[:1].upper() + why[1:], name, line, image)
    if not found:
        raise ValueError("it has no FROM")


def _filled(image: str, arguments: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: arguments.get(match[1], match[0]), image)


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest.replace("\\\n", " "), comments=True)
    except ValueError:
        return rest.split()
