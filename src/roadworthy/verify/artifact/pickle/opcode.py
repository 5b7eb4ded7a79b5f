"""What each opcode does to the abstract stack; one function per family, by the tables of pickletools."""

from __future__ import annotations

from roadworthy.verify.artifact.inspection import Malformed
from roadworthy.verify.artifact.pickle.effect import EFFECTS
from roadworthy.verify.artifact.pickle.machine import FRAME, TEXTS, Handler, Machine
from roadworthy.verify.artifact.pickle.value import (
    ALIASED_DICT,
    DUNDER_DICT,
    EMPTY_TUPLE,
    LIST,
    PLAIN_DICT,
    SET,
    TUPLE,
    UNKNOWN,
    Made,
    Name,
    Pairs,
    Value,
    bundle,
)

_FIXED = {
    b"K": 2, b"M": 3, b"J": 5, b"G": 9, b"N": 1, b"\x88": 1, b"\x89": 1,
}  # fmt: skip
"""BININT1 BININT2 BININT BINFLOAT NONE NEWTRUE NEWFALSE → length."""
_COUNTED = {b"X": 4, b"T": 4, b"B": 4, b"\x8b": 4, b"\x8d": 8, b"\x8e": 8, b"\x96": 8}
"""Opcode → width of the length in front of its data; LONG4's is signed."""
_LONE_TUPLE: tuple[Value, ...] = (TUPLE,)
_SHORT = (b"\x8c", b"U", b"C", b"\x8a")
_SIGNED = (b"T", b"\x8b")


def handlers(machine: Machine) -> list[Handler]:
    """The table of 256 handlers, bound to a machine."""
    table: list[Handler] = [_unknown(machine)] * 256
    for family in _FAMILIES:
        for code, handler in family(machine).items():
            table[code[0]] = handler
    return table


def _unknown(machine: Machine) -> Handler:
    def handler(place: int) -> int:
        code = machine.window[place]
        raise Malformed(f"0x{code:02x} is no opcode.", machine.base + place)

    return handler


def _literals(machine: Machine) -> dict[bytes, Handler]:
    push = machine.stack.append

    def fixed(length: int) -> Handler:
        def handler(place: int) -> int:
            push(machine.base + place)
            return place + length

        return handler

    def short(place: int) -> int:
        push(machine.base + place)
        return place + 2 + machine.window[place + 1]

    def counted(width: int, signed: bool) -> Handler:
        def handler(place: int) -> int:
            push(machine.base + place)
            data = machine.window[place + 1 : place + 1 + width]
            length = int.from_bytes(data, "little", signed=signed)
            if length < 0 or len(data) < width:
                raise Malformed("A length is negative, or cut off.", machine.base + place)
            return place + 1 + width + length

        return handler

    table: dict[bytes, Handler] = {code: fixed(length) for code, length in _FIXED.items()}
    table |= dict.fromkeys(_SHORT, short)
    return table | {code: counted(width, code in _SIGNED) for code, width in _COUNTED.items()}


def _lines(machine: Machine) -> dict[bytes, Handler]:
    push = machine.stack.append

    def text(place: int) -> int:
        push(machine.base + place)
        return machine.skip_line(place + 1)

    def quoted(place: int) -> int:
        after = text(place)
        if machine.window[place + 1 : place + 2] not in (b"'", b'"'):
            raise Malformed("A string has no quotes.", machine.base + place)
        return after

    def number(place: int) -> int:
        window = machine.window
        end = window.find(b"\n", place)
        if end > 0 and window[place + 1 : end].isdigit():
            push(machine.base + place)
            return end + 1
        line, after = machine.line(place + 1)
        try:
            if window[place] == 0x46:
                float(line)
            else:
                _whole_number(line)
        except ValueError:
            raise Malformed("A number is none.", machine.base + place) from None
        push(machine.base + place)
        return after

    return {b"S": quoted, b"V": text, b"I": number, b"L": number, b"F": number}


def _whole_number(line: bytes) -> int:
    digits = line.strip().rstrip(b"L")[:4000] or b"-"
    return int(digits) if digits.isdigit() else int(digits, 0)


