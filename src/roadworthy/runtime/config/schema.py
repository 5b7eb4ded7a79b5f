"""The JSON schema of the configuration file, for editors and the reference page."""

from __future__ import annotations

import copy
from typing import Any

from roadworthy.runtime.config.tree import PROFILES, Config


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of roadworthy.yaml, its `profiles` section included.

    A profile's section has the shape of the file, but nothing in it is required.
    """
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
    }
    # The environment chooses the profile; the file must not.
    del schema["properties"]["profile"]
    overlay = _partial({key: value for key, value in schema.items() if key not in ("$schema", "$defs", "title")})
    definitions = {f"{name}Overlay": _partial(node) for name, node in schema["$defs"].items()}
    schema["$defs"].update(definitions, Overlay=overlay)
    schema["properties"]["profiles"] = {
        "type": "object",
        "description": "Sections laid over this file; APP_ENV chooses one.",
        "properties": {name: {"$ref": "#/$defs/Overlay"} for name in PROFILES},
        "additionalProperties": False,
    }
    return schema


def _partial(node: Any) -> Any:
    """A copy that points at the overlay definitions and requires nothing."""
    if isinstance(node, list):
        return [_partial(item) for item in node]
    if not isinstance(node, dict):
        return copy.copy(node)
    if set(node) >= {"$ref"}:
        node = {**node, "$ref": node["$ref"] + "Overlay"}
    return {key: _partial(value) for key, value in node.items() if key not in ("required", "default")}
