"""A secret shows itself to `reveal` alone: every other way out is closed or shows three stars."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback
from collections.abc import Callable

import msgspec
import pytest

from roadworthy.cli.output import dumps
from roadworthy.core.secret import Provenance, Secret

CANARY = "canary-9c1f-0123456789"


def made() -> Secret:
    return Secret(CANARY, Provenance("vault", "3"))


SHOWN = [repr, str, "{}".format, "{:>10}".format, "%s".__mod__, lambda s: f"{s!r}{s}", lambda s: repr([s, {1: s}])]


@pytest.mark.parametrize("show", SHOWN)
def test_it_is_shown_as_stars(show: Callable[[Secret], str]) -> None:
    assert "***" in show(made())
    assert CANARY not in show(made())


@pytest.mark.parametrize(
    "take",
    [
        json.dumps,
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        msgspec.json.encode,
        msgspec.to_builtins,
        dumps,
        hash,
        vars,
        bytes,
        iter,
        lambda s: json.dumps({"s": [s]}),
        lambda s: copy.deepcopy({"s": s}),
    ],
)
def test_other_ways_out_are_refused_without_a_word_of_it(take: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        take(made())
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_tracebacks_with_locals_show_stars() -> None:
    def fail(secret: Secret) -> None:
        raise ValueError("it went wrong")

    try:
        fail(made())
    except ValueError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(told.format())
    assert "***" in text
    assert CANARY not in text


def test_records_around_it_show_stars() -> None:
    @dataclasses.dataclass
    class Holder:
        secret: Secret

    assert repr(Holder(made())) == f"{Holder.__qualname__}(secret=***)"


def test_it_reveals_compares_and_tells_its_origin() -> None:
    assert made().reveal() == CANARY
    assert made() == made()
    assert made() != Secret("other", made().origin)
    assert made() != CANARY
    assert made().origin.source == "vault"