def _containers(machine: Machine) -> dict[bytes, Handler]:
    stack = machine.stack
    push = stack.append

    def mark(place: int) -> int:
        machine.marks.append(len(stack))
        return place + 1

    def constant(value: object) -> Handler:
        def handler(place: int) -> int:
            push(value)  # type: ignore[arg-type]
            return place + 1

        return handler

    def collected(value: object) -> Handler:
        def handler(place: int) -> int:
            machine.items_above_mark()
            push(value)  # type: ignore[arg-type]
            return place + 1

        return handler

    def dictionary(place: int) -> int:
        items = machine.items_above_mark()
        push(PLAIN_DICT)
        if items:
            machine.set_pairs(PLAIN_DICT, items)
        return place + 1

    return {
        b"(": mark, b"l": collected(LIST), b"d": dictionary, b"\x91": collected(SET), b"]": constant(LIST),
        b"}": constant(PLAIN_DICT), b"\x8f": constant(SET), b")": constant(EMPTY_TUPLE), b"\x97": constant(UNKNOWN),
    }  # fmt: skip


def _tuples(machine: Machine) -> dict[bytes, Handler]:
    """TUPLE1 TUPLE2 TUPLE3. A tuple in a tuple is `TUPLE`."""
    stack = machine.stack
    judge = machine.judge

    def three(place: int) -> int:
        third = stack.pop()
        second = stack.pop()
        first = stack[-1]
        if judge.guarded:
            machine.guard([first, second, third])
        stack[-1] = (
            TUPLE if type(first) is tuple else first,
            TUPLE if type(second) is tuple else second,
            TUPLE if type(third) is tuple else third,
        )
        return place + 1

    def pair(place: int) -> int:
        second = stack.pop()
        first = stack[-1]
        if judge.guarded and (type(first) is Name or type(second) is Name):
            machine.guard([first, second])
        if type(first) is tuple:
            first = TUPLE
        stack[-1] = (first, TUPLE if type(second) is tuple else second)
        return place + 1

    def one(place: int) -> int:
        item = stack[-1]
        if judge.guarded and type(item) is Name:
            machine.guard([item])
        stack[-1] = _LONE_TUPLE if type(item) is tuple else (item,)
        return place + 1

    return {b"\x85": one, b"\x86": pair, b"\x87": three}


def _long_tuples(machine: Machine) -> dict[bytes, Handler]:
    stack = machine.stack
    marks = machine.marks
    judge = machine.judge

    def long_tuple(place: int) -> int:
        height = marks.pop()
        items = stack[height:]
        if items:
            if judge.guarded:
                machine.guard(items)
            if len(items) == 1:
                stack[-1] = _LONE_TUPLE if type(items[0]) is tuple else (items[0],)
            else:
                stack[height:] = (bundle(items),)
        else:
            stack.append(EMPTY_TUPLE)
        return place + 1

    return {b"t": long_tuple}


def _appends(machine: Machine) -> dict[bytes, Handler]:
    """APPEND APPENDS ADDITEMS."""
    stack = machine.stack
    pop = stack.pop
    judge = machine.judge

    def append(place: int) -> int:
        value = pop()
        if judge.guarded and type(value) is Name:
            machine.guard([value])
        target = stack[-1]
        if type(target) is Name or target is UNKNOWN:
            judge.changed(target, machine.base + place)
        return place + 1

    def appends(place: int) -> int:
        machine.items_above_mark()
        target = stack[-1]
        if type(target) is Name or target is UNKNOWN:
            judge.changed(target, machine.base + place)
        return place + 1

    return {b"a": append, b"e": appends, b"\x90": appends}


def _settings(machine: Machine) -> dict[bytes, Handler]:
    """SETITEM SETITEMS."""
    stack = machine.stack
    pop = stack.pop
    judge = machine.judge

    def setitem(place: int) -> int:
        value = pop()
        key = pop()
        if judge.guarded:
            machine.guard([key, value])
        target = stack[-1]
        if target is PLAIN_DICT and not judge.arrays and type(key) is int:
            at, window = key - machine.base, machine.window
            if at >= 0:
                after = TEXTS[window[at]]
                if not after or (after > 0 and not window.startswith(b"__", at + after)):
                    return place + 1
        elif type(target) is Made:
            return place + 1
        machine.set_pairs(target, [key, value])
        return place + 1

    return {b"s": setitem, b"u": _setitems(machine)}


def _setitems(machine: Machine) -> Handler:
    stack = machine.stack
    judge = machine.judge

    def setitems(place: int) -> int:
        items = machine.items_above_mark()
        target = stack[-1]
        if target is PLAIN_DICT and not judge.arrays:
            if items and machine.any_dunder(items[::2]):
                stack[-1] = DUNDER_DICT
        elif items or type(target) is Name or target is UNKNOWN:
            machine.set_pairs(target, items)
        return place + 1

    return setitems


