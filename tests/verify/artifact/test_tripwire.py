"""Nothing that is scanned is imported or executed."""

from __future__ import annotations

import builtins
import os
import pickle
import sys
from pathlib import Path

import pytest

from rig.model_bytes import four, name, text, torch_zip, zipped
from roadworthy.runtime.executor import InlineExecutor
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.tree import find, scan


class _Tripwire:
    """An import hook that fails the test."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        raise AssertionError(f"the scanner imports {fullname}")


class _Writes:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.target}",)


def test_nothing_is_executed_or_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = tmp_path / "executed"
    folder = tmp_path / "models"
    folder.mkdir()
    evil = pickle.dumps(_Writes(flag), 4)
    (folder / "a.pkl").write_bytes(evil)
    (folder / "b.pt").write_bytes(torch_zip(evil))
    (folder / "c.zip").write_bytes(zipped({"handler.py": b"import antigravity\n", "x.pkl": evil}))
    (folder / "d.pkl").write_bytes(four(name("antigravity", "geohash")))
    (folder / "e.pkl").write_bytes(four(name("canary_module", "f") + text("x") + b"\x85R"))
    (folder / "canary_module.py").write_text(f"open({str(flag)!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(folder)
    list(scan(find([folder]), InlineExecutor()))  # what the scanner itself needs is loaded now
    before = set(sys.modules)
    called: list[str] = []
    for dangerous in ("eval", "exec", "compile", "__import__"):
        monkeypatch.setattr(builtins, dangerous, _recorded(getattr(builtins, dangerous), dangerous, called))
    monkeypatch.setattr(pickle, "loads", _recorded(pickle.loads, "pickle.loads", called))
    monkeypatch.setattr(pickle, "Unpickler", _recorded(pickle.Unpickler, "pickle.Unpickler", called))
    monkeypatch.setattr(sys, "meta_path", [_Tripwire(), *sys.meta_path])
    reports = list(scan(find([folder]), InlineExecutor()))
    monkeypatch.undo()
    assert not flag.exists()
    assert set(sys.modules) == before
    assert not [each for each in called if each != "__import__"]
    assert all(report.verdict is not Verdict.CLEAN for report in reports)
    assert sum(report.verdict is Verdict.UNSAFE for report in reports) == 5


def _recorded(function: object, word: str, called: list[str]) -> object:
    def wrapper(*args: object, **kwargs: object) -> object:
        called.append(word)
        return function(*args, **kwargs)  # type: ignore[operator]

    return wrapper
