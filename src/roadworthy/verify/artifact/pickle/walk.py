"""Streams of pickles: one after the other, with what may stand between and behind them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from roadworthy.verify.artifact.inspection import Inspection, Malformed
from roadworthy.verify.artifact.pickle import literal
from roadworthy.verify.artifact.pickle.judge import PickleJudge
from roadworthy.verify.artifact.pickle.machine import Machine
from roadworthy.verify.artifact.pickle.storage import Storages
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Nearby, Part, Source, chunks

_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_TORCH_PICKLES = 5
"""The old format of torch: magic number, version, machine, the object, the keys of its storages."""
_MOST_NESTED = 8
_MOST_DOUBTS = 4 << 20
"""Bytes of opcodes, beside as many as arrays have, that are walked to see what arrays are to a plain unpickler."""
_PICKLE_COST = 512
"""Beginning another pickle is as much work as so many bytes of opcodes."""
_NESTED_COST = 16_384
"""Beginning to judge bytes inside of a pickle is as much work as so many bytes of opcodes."""


@dataclass(frozen=True, slots=True)
class Walked:
    """How a stream of pickles went.

    Args:
        pickles: How many reached their `STOP`.
        calls: How often something was called, instantiated or given a state.
        plausible: Every name that it imports could be one.
        end: Offset behind the last `STOP`.
        broken: Why the last one did not get there, None when it did.
        torch: It is the old format of torch.
        storages: What persistent ids say.
    """

    pickles: int
    calls: int
    plausible: bool
    end: int
    broken: Malformed | None
    torch: bool
    storages: Storages


class PickleStream(PickleJudge):
    """A judge that also walks the pickles inside of pickles.

    Args:
        source: Where the pickles are.
        inspection: Where findings go.
        torchscript: See `PickleJudge`.
        level: How many pickles this one is inside of.
    """

    def __init__(self, source: Source, inspection: Inspection, *, torchscript: bool = False, level: int = 0) -> None:
        super().__init__(source, inspection, torchscript=torchscript)
        self._level = level
        self._spare: list[Machine] = []
        self._doubts = _MOST_DOUBTS

    def pickled_at(self, at: int) -> int:
        """Walk one pickle inside of the stream, as joblib writes arrays of objects; gives the offset behind it.

        Raises:
            Malformed: It is broken, or too deep.
        """
        if self._level >= _MOST_NESTED:
            raise Malformed(f"Pickles are nested more than {_MOST_NESTED} deep.", at)
        self._level += 1
        machine = self._spare.pop() if self._spare else Machine(self.source, at, self, self.inspection)
        machine.begin(at)
        self.inspection.spend("opcode_bytes", _PICKLE_COST)
        try:
            return machine.walk()
        finally:
            self._level -= 1
            machine.release()
            self._spare.append(machine)

    def also_plain(self, machine: Machine, at: int, length: int) -> None:
        """See `Judge.also_plain`. `pickle.load` takes an array of joblib for opcodes; what it would import counts.

        An array of objects is a pickle with a memo of its own. Read with the memo around it, a harmless one gives names
        that nobody meant, so of those only names that attacks are known to use count.
        """
        if machine.fails_at(at) or self._doubts < 0:
            return
        objects = self.objects
        if self._level >= _MOST_NESTED:
            self.inspection.find("pickle.opaque", f"Pickles are nested more than {_MOST_NESTED} deep.", at)
            return
        self.inspection.spend("opcode_bytes", machine.copied())
        left = self.inspection.left["opcode_bytes"]
        trial = self.inspection.trial()
        judge = PickleStream(self.source, trial, torchscript=self.torchscript, level=_MOST_NESTED)
        judge.guarded, judge.arrays, judge.plain = self.guarded, self.arrays, True
        twin = machine.fork(judge, trial, at)
        with suppress(Malformed):  # as it should: data are no pickle
            try:
                twin.walk()
            finally:
                twin.release()
        known = any(reason.rule == "pickle.import.dangerous" for reason in trial.reasons)
        if known or (judge.plausible and not objects and trial.verdict is Verdict.UNSAFE):
            self.inspection.take(trial)
        self._doubts += length - (left - self.inspection.left["opcode_bytes"])
        if self._doubts < 0:
            what = "Arrays in it are opcodes as well, and too many of them for each to be looked at in both ways."
            self.inspection.find("pickle.opaque", what, at)

    def nested(self, start: int, length: int) -> None:
        """See `PickleJudge.nested`."""
        if self._level >= _MOST_NESTED:
            self.inspection.find("pickle.opaque", f"Pickles are nested more than {_MOST_NESTED} deep.", start)
            return
        self.inspection.spend("opcode_bytes", _NESTED_COST)
        from roadworthy.verify.artifact.dispatch import judge_source

        with self.inspection.member(f"bytes at {start}"):
            judge_source(Part(self.source, start, length), self.inspection)


def walk_stream(source: Source, inspection: Inspection, *, torchscript: bool = False) -> Walked:
    """Walk pickle after pickle, as long as another one begins where the last one ended.

    Args:
        source: Its first byte is the first opcode.
        inspection: Where findings go.
        torchscript: See `PickleJudge`.

    Returns:
        How it went. What follows the last pickle is not judged here.

    Raises:
        BudgetSpent: It is too long.
    """
    judge = PickleStream(source, inspection, torchscript=torchscript)
    at = pickles = 0
    torch = False
    broken: Malformed | None = None
    machine = Machine(judge.source, at, judge, inspection)
    try:
        while pickles == 0 or (judge.source.read(at, 1) and not (torch and pickles == _TORCH_PICKLES)):
            machine.begin(at)
            inspection.spend("opcode_bytes", _PICKLE_COST)
            at = machine.walk()
            torch = torch or (pickles == 0 and _is_torch(judge.source, machine))
            pickles += 1
    except Malformed as error:
        broken = error
    finally:
        machine.release()
    return Walked(pickles, judge.calls, judge.plausible, at, broken, torch, judge.storages)


def _is_torch(source: Nearby, machine: Machine) -> bool:
    top = machine.stack[-1]
    return type(top) is int and literal.integer(source, top) == _TORCH_MAGIC


def only_padding(source: Source, start: int) -> bool:
    """Whether nothing but zeros and white space follows."""
    return all(not piece.strip(b"\0 \t\r\n") for piece in chunks(source, start, start + (1 << 20))) and not source.read(
        start + (1 << 20), 1
    )
