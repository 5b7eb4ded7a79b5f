"""Applications in the configuration tree: a switch, and settings that only the application knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, Field, JsonValue

from roadworthy.runtime.config.node import Node
from roadworthy.runtime.config.report import KeyPath
from roadworthy.runtime.secret import looks_secret

KEY_IN_SETTINGS = "this looks like a key, and settings of applications hold no secrets; treat it as exposed"


class Application(Node):
    """One installed application. Every key besides `enabled` is its own, and checked by it when it starts."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    enabled: bool = Field(
        default=True,
        description="Whether the application is started; every other key here is the application's own setting, any "
        "JSON value without secrets.",
    )

    def settings(self) -> dict[str, Any]:
        """What the application gets."""
        return dict(self.__pydantic_extra__)


def secret_paths(applications: object) -> Iterator[KeyPath]:
    """Keys and values in the raw section that look like secrets, by their path."""
    if isinstance(applications, Mapping):
        yield from _secrets(applications, ("applications",))


def _secrets(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, str) and looks_secret(value):
        yield path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            here = (*path, str(name))
            if looks_secret(str(name)):
                yield here
            yield from _secrets(item, here)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _secrets(item, (*path, at))
