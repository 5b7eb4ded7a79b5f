"""Commands beside a running gateway, in the test's own process: no interpreter to start for each."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from rig.gateway import Gateway, Outcome
from roadworthy.cli.main import run


def inside(gateway: Gateway, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`cli(*words, text="", **environ)` as `Gateway.cli`."""
    patch.chdir(gateway.folder)

    def cli(*words: str, text: str = "", **environ: str) -> Outcome:
        with patch.context() as only:
            for name, value in {**gateway.environ, **environ}.items():
                only.setenv(name, value)
            only.setattr("sys.stdin", io.StringIO(text))
            code = run(list(words))
        return Outcome(code, *capsys.readouterr())

    return cli
