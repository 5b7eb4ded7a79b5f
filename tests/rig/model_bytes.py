"""Makes model files byte by byte, harmless and hostile, without the libraries that write them."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib

EVIL = b"cos\nsystem\n(S'echo'\ntR."
"""Protocol 0: os.system('echo')."""
EVIL_4 = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R."
PLAIN = pickle.dumps({"a": [1, 2.5, None, True, "text", b"bytes"], "b": (1, 2, 3)}, 4)


def text(word: str) -> bytes:
    """A SHORT_BINUNICODE."""
    return b"\x8c" + bytes([len(word)]) + word.encode()


def name(module: str, attribute: str) -> bytes:
    """Two texts and a STACK_GLOBAL."""
    return text(module) + text(attribute) + b"\x93"


def four(body: bytes) -> bytes:
    """A pickle of protocol 4."""
    return b"\x80\x04" + body + b"."


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return file.getvalue()


def torch_zip(data: bytes, storage: bytes = b"\0" * 16) -> bytes:
    """An archive as torch.save writes it."""
    return zipped({"m/data.pkl": data, "m/byteorder": b"little", "m/data/0": storage, "m/version": b"3\n"})


def tensor_pickle() -> bytes:
    """The data.pkl of one float tensor of four elements."""
    storage = b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + b"K\x04tQ"
    arguments = b"(" + storage + b"K\x00K\x04\x85K\x01\x85\x89" + name("collections", "OrderedDict") + b")Rt"
    return four(b"}" + text("w") + name("torch._utils", "_rebuild_tensor_v2") + arguments + b"Rs")


def torch_legacy(body: bytes | None = None) -> bytes:
    """The old format of torch: five pickles, then the storages."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    head = magic + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    return head + (body or tensor_pickle()) + pickle.dumps(["0"], 2) + struct.pack("<q4f", 4, 1, 2, 3, 4)


def npy(descr: str, shape: str, data: bytes) -> bytes:
    """An array of NumPy, version 1."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def safetensors(header: object, data: bytes) -> bytes:
    """A safetensors file; a header that is bytes stands as it is."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def gguf(template: str | None = None, *, tensors: int = 0, tail: bytes = b"") -> bytes:
    """A GGUF file with a few pairs."""

    def string(word: str) -> bytes:
        return struct.pack("<Q", len(word.encode())) + word.encode()

    pairs = [string("general.architecture") + struct.pack("<I", 8) + string("llama")]
    pairs.append(string("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + string("a") + string("b"))
    if template is not None:
        pairs.append(string("tokenizer.chat_template") + struct.pack("<I", 8) + string(template))
    table = b"".join(string(f"t{at}") + struct.pack("<IQIQ", 1, 8, 0, 32 * at) for at in range(tensors))
    body = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(pairs)) + b"".join(pairs) + table
    if tensors:
        body += b"\0" * (-len(body) % 32) + b"\0" * 32 * tensors
    return body + tail


def field(number: int, value: bytes | str | int) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    """A number as protocol buffers write it."""
    out = b""
    while True:
        out += bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
        value >>= 7
        if not value:
            return out


def onnx(*, domain: str = "", operator: str = "MatMul", location: str | None = None) -> bytes:
    """A model of one node and one initializer."""
    node = field(1, "x") + field(2, "y") + field(4, operator) + (field(7, domain) if domain else b"")
    tensor = field(1, 2) + field(2, 1) + field(8, "w")
    if location is None:
        tensor += field(9, b"\0" * 8)
    else:
        tensor += field(13, field(1, "location") + field(2, location)) + field(14, 1)
    graph = field(1, node) + field(2, "g") + field(5, tensor)
    return field(1, 8) + field(2, "hand") + field(7, graph) + field(8, field(1, "") + field(2, 17))


def saved_model(operator: str) -> bytes:
    """A SavedModel whose graph has one node."""
    graph = field(1, field(1, "n") + field(2, operator)) + field(4, field(1, 1))
    return field(1, 1) + field(2, field(1, field(4, "serve")) + field(2, graph))


def keras_config(class_name: str = "Dense", module: str | None = "keras.layers", **more: object) -> dict[str, object]:
    """The configuration of a Sequential model of one layer."""
    layer = {"class_name": class_name, "module": module, "registered_name": None, "config": {"name": "l"}, **more}
    return {"class_name": "Sequential", "module": "keras", "config": {"name": "s", "layers": [layer]}}


def keras_archive(config: object) -> bytes:
    """A .keras archive."""
    return zipped(
        {"metadata.json": b'{"keras_version": "3.4.0"}', "config.json": json.dumps(config).encode()},
        zipfile.ZIP_DEFLATED,
    )


def hdf5(attributes: dict[str, bytes], *, kind: int = 3) -> bytes:
    """An HDF5 file of one root group with attributes of texts of fixed length (superblock 0, object header 1)."""
    messages = b""
    for word, value in attributes.items():
        label = word.encode() + b"\0"
        datatype = bytes([0x10 | kind, 0, 0, 0]) + struct.pack("<I", len(value))
        space = b"\x01\0\0\0\0\0\0\0"
        body = struct.pack("<BBHHH", 1, 0, len(label), len(datatype), len(space))
        body += _eight(label) + _eight(datatype) + space + _eight(value)
        messages += struct.pack("<HHB3x", 0x0C, len(_eight(body)), 0) + _eight(body)
    header = struct.pack("<BBHII4x", 1, 0, len(attributes), 1, len(messages)) + messages
    nothing = b"\xff" * 8
    end = 96 + len(header)
    top = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
    top += struct.pack("<Q", 0) + nothing + struct.pack("<Q", end) + nothing
    return top + struct.pack("<QQII16x", 0, 96, 0, 0) + header


def _eight(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 8)


def joblib_array(descr: str, shape: bytes, data: bytes, *, flags: int | None = None) -> bytes:
    """What joblib writes for one array: a wrapper, its state, padding, the elements, STOP."""
    dtype = name("numpy", "dtype") + text(descr) + b"\x89\x88\x87R(K\x03" + text("<") + b"NNN"
    size = int(descr[1:]) * (4 if descr[0] == "U" else 1)
    dtype += b"K" + bytes([size]) + b"K\x01" + b"K" + bytes([flags or 0]) + b"tb"
    state = b"}(" + text("subclass") + name("numpy", "ndarray") + text("shape") + shape + text("order") + text("C")
    state += text("dtype") + dtype + text("allow_mmap") + b"\x88" + text("numpy_array_alignment_bytes") + b"K\x10u"
    padding = b"" if descr[0] == "O" else b"\x00"
    return (
        b"\x80\x04" + name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"b" + padding + data + b"."
    )


def local_name_lies(archive: bytes, old: bytes, new: bytes) -> bytes:
    """The archive with another name in the first local header than in the directory."""
    assert len(old) == len(new)
    return archive.replace(old, new, 1)


def hidden_member(archive: bytes, member: str, data: bytes) -> bytes:
    """The archive with a member in front of it that its directory does not know."""
    raw = member.encode()
    local = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(raw), 0
    )
    return local + raw + data + archive
