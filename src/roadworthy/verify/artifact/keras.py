"""Configurations of Keras, as JSON in a .keras archive or in HDF5: which classes and functions loading would look up.

What may be named: classes of Keras' own modules, and functions of its modules of functions. A module and a name are
enough to call anything (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906, CVE-2025-49655).
"""

from __future__ import annotations

import re

from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import shown

_CLASS_MODULES = re.compile(
    r"(?:keras|tf_keras|tensorflow\.keras|tensorflow\.python\.keras)(?:\.src)?(?:\.(?:api|_tf_keras|engine))*"
    r"(?:\.(?:layers|models|optimizers|losses|metrics|initializers|regularizers|constraints|activations|dtype_policies|"
    r"mixed_precision|quantizers|random|callbacks|engine|ops|trainers|saving|schedules|legacy|"
    r"backend\.(?:torch|tensorflow|jax|common)\.optimizers)(?:\.[a-z_0-9]+)*)?"
)
_FUNCTION_MODULES = re.compile(
    r"(?:keras|tf_keras|tensorflow\.keras)(?:\.src)?(?:\.api)?"
    r"\.(?:activations|losses|metrics|initializers|regularizers|constraints|ops)(?:\.[a-z_0-9]+)*"
)
_PLAIN = {
    "__tuple__",
    "__tensor__",
    "__numpy__",
    "__bytes__",
    "__ellipsis__",
    "__slice__",
    "__keras_tensor__",
    "__set__",
}
_CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer"}
_LOOKUPS = {"StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"}
_BUILTIN_TYPES = {"list", "dict", "tuple", "int", "float", "str", "bool", "NoneType", "complex", "bytes"}
_IDENTIFIER = re.compile(r"[A-Za-z_][\w>|./: -]*")


def judge(value: object, inspection: Inspection) -> None:
    """Judge every object that a configuration describes.

    Args:
        value: A parsed JSON document; one that is not of Keras holds nothing of this.
        inspection: Gets the findings.
    """
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if isinstance(item.get("class_name"), str) and "config" in item:
                inspection.recognise("keras-config")
                _judge_object(item, inspection)
            if "_target_" in item:
                inspection.find("config.code", f"_target_ names what is to be called: {shown(str(item['_target_']))}.")
            pending += item.values()


def _judge_object(item: dict[str, object], inspection: Inspection) -> None:
    name = str(item["class_name"])
    module = item.get("module")
    registered = item.get("registered_name")
    config = item.get("config")
    last = name.split(">")[-1].split(".")[-1]
    if last in _CODE or str(registered or "").split(">")[-1] in _CODE:
        inspection.find("keras.lambda", f"A layer of class {shown(name)} carries code of its own.")
    if name == "function":
        _judge_function(module, config, inspection)
    elif isinstance(module, str) and not _plain_class(module, name):
        _judge_foreign(module, name, inspection)
    elif module is None and ">" in name:
        inspection.find("keras.custom", f"{shown(name)} is a class of somebody's own.")
    elif module is not None and not isinstance(module, str):
        inspection.find("keras.reference", "A module is named by something that is no text.")
    if last in _LOOKUPS and isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        inspection.find("keras.file", f"{shown(name)} reads its vocabulary from {shown(str(config['vocabulary']))}.")


def _plain_class(module: str, name: str) -> bool:
    if module == "builtins":
        return name in _BUILTIN_TYPES or name in _PLAIN
    return _CLASS_MODULES.fullmatch(module) is not None and _IDENTIFIER.fullmatch(name) is not None


def _judge_foreign(module: str, name: str, inspection: Inspection) -> None:
    custom = re.fullmatch(r"[A-Za-z_]\w*", name) and name[:1].isupper() and not _stdlib(module)
    rule = "keras.custom" if custom else "keras.reference"
    inspection.find(rule, f"It names {shown(module)}.{shown(name)}, which is not of Keras.")


def _stdlib(module: str) -> bool:
    from roadworthy.verify.artifact.pickle.danger import danger

    return danger(module, "") is not None or module in ("builtins", "keras.utils", "keras.src.utils")


def _judge_function(module: object, config: object, inspection: Inspection) -> None:
    told = config if isinstance(config, str) else ""
    if isinstance(module, str) and _FUNCTION_MODULES.fullmatch(module):
        return
    inspection.find("keras.reference", f"It names the function {shown(str(module))}.{shown(told)}.")