def _underflow() -> int:
    raise IndexError


def _index(machine: Machine, place: int) -> tuple[int, int]:
    window = machine.window
    after = window.find(b"\n", place) + 1
    line = window[place + 1 : after]
    if not after:
        line, after = machine.line(place + 1)
    try:
        index = int(line)
    except ValueError:
        index = -1
    if index < 0:
        raise Malformed("An index of the memo is no number from zero on.", machine.base + place)
    return index, after


def _puts(machine: Machine) -> dict[bytes, Handler]:
    stack = machine.stack
    memo = machine.memo

    def put(place: int) -> int:
        index, after = _index(machine, place)
        memo.put(index, stack[-1])
        return after

    def binput(place: int) -> int:
        memo.put(machine.window[place + 1], stack[-1])
        return place + 2

    def long_binput(place: int) -> int:
        memo.put(int.from_bytes(machine.window[place + 1 : place + 5], "little"), stack[-1])
        return place + 5

    code = memo.code
    append = memo.codes.append

    def memoize(place: int) -> int:
        value = stack[-1]
        if memo.dense:
            append(value if type(value) is int else code(value))
        else:
            memo.append(value)
        return place + 1

    return {b"p": put, b"q": binput, b"r": long_binput, b"\x94": memoize}


def _gets(machine: Machine) -> dict[bytes, Handler]:
    stack = machine.stack
    push = stack.append
    memo = machine.memo

    def get(place: int, index: int, after: int) -> int:
        value = memo.get(index)
        if value is None:
            raise Malformed(f"The memo has no entry {index}.", machine.base + place)
        stack.append(value)
        return after

    def get_line(place: int) -> int:
        index, after = _index(machine, place)
        return get(place, index, after)

    def binget(place: int) -> int:
        index = machine.window[place + 1]
        value = memo.get(index)
        if value is None:
            return get(place, index, place + 2)
        push(value)
        return place + 2

    return {
        b"g": get_line,
        b"h": binget,
        b"j": lambda place: get(place, int.from_bytes(machine.window[place + 1 : place + 5], "little"), place + 5),
    }


def _stack(machine: Machine) -> dict[bytes, Handler]:
    stack = machine.stack
    marks = machine.marks

    def pop(place: int) -> int:
        if marks and marks[-1] >= len(stack):
            marks.pop()
        else:
            stack.pop()
        return place + 1

    def pop_mark(place: int) -> int:
        machine.items_above_mark()
        return place + 1

    def dup(place: int) -> int:
        value = stack[-1]
        if value is PLAIN_DICT or value is DUNDER_DICT or type(value) is Pairs:
            value = ALIASED_DICT
        stack.append(value)
        return place + 1

    def nothing(place: int) -> int:
        return place + 1 if stack else _underflow()

    return {b"0": pop, b"1": pop_mark, b"2": dup, b"\x98": nothing}


def _frames(machine: Machine) -> dict[bytes, Handler]:
    """PROTO FRAME STOP."""

    def proto(place: int) -> int:
        machine.protocol = machine.window[place + 1]
        if machine.protocol > 5:
            raise Malformed(f"Protocol {machine.protocol} does not exist.", machine.base + place)
        return place + 2

    def frame(place: int) -> int:
        at = machine.base + place
        if machine.frame_end is not None:
            machine.inspection.find("pickle.frame", "A frame begins inside of another.", at)
        end = at + 9 + int.from_bytes(machine.window[place + 1 : place + 9], "little")
        if end > at + 9 and not machine.reaches(end - 1):
            machine.inspection.find("pickle.frame", "A frame is longer than what follows.", at)
            machine.frame_end = None
        else:
            machine.frame_end = end
        return FRAME + place + 9

    def stop(place: int) -> int:
        machine.stack[-1]
        if machine.frame_end is not None and machine.base + place + 1 != machine.frame_end:
            machine.inspection.find("pickle.frame", "The pickle stops before its frame does.", machine.base + place)
        machine.end = machine.base + place + 1
        return FRAME + place + 1

    return {b"\x80": proto, b".": stop, b"\x95": frame}


_FAMILIES = (
    _literals, _lines, _containers, _tuples, _long_tuples, _appends, _settings, _puts, _gets, _stack, *EFFECTS, _frames,
)  # fmt: skip
