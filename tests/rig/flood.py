"""Floods of pickle opcodes of every kind that could be thought of.

Every opcode of protocols 0 to 5 is here, alone and in the mixes that cost an unpickler, or our walker, most a byte.
"""

from __future__ import annotations

from collections.abc import Callable

Body = bytes | Callable[[int], bytes]
_SET = b"cbuiltins\nset\nq\x000"


def _long(index: int) -> bytes:
    return (index & 0xFFFFFFFF).to_bytes(4, "little")


_LITERALS: dict[str, Body] = {
    "NONE": b"N0",
    "NEWTRUE": b"\x880",
    "BININT1": b"K\x010",
    "BININT2": b"M\x01\x020",
    "BININT": b"J\1\2\3\x040",
    "BINFLOAT": b"G12345678" + b"0",
    "LONG1 empty": b"\x8a\x000",
    "LONG1": b"\x8a\x01\x020",
    "LONG4": b"\x8b\1\0\0\0\x020",
    "LONG4 large": b"\x8b\x00\xa0\0\0" + bytes(0xA000) + b"0",
    "SHORT_BINBYTES": b"C\x000",
    "BINBYTES": b"B\0\0\0\x000",
    "BINBYTES8": b"\x8e" + bytes(8) + b"0",
    "BYTEARRAY8": b"\x96" + bytes(8) + b"0",
    "SHORT_BINSTRING": b"U\x000",
    "BINSTRING": b"T\0\0\0\x000",
    "SHORT_BINUNICODE": b"\x8c\x000",
    "BINUNICODE": b"X\0\0\0\x000",
    "BINUNICODE8": b"\x8d" + bytes(8) + b"0",
    "NEXT_BUFFER": b"\x970",
    "READONLY_BUFFER": b"N\x980",
    "BINUNICODE over a window": b"X\x00\x00\x01\x00" + b"a" * 65536 + b"0",
}
_LINES: dict[str, Body] = {
    "INT": b"I1\n0",
    "INT true": b"I01\n0",
    "INT hex": b"I0x1\n0",
    "INT underscores": b"I1_1\n0",
    "LONG": b"L1L\n0",
    "LONG long": b"L" + b"7" * 4000 + b"L\n0",
    "LONG very long": b"L" + b"7" * 65000 + b"L\n0",
    "LONG hex long": b"L0x" + b"f" * 4000 + b"\n0",
    "FLOAT": b"F1\n0",
    "FLOAT long": b"F1." + b"1" * 60000 + b"\n0",
    "FLOAT exponent": b"F1e" + b"0" * 3000 + b"9\n0",
    "STRING": b"S''\n0",
    "STRING escapes": b"S'\\x41'\n0",
    "UNICODE": b"V\n0",
    "UNICODE escapes": b"V\\u0041\n0",
    "UNICODE long": b"V" + b"a" * 100_000 + b"\n0",
    "PERSID": b"Pa\n0",
    "PERSID empty": b"P\n0",
    "PERSID long": b"P" + b"a" * 60_000 + b"\n0",
    "lines of every opcode": b"I1\n0L1\n0F1\n0Va\n0S''\n0",
}
_STACK: dict[str, tuple[bytes, Body, bytes]] = {
    "pushed": (b"", b"N", b"."),
    "marks": (b"", b"(", b"N."),
    "marks popped": (b"", b"(0", b"N."),
    "POP_MARK": (b"", b"(1", b"N."),
    "POP_MARK full": (b"", b"(NNN1", b"N."),
    "DUP": (b"N", b"20", b"."),
    "DUP dict": (b"}", b"20", b"."),
    "DUP kept": (b"N", b"2", b"."),
    "marks nested": (b"", b"(((((((1111111", b"N."),
    "marks over a stack": (b"N" * 50_000, b"(1", b"."),
    "marks and tuples": (b"", b"((((tttt0", b"N."),
}
_CONTAINERS: dict[str, tuple[bytes, Body, bytes]] = {
    "EMPTY_LIST": (b"", b"]0", b"N."),
    "EMPTY_DICT": (b"", b"}0", b"N."),
    "EMPTY_SET": (b"", b"\x8f0", b"N."),
    "EMPTY_TUPLE": (b"", b")0", b"N."),
    "LIST": (b"", b"(l0", b"N."),
    "DICT": (b"", b"(d0", b"N."),
    "DICT of one": (b"", b"(NNd0", b"N."),
    "FROZENSET": (b"", b"(\x910", b"N."),
    "TUPLE": (b"", b"(t0", b"N."),
    "TUPLE of one": (b"", b"(Nt0", b"N."),
    "TUPLE of 16": (b"", b"(" + b"N" * 16 + b"t0", b"N."),
    "TUPLE of 16 kept": (b"", b"(" + b"J\1\2\3\4" * 16 + b"t", b"."),
    "TUPLE of 17": (b"", b"(" + b"N" * 17 + b"t0", b"N."),
    "TUPLE1 in TUPLE1": (b"N", b"\x85", b"."),
    "TUPLE1": (b"", b"N\x850", b"N."),
    "TUPLE1 deep": (b"", b"N\x85\x85\x85\x850", b"N."),
    "TUPLE2 in TUPLE2": (b"N", b"N\x86", b"."),
    "TUPLE2": (b"", b"NN\x860", b"N."),
    "TUPLE2 of tuples": (b"", b"))\x860", b"N."),
    "TUPLE2 kept": (b"", b"NN\x86", b"."),
    "TUPLE2 other side": (b"N", b"2\x86", b"."),
    "TUPLE3 in TUPLE3": (b"N", b"NN\x87", b"."),
    "TUPLE3": (b"", b"NNN\x870", b"N."),
    "TUPLE3 of tuples": (b"", b")))\x870", b"N."),
    "TUPLE of tuples": (b"", b"()))t0", b"N."),
    "TUPLE in TUPLE": (b"", b"(" * 8 + b"t" * 8 + b"0", b"N."),
    "TUPLE1 and TUPLE2": (b"N", b"\x85N\x86", b"."),
    "TUPLE2 and TUPLE3": (b"N", b"N\x86NN\x87", b"."),
    "APPEND": (b"]", b"Na", b"."),
    "APPEND to a literal": (b"N", b"Na", b"."),
    "APPEND to a tuple": (b")", b"Na", b"."),
    "APPEND to a name": (_SET + b"h\0", b"Na", b"."),
    "APPEND to a dict": (b"}", b"Na", b"."),
    "APPENDS": (b"]", b"(e", b"."),
    "APPENDS of one": (b"]", b"(Ne", b"."),
    "ADDITEMS": (b"\x8f", b"(N\x90", b"."),
    "SETITEM": (b"}", b"NNs", b"."),
    "SETITEM text": (b"}", b"U\x00Ns", b"."),
    "SETITEM dunder": (b"}", b"U\x02__Ns", b"."),
    "SETITEM text of protocol 0": (b"}", b"S''\nNs", b"."),
    "SETITEM tuple": (b"}", b")Ns", b"."),
    "SETITEM key of the memo": (b"U\x02__q\x000}", b"h\x00Ns", b"."),
    "SETITEM far key": (b"U\x02__q\x000" + b"N0" * 40_000 + b"}", b"h\x00Ns", b"."),
    "SETITEM many far keys": (
        b"".join(b"U\x02a_r" + _long(at) + b"0" for at in range(20_000)) + b"N0" * 40_000 + b"}",
        lambda at: b"j" + _long(at * 17 % 20_000) + b"Ns",
        b".",
    ),
    "SETITEM of a dict of the memo": (b"}q\0", b"NNs", b"."),
    "SETITEM dunder, memo": (b"}q\x000h\x00", b"U\x02__Ns", b"."),
    "SETITEM new dict": (b"", b"}NNs0", b"N."),
    "SETITEM on a literal": (b"N", b"NNs", b"."),
    "SETITEM on a name": (_SET + b"h\0", b"NNs", b"."),
    "SETITEM on an instance": (_SET + b"h\0)\x81", b"NNs", b"."),
    "SETITEMS": (b"}", b"(u", b"."),
    "SETITEMS of one": (b"}", b"(NNu", b"."),
    "SETITEMS texts": (b"}", b"(U\0NU\0Nu", b"."),
    "SETITEMS many": (b"}", b"(" + b"NN" * 1000 + b"u", b"."),
    "SETITEMS odd": (b"}", b"(NNNu", b"."),
    "list in list": (b"]", b"]a", b"."),
    "dict in dict": (b"}", b"N}s", b"."),
}
_MEMO: dict[str, tuple[bytes, Body, bytes]] = {
    "MEMOIZE": (b"N", b"\x94", b"."),
    "MEMOIZE new": (b"", b"N\x940", b"N."),
    "MEMOIZE tuple": (b"", b")\x940", b"N."),
    "MEMOIZE pairs": (b"", b"NN\x86\x940", b"N."),
    "PUT": (b"N", b"p0\n", b"."),
    "BINPUT": (b"N", b"q\0", b"."),
    "LONG_BINPUT": (b"N", b"r\0\0\0\0", b"."),
    "LONG_BINPUT up": (b"N", lambda at: b"r" + _long(at), b"."),
    "LONG_BINPUT huge": (b"N", lambda at: b"r" + _long(0xFFFFFFFF - at), b"."),
    "LONG_BINPUT far apart": (b"N", lambda at: b"r" + _long(at * 1000), b"."),
    "LONG_BINPUT 1000 apart": (b"N", lambda at: b"r" + _long(at * 1000 % 4_000_000), b"."),
    "LONG_BINPUT one huge": (b"N", b"r\xff\xff\xff\xff", b"."),
    "PUT of many digits": (b"N", b"p" + b"9" * 4000 + b"\n", b"."),
    "PUT of zeros": (b"N", b"p" + b"0" * 4000 + b"1\n", b"."),
    "PUT huge": (b"N", lambda at: b"p%d\n" % (10**30 + at), b"."),
    "GET": (b"Nq\0", b"g0\n0", b"."),
    "BINGET": (b"Nq\0", b"h\x000", b"."),
    "LONG_BINGET": (b"Nq\0", b"j\0\0\0\x000", b"."),
    "BINGET kept": (b"Nq\0", b"h\0", b"."),
    "GET of an object": (b"]q\0", b"h\x000", b"."),
    "LONG_BINGET far": (b"Nr\xff\xff\xff\xff", b"j\xff\xff\xff\xff0", b"."),
    "GET and PUT": (b"Nq\0", b"h\x00q\x010", b"."),
    "PUT of new tuples": (b"", b"NN\x86q\x000", b"N."),
    "PUT of instances": (_SET, b"h\x00)\x81q\x010", b"N."),
    "PUT of dicts": (b"", b"}q\x000", b"N."),
}
_DTYPE = b"cnumpy\ndtype\nq\x000U\x02f8q\x010"
_NEWOBJ = b"cnumpy.core.multiarray\n_reconstruct\nq\x000cnumpy\nndarray\nq\x010"
_CALLS: dict[str, tuple[bytes, Body, bytes]] = {
    "GLOBAL": (b"", b"cbuiltins\nset\n0", b"N."),
    "GLOBAL unknown": (b"", b"ca\nb\n0", b"N."),
    "GLOBAL empty": (b"", b"c\n\n0", b"N."),
    "GLOBAL new": (b"", lambda at: b"ca\n%x\n0" % at, b"N."),
    "GLOBAL long": (b"", b"ca\n" + b"b" * 60_000 + b"\n0", b"N."),
    "GLOBAL not text": (b"", b"c\xff\n\xff\n0", b"N."),
    "GLOBAL dangerous": (b"", b"cos\nsystem\n0", b"N."),
    "GLOBAL checked": (b"", b"ccopyreg\n_reconstructor\n0", b"N."),
    "STACK_GLOBAL of the memo": (b"\x8c\x08builtins\x94\x8c\x03set\x94", b"h\0h\1\x930", b"."),
    "STACK_GLOBAL new texts": (b"", b"\x8c\x08builtins\x8c\x03set\x930", b"N."),
    "STACK_GLOBAL new short texts": (b"", b"\x8c\x01a\x8c\x01b\x930", b"N."),
    "STACK_GLOBAL one name": (b"", lambda at: b"\x8c\x01a\x8c\x05%05x\x930" % (at % 0x100000), b"N."),
    "STACK_GLOBAL escapes": (b"", b"Va\nVb\n\x930", b"N."),
    "STACK_GLOBAL quoted": (b"", b"S'a'\nS'b'\n\x930", b"N."),
    "STACK_GLOBAL computed": (b"", b"NN\x930", b"N."),
    "STACK_GLOBAL tuples": (b"", b"))\x930", b"N."),
    "STACK_GLOBAL long text": (b"\x8d\0\x10\0\0\0\0\0\0" + b"a" * 4096 + b"\x94", b"h\0U\x01b\x930", b"."),
    "STACK_GLOBAL far texts": (
        b"".join(b"U\x01ar" + _long(at) + b"0" for at in range(4000)) + b"N0" * 40_000,
        lambda at: b"j" + _long(at * 7 % 4000) + b"j" + _long(at * 11 % 3999) + b"\x930",
        b"N.",
    ),
    "EXT1": (b"", b"\x82\x010", b"N."),
    "EXT2": (b"", b"\x83\1\x020", b"N."),
    "EXT4": (b"", b"\x84\1\2\3\x040", b"N."),
    "REDUCE": (_SET, b"h\0)R0", b"N."),
    "REDUCE of a pair": (_SET, b"h\0NN\x86R0", b"N."),
    "REDUCE of a result": (b"cbuiltins\nset\n", b")R", b"."),
    "REDUCE of a literal": (b"N", b")R", b"."),
    "REDUCE of results": (_SET, b"h\0)R)R0", b"N."),
    "REDUCE of a reference": (b"cbuiltins\nint\n", b")R", b"."),
    "REDUCE of an unknown": (b"ca\nb\nq\x000", b"h\0)R0", b"N."),
    "REDUCE with a checked name about": (b"ccopyreg\n_reconstructor\n0" + _SET, b"h\0)R0", b"N."),
    "checked names in data": (b"ccopyreg\n_reconstructor\nq\x000]", b"h\0a", b"."),
    "checked names in tuples": (b"ccopyreg\n_reconstructor\nq\x000", b"h\0\x850", b"N."),
    "REDUCE of a size": (b"cbuiltins\nbytes\nq\x000", b"h\0K\1\x85R0", b"N."),
    "REDUCE of a far size": (b"cbuiltins\nbytes\nq\x000J\1\0\0\0q\1" + b"N0" * 40_000, b"h\0h\1\x85R0", b"N."),
    "REDUCE of a dtype": (_DTYPE, b"h\0h\1\x85R0", b"N."),
    "dtypes kept": (_DTYPE, b"h\0h\1\x85R", b"."),
    "dtypes in the memo": (_DTYPE, b"h\0h\1\x85R\x940", b"N."),
    "dtypes with a state": (_DTYPE, b"h\0h\1\x85R)b0", b"N."),
    "REDUCE to encode": (b"c_codecs\nencode\nq\x000", b"h\0U\0U\6latin1\x86R0", b"N."),
    "REDUCE to encode, far": (b"c_codecs\nencode\nq\x000U\6latin1q\1" + b"N0" * 40_000, b"h\0Nh\1\x86R0", b"N."),
    "REDUCE to encode, bad": (b"c_codecs\nencode\nq\x000", b"h\0NN\x86R0", b"N."),
    "REDUCE to rebuild": (_NEWOBJ, b"h\0h\1\x85R0", b"N."),
    "REDUCE to rebuild, bad": (_NEWOBJ, b"h\0)R0", b"N."),
    "REDUCE of a ufunc": (b"cnumpy.core\n_ufunc_reconstruct\nq\x000", b"h\0U\0U\0\x86R0", b"N."),
    "REDUCE of a type": (b"cbuiltins\ntype\nq\x000", b"h\0N\x85R0", b"N."),
    "REDUCE of bytes that are a pickle": (b"ctorch.storage\n_load_from_bytes\nq\x000", b"h\0C\2N.\x85R0", b"N."),
    "NEWOBJ": (_SET, b"h\0)\x810", b"N."),
    "NEWOBJ of a result": (b"cbuiltins\nset\n", b")\x81", b"."),
    "NEWOBJ_EX": (_SET, b"h\0)}\x920", b"N."),
    "NEWOBJ of a reference": (b"cbuiltins\nint\nq\x000", b"h\0)\x810", b"N."),
    "OBJ": (_SET, b"(h\0o0", b"N."),
    "OBJ with arguments": (_SET, b"(h\0NNo0", b"N."),
    "OBJ of a literal": (b"", b"(No0", b"N."),
    "INST": (b"", b"(ibuiltins\nset\n0", b"N."),
    "INST unknown": (b"", b"(ia\nb\n0", b"N."),
    "BUILD": (_SET + b"h\0)\x81", b"Nb", b"."),
    "BUILD of a tuple": (_SET + b"h\0)\x81", b")b", b"."),
    "BUILD of a dict": (_SET + b"h\0)\x81", b"}b", b"."),
    "BUILD of a pair": (_SET + b"h\0)\x81", b"NN\x86b", b"."),
    "BUILD of a dict of the memo": (_SET + b"}q\x010h\0)\x81", b"h\1b", b"."),
    "BUILD of a name": (_SET + b"h\0", b"Nb", b"."),
    "BUILD of a literal": (b"N", b"Nb", b"."),
    "BUILD of a list": (_SET + b"h\0)\x81", b"]b", b"."),
    "BUILD of an unknown": (b"N)R", b"Nb", b"."),
    "BUILD, any dict dunder": (b"}q\x000h\0U\2__Ns0" + _SET + b"h\0)\x81", b"}b", b"."),
    "BUILD, REDUCE, NEWOBJ": (_SET, b"h\0)RNbh\0)\x81}b00", b"N."),
}
_TORCH = b"U\x07storageq\x000ctorch\nFloatStorage\nq\x010U\3cpuq\x020U\x010q\x030"
_PERSISTENT: dict[str, tuple[bytes, Body, bytes]] = {
    "BINPERSID": (b"", b"NQ0", b"N."),
    "BINPERSID of itself": (b"N", b"Q", b"."),
    "BINPERSID of a tuple": (b"", b")Q0", b"N."),
    "BINPERSID of a text": (b"", b"U\0Q0", b"N."),
    "BINPERSID of five": (b"", b"(NNNNNtQ0", b"N."),
    "BINPERSID of torch": (_TORCH, b"(h\0h\1h\3h\2K\1tQ0", b"N."),
    "BINPERSID of torch, new texts": (_TORCH, lambda at: b"(h\0h\1U\5%05xh\2K\1tQ0" % (at % 0x100000), b"N."),
    "BINPERSID of torch, all new": (_TORCH, b"(U\7storageh\1U\x010h\2K\1tQ0", b"N."),
    "BINPERSID of torch, far": (_TORCH + b"K\1q\4" + b"N0" * 40_000, b"(h\0h\1h\3h\2h\4tQ0", b"N."),
    "BINPERSID of torch, new long texts": (
        _TORCH,
        lambda at: b"(h\0h\1X\0\x08\0\0%05d" % (at % 100_000) + b"a" * 2043 + b"h\2K\1tQ0",
        b"N.",
    ),
    "BINPERSID of nearly torch": (_TORCH, b"(h\3h\1h\3h\2K\1tQ0", b"N."),
    "BINPERSID of a module": (_TORCH + b"U\6moduleq\0", b"(h\0h\1NNtQ0", b"N."),
    "BINPERSID of a bad module": (_TORCH, b"(Nh\1NNtQ0", b"N."),
}
_ARRAY = (
    b"cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x000U\x08subclassq\x010cnumpy\nndarray\nq\x020U\5shapeq\x030"
    b"U\5dtypeq\x040cnumpy\ndtype\nU\2u1\x85Rq\x050"
)
_EMPTY_ARRAY = b"h\0)\x81}(h\1h\2h\3K\0\x85h\4h\5ub0"
_BYTE_ARRAY = b"h\0)\x81}(h\1h\2h\3K\1\x85h\4h\5ubN0"
_FRAMES: dict[str, tuple[bytes, Body, bytes]] = {
    "PROTO": (b"", b"\x80\4", b"N."),
    "FRAME empty": (b"", b"\x95" + bytes(8), b"N."),
    "FRAME of one byte": (b"", b"\x95\1" + bytes(7) + b"]", b"."),
    "FRAME of two bytes": (b"", b"\x95\2" + bytes(7) + b"N0", b"N."),
    "FRAME in FRAME": (b"", b"\x95\xff" + bytes(7), b"N."),
    "FRAME too short": (b"", b"\x95\1" + bytes(7) + b"K\x010", b"N."),
    "FRAME too long": (b"", b"\x95" + b"\xff" * 7 + b"\x7f", b"N."),
    "FRAME across": (b"", b"\x95\1" + bytes(7) + b"M\1\x020", b"N."),
    "pairs of an array": (_ARRAY + b"h\0)\x81}", b"NNs", b"."),
    "STOP": (b"", b"N.", b"N."),
    "STOP with a protocol": (b"", b"\x80\4N.", b"N."),
    "arrays, empty": (_ARRAY, _EMPTY_ARRAY, b"N."),
    "arrays of a byte": (_ARRAY, _BYTE_ARRAY, b"N."),
    "arrays of objects": (
        _ARRAY + b"U\2|Oq\x060cnumpy\ndtype\nU\1O\x85Rq\x070",
        b"h\0)\x81}(h\1h\2h\3K\1\x85h\4h\x07ubN.0",
        b"N.",
    ),
    "arrays over a memo": (_ARRAY + b"N" + b"\x94" * 500_000, _EMPTY_ARRAY, b"."),
    "arrays of a byte over a memo": (_ARRAY + b"N" + b"\x94" * 500_000, _BYTE_ARRAY, b"."),
}


def kinds() -> dict[str, tuple[bytes, Body, bytes]]:
    """Every kind: head, body, tail; the body is repeated, or made of the number of its repetition."""
    made = {name: (b"", body, b"N.") for name, body in (_LITERALS | _LINES).items()}
    return made | _STACK | _CONTAINERS | _MEMO | _CALLS | _PERSISTENT | _FRAMES


def flood(kind: str, size: int) -> bytes:
    """A pickle of about so many bytes."""
    head, body, tail = kinds()[kind]
    pieces = [b"\x80\x04", head]
    if callable(body):
        pieces += [body(at) for at in range(max(1, (size - len(head)) // len(body(0xFFFFF))))]
    else:
        pieces.append(body * max(1, (size - len(head)) // len(body)))
    return b"".join([*pieces, tail])
