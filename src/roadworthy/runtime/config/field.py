"""What the tree says about one key: its type in words, its bounds, its description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import JsonValue
from pydantic.fields import FieldInfo

from roadworthy.runtime.config.application import Application
from roadworthy.runtime.config.report import KeyPath
from roadworthy.runtime.config.tree import Config, Node
from roadworthy.runtime.secret import FORMS, SecretRef

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class Field(NamedTuple):
    """One key of the tree.

    Attributes:
        type: Its type without `None` and without constraints: a class, a Literal, a union, `dict[...]`, `list[...]`.
        info: Constraints and description; None for an entry of a mapping or a list.
        optional: Whether `null` is allowed.
    """

    type: Any
    info: FieldInfo | None
    optional: bool = False

    def children(self) -> Mapping[str, FieldInfo] | None:
        """Fields below it when it is a node with fixed keys, else None."""
        return self.type.model_fields if isinstance(self.type, type) and issubclass(self.type, Node) else None

    def entry(self) -> Field | None:
        """What one entry is when it is a mapping by free names or a list, else None."""
        arguments = get_args(self.type)
        origin = get_origin(self.type)
        return bare(arguments[-1], None) if origin in (dict, list) else None

    def free(self) -> Field | None:
        """What a key that the node does not name is: a value of its own where such keys are allowed, else None."""
        return Field(JsonValue, None) if self.type is Application else None

    def is_text(self) -> bool:
        """Whether it takes text only, so that `8080` stands for the text and not for the number."""
        if get_origin(self.type) is Literal:
            return all(isinstance(choice, str) for choice in get_args(self.type))
        return self.type in (str, SecretRef)


def bare(annotation: Any, info: FieldInfo | None) -> Field:
    """The field that an annotation describes."""
    optional = False
    arguments = get_args(annotation)
    if get_origin(annotation) is not Annotated and type(None) in arguments:
        optional = True
        rest = [argument for argument in arguments if argument is not type(None)]
        annotation = rest[0]
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return Field(annotation, info, optional)


ROOT = Field(Config, None)
"""The tree itself."""


def find(path: Sequence[str | int]) -> Field | None:
    """The field under a key path, None when the tree has no such key; free names match any name."""
    field: Field | None = ROOT
    for part in path:
        if field is None:
            return None
        children = field.children()
        if children is None:
            field = field.entry()
        else:
            info = children.get(str(part))
            field = bare(info.annotation, info) if info else field.free()
    return field


def siblings(path: KeyPath) -> list[str]:
    """Names that would have been right in the place of the last name of the path; empty where names are free."""
    parent = find(path[:-1])
    children = parent.children() if parent else None
    if path[:-1]:
        return list(children or ())
    # At the top of a file there is `profiles`, and `profile` is for the environment.
    return [name for name in children or () if name != "profile"] + ["profiles"]


def expected(field: Field) -> str:
    """What the field takes, in words with bounds: `a whole number from 1 to 65535`."""
    choices = _choices(field.type)
    if choices:
        return f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    if field.type is SecretRef:
        return f"a reference: {FORMS}"
    if field.children() is not None or get_origin(field.type) is dict:
        return "a mapping of keys"
    if get_origin(field.type) is list:
        return "a list of texts"
    if field.type is Any:
        return "any value"
    if field.type is JsonValue:
        return "a value that JSON has, such as text in quotes, a number, true or false, a list or a mapping"
    parts = get_args(field.type)
    if parts:
        return " or ".join(expected(bare(part, _info(part) or field.info)) for part in parts)
    return _WORDS.get(field.type, "another type") + _bounds(field.info)


def _choices(annotation: Any) -> list[str]:
    return [str(choice) for choice in get_args(annotation)] if get_origin(annotation) is Literal else []


def _info(annotation: Any) -> FieldInfo | None:
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((mark for mark in marks if isinstance(mark, FieldInfo)), None)


def _bounds(info: FieldInfo | None) -> str:
    limits = {
        name: getattr(mark, name)
        for mark in (info.metadata if info else ())
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length")
        if getattr(mark, name, None) is not None
    }
    words = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}
    told = [
        text.format(f"{limits[name]:g}" if isinstance(limits[name], float) else limits[name])
        for name, text in words.items()
        if name in limits
    ]
    if limits.get("min_length"):
        told.append("that is not empty")
    return "".join(f" {text}" for text in told)


def leaves(field: Field = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Field]]:
    """Every key that holds a value, with its field; `*` stands for a free name."""
    children = field.children()
    if children is not None:
        for name, info in children.items():
            yield from leaves(bare(info.annotation, info), (*path, name))
        return
    entry = field.entry()
    if get_origin(field.type) is dict and entry is not None:
        yield from leaves(entry._replace(info=field.info), (*path, "*"))
        return
    yield path, field
