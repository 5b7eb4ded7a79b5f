"""Price tables: the packaged one, a file of the user's, and rows in the configuration itself, laid over each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.tree import ModelPrice, Node, Prices

PACKAGED = Path(__file__).with_name("prices.yaml")
MAX_BYTES = 1_048_576
MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}/[^\s/][^\s]{0,199}$"


class PriceTable(Node):
    """A price table as it stands in a file."""

    date: str = Field(description="Day on which the rows were compared with the providers' lists, as 2026-06-21.")
    currency: Literal["USD"] = Field(description="Always USD.")
    sources: dict[str, str] = Field(default_factory=dict, description="Where the rows come from, by kind of provider.")
    models: dict[str, ModelPrice] = Field(description="Prices by provider/model; the provider's name or its kind.")

    @field_validator("date", mode="before")
    @classmethod
    def _is_a_date(cls, value: object) -> str:
        if isinstance(value, date):
            return value.isoformat()  # YAML reads it as a date
        return date.fromisoformat(str(value)).isoformat()


def read_table(path: Path) -> PriceTable:
    """Read a price table.

    Raises:
        ConfigError: `config_invalid`: there is no such file, it is no YAML, or a row is not what it must be. The text
            names the place, never a value.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError("The price table cannot be read.", f"{path}: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigError("The price table is too large.", f"{path} has more than {MAX_BYTES} bytes.")
    try:
        return PriceTable.model_validate(yaml.safe_load(data))
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError("The price table is not valid YAML.", f"{path}{line}: {error.problem}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        found = error.errors(include_input=False, include_url=False) if isinstance(error, ValidationError) else []
        places = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the file'}: {_told(one['msg'])}" for one in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise ConfigError(
            "The price table is not what it must be.",
            f"{path}: {places or 'it cannot be read as YAML'}{more}.",
            "It holds date, currency: USD, and models with input and output in dollars per million tokens.",
        ) from None


def collected(prices: Prices, providers: Mapping[str, str]) -> dict[str, dict[str, ModelPrice]]:
    """The prices in force: model to price, by name of the provider.

    The packaged rows count by kind. A row of the user's counts for the provider of that name if there is one, else for
    every provider of that kind; the configuration's own rows win over the file's, and those over the packaged ones.

    Args:
        prices: `gateway.prices`.
        providers: Kind of each provider by its name.

    Raises:
        ConfigError: As `read_table`.
    """
    found: dict[str, dict[str, ModelPrice]] = {name: {} for name in providers}
    own = read_table(Path(prices.file)).models if prices.file is not None else {}
    for rows, by_name in ((read_table(PACKAGED).models, False), (own, True), (prices.models, True)):
        for label, price in rows.items():
            owner, _, model = label.partition("/")
            for name in _owners(owner, providers, by_name):
                found[name][model] = price
    return found


def table_date(prices: Prices) -> str:
    """Date of the table in force: the user's file where there is one, else the packaged one.

    Raises:
        ConfigError: As `read_table`.
    """
    return read_table(Path(prices.file) if prices.file is not None else PACKAGED).date


def _owners(owner: str, providers: Mapping[str, str], by_name: bool) -> Iterable[str]:
    if by_name and owner in providers:
        return (owner,)
    return (name for name, kind in providers.items() if kind == owner)


def _told(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")[:1].lower() + message.removeprefix("Value error, ")[1:]
