"""Values in the store as JSON. DBOS's default is pickle, which runs code of whoever can write to the database."""

from __future__ import annotations

import json
from typing import Any

from dbos import _serialization
from dbos._serialization import Serializer

from roadworthy.core.errors import RoadworthyError


class JobFailed(Exception):
    """A recorded failure, read back.

    Args:
        text: What is told about it.
    """


class JsonSerializer(Serializer):
    """Rows look like `{"value": …}` or `{"error": "…"}`."""

    def name(self) -> str:
        """As stored beside each value."""
        return "roadworthy_json"

    def serialize(self, data: Any) -> str:
        """The value as JSON.

        Raises:
            TypeError: It has no JSON form.
            ValueError: It holds a number that JSON cannot express.
        """
        told = {"error": told_of(data)} if isinstance(data, BaseException) else {"value": data}
        return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """The value again; an error comes back as `JobFailed`."""
        told = json.loads(serialized_data)
        return JobFailed(told["error"]) if "error" in told else told["value"]


def told_of(error: BaseException) -> str:
    """What may be stored of an error: our own words, else only its kind, for foreign texts may quote callers."""
    if isinstance(error, JobFailed):
        return str(error)
    if isinstance(error, RoadworthyError):
        return f"{error.code}: {error}"
    return f"unexpected_error: {type(error).__module__}.{type(error).__qualname__}"


def refuse_pickle() -> None:
    """Take pickle out of DBOS in this process: a row that claims to be one is refused, never loaded."""

    def refuse(*_: object) -> Any:
        raise TypeError("pickled values are refused")

    for name in ("serialize", "deserialize"):
        setattr(_serialization.DefaultSerializer, name, refuse)
