"""JSON schemas as Anthropic's structured outputs take them.

Source: Claude API docs, "Structured outputs: JSON Schema limitations" (every object needs `additionalProperties:
false`; numeric, length and most array bounds are not enforced and refused) and "How SDK transformation works" (bounds
move into the description). What satisfies the result satisfies the original but for those bounds.
"""

from __future__ import annotations

from typing import Any

from roadworthy.gateway.providers.contract import UnsupportedParameter

_BOUNDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_DEEPEST = 64


def strict_schema(schema: Any, param: str, depth: int = 0) -> Any:
    """The schema with objects closed and bounds told in words.

    Args:
        schema: A JSON schema as plain values.
        param: Request field that it came in, for the error.
        depth: Levels above this one.

    Raises:
        UnsupportedParameter: It wants open objects, or is nested deeper than 64 levels.
    """
    if not isinstance(schema, dict):
        return schema
    if depth > _DEEPEST:
        raise UnsupportedParameter(param)
    strict = {name: value for name, value in schema.items() if name not in _BOUNDS}
    for name in _MAPS:
        if isinstance(strict.get(name), dict):
            strict[name] = {key: strict_schema(part, param, depth + 1) for key, part in strict[name].items()}
    for name in _LISTS:
        if isinstance(strict.get(name), list):
            strict[name] = [strict_schema(part, param, depth + 1) for part in strict[name]]
    if "items" in strict:
        strict["items"] = strict_schema(strict["items"], param, depth + 1)
    _close(strict, param)
    _describe(strict, schema)
    return strict


def _close(strict: dict[str, Any], param: str) -> None:
    if strict.get("type") != "object" and "properties" not in strict:
        return
    if strict.get("additionalProperties", False) is not False:
        raise UnsupportedParameter(param)
    strict["additionalProperties"] = False


def _describe(strict: dict[str, Any], schema: dict[str, Any]) -> None:
    told = [f"{name}: {schema[name]}" for name in _BOUNDS if name in schema]
    least = schema.get("minItems")
    if isinstance(least, int) and least > 1:  # 0 and 1 are enforced
        del strict["minItems"]
        told.append(f"minItems: {least}")
    if told:
        strict["description"] = f"{schema.get('description') or ''} ({', '.join(told)})".strip()
