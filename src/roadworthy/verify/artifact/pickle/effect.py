"""Opcodes that do something: they import names, call them, make instances and give them states."""

from __future__ import annotations

from roadworthy.verify.artifact.pickle import literal
from roadworthy.verify.artifact.pickle.machine import Handler, Machine
from roadworthy.verify.artifact.pickle.value import (
    EMPTY_TUPLE,
    LIST,
    PERSISTENT,
    PLAIN_DICT,
    UNKNOWN,
    Made,
    Name,
    Value,
    bundle,
)

_MOST_KNOWN = 1000
"""Names that are known by where their texts stand, and by their lines."""
_MOST_LINES = 200
_SHORT_TEXTS = b"\x8cU"
_LINE_TEXTS = b"VS"


def _names(machine: Machine) -> dict[bytes, Handler]:
    """GLOBAL STACK_GLOBAL."""
    stack = machine.stack
    known: dict[tuple[int | bytes, int | bytes], Name] = {}

    lines: dict[bytes, Name] = {}

    def from_lines(place: int) -> int:
        after = machine.window.find(b"\n", machine.window.find(b"\n", place + 1) + 1) + 1
        written = machine.window[place + 1 : after] if place < after <= place + _MOST_LINES else b""
        before = lines.get(written)
        if before is not None:
            stack.append(before)
            return after
        module, after = machine.line(place + 1)
        name, after = machine.line(after)
        found = machine.judge.imported(_decoded(module), _decoded(name), machine.base + place)
        stack.append(found)
        if written and len(lines) < _MOST_KNOWN:
            lines[written] = found
        return after

    def from_stack(place: int) -> int:
        name, module = stack.pop(), stack.pop()
        if type(module) is not int or type(name) is not int:
            stack.append(_computed(machine, place))
            return place + 1
        written = _written(machine, module), _written(machine, name)
        before = known.get(written)
        if before is not None:
            stack.append(before)
            return place + 1
        words = literal.text(machine.source, module), literal.text(machine.source, name)
        if words[0] is None or words[1] is None:
            stack.append(_computed(machine, place))
            return place + 1
        found = machine.judge.imported(words[0], words[1], machine.base + place)
        stack.append(found)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[written] = found
        return place + 1

    return {b"c": from_lines, b"\x93": from_stack}


def _computed(machine: Machine, place: int) -> Value:
    if not machine.inspection.crowded():
        at = machine.base + place
        machine.inspection.find("pickle.import.computed", "The name of an import is computed, or no text.", at)
    return UNKNOWN


def _written(machine: Machine, at: int) -> int | bytes:
    """The opcode and bytes of a short text in the window; of another literal its offset."""
    place = at - machine.base
    if place >= 0:
        window = machine.window
        if window[place] in _SHORT_TEXTS:
            return window[place : place + 2 + window[place + 1]]
        if window[place] in _LINE_TEXTS:
            end = window.find(b"\n", place, place + _MOST_LINES)
            if end > 0:
                return window[place:end]
    return at


def _extensions(machine: Machine) -> dict[bytes, Handler]:
    """EXT1 EXT2 EXT4."""
    stack = machine.stack

    def extension(width: int) -> Handler:
        def handler(place: int) -> int:
            code = int.from_bytes(machine.window[place + 1 : place + 1 + width], "little")
            if not machine.inspection.crowded():
                what = (
                    f"Code {code} of the extension registry: what it stands for is decided by the process that loads."
                )
                machine.inspection.find("pickle.import.registry", what, machine.base + place)
            stack.append(UNKNOWN)
            return place + 1 + width

        return handler

    return {b"\x82": extension(1), b"\x83": extension(2), b"\x84": extension(4)}


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def _calls(machine: Machine) -> dict[bytes, Handler]:
    """REDUCE NEWOBJ NEWOBJ_EX."""
    stack = machine.stack
    judge = machine.judge

    def called(instance: bool) -> Handler:
        def handler(place: int) -> int:
            arguments, callee = stack.pop(), stack[-1]
            if judge.guarded and type(arguments) is Name:
                machine.guard([arguments])
            if type(callee) is Name and (callee.made_freely if instance else callee.called_freely):
                judge.calls += 1
                stack[-1] = callee.made
            else:
                stack[-1] = judge.called(callee, arguments, machine.base + place, instance=instance)
            return place + 1

        return handler

    newobj = called(instance=True)

    def newobj_ex(place: int) -> int:
        named = stack.pop()
        if judge.guarded:
            machine.guard([named])
        return newobj(place)

    return {b"R": called(instance=False), b"\x81": newobj, b"\x92": newobj_ex}


def _instances(machine: Machine) -> dict[bytes, Handler]:
    """OBJ INST."""
    stack = machine.stack
    judge = machine.judge

    def obj(place: int) -> int:
        items = machine.items_above_mark()
        callee, arguments = items[0], items[1:]
        if type(callee) is Name and (callee.called_freely if arguments else callee.made_freely):
            judge.calls += 1
            stack.append(callee.made)
            return place + 1
        made = judge.called(callee, bundle(arguments), machine.base + place, instance=not arguments)
        stack.append(made)
        return place + 1

    def inst(place: int) -> int:
        module, after = machine.line(place + 1)
        name, after = machine.line(after)
        arguments = machine.items_above_mark()
        callee = judge.imported(_decoded(module), _decoded(name), machine.base + place)
        stack.append(judge.called(callee, bundle(arguments), machine.base + place, instance=not arguments))
        return after

    return {b"o": obj, b"i": inst}


def _states(machine: Machine) -> dict[bytes, Handler]:
    """BUILD."""
    stack = machine.stack
    judge = machine.judge

    def build(place: int) -> int:
        state = stack.pop()
        target = stack[-1]
        if judge.guarded:
            machine.guard([state])
        plain = type(state) is int or state is EMPTY_TUPLE or state is LIST
        if (plain or (state is PLAIN_DICT and not judge.any_dict_may_be_dunder)) and (
            target.plain if type(target) is Made else type(target) is int or target is LIST
        ):
            judge.calls += 1
            return place + 1
        judge.built(target, state, machine.base + place)
        raw = judge.raw(target, state, machine.base + place + 1) if type(target) is Made and target.origin.raw else None
        if raw is None:
            return place + 1
        if not raw:
            return machine.turn(place + 1)
        judge.also_plain(machine, machine.base + place + 1, raw)
        if machine.frame_end is not None and machine.frame_end != machine.base + place + 1:
            machine.inspection.find("pickle.frame", "The data of an array lie inside of a frame.", machine.base + place)
        machine.frame_end = None
        return machine.turn(place + 1 + raw)

    return {b"b": build}


def _persistent(machine: Machine) -> dict[bytes, Handler]:
    """PERSID BINPERSID."""
    stack = machine.stack
    judge = machine.judge

    def persid(place: int) -> int:
        end = machine.window.find(b"\n", place)
        after = end + 1 if end >= 0 else machine.line(place + 1)[1]
        if machine.inspection.crowded(unsafe=False):
            stack.append(PERSISTENT)
        else:
            stack.append(judge.persistent(machine.base + place, machine.base + place))
        return after

    def binpersid(place: int) -> int:
        key = stack.pop()
        if judge.guarded:
            machine.guard([key])
        if type(key) is not tuple and machine.inspection.crowded(unsafe=False):
            stack.append(PERSISTENT)
        else:
            stack.append(judge.persistent(key, machine.base + place))
        return place + 1

    return {b"P": persid, b"Q": binpersid}


EFFECTS = (_names, _extensions, _calls, _instances, _states, _persistent)
