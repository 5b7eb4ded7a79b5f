"""Calls that load models unsafely: dotted path of the function, and when a call of it is a finding."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

from roadworthy.verify.outcome import Severity

Keywords = dict[str, ast.expr]


class LoaderRule(NamedTuple):
    """What is said of a call.

    Args:
        rule: Public name.
        severity: How bad it is.
        what: Why, in half a sentence.
        mend: How to mend it.
        unless: Given positional and keyword arguments: whether this very call is harmless. None: never.
    """

    rule: str
    severity: Severity
    what: str
    mend: str
    unless: Callable[[list[ast.expr], Keywords], bool] | None = None


def _says(keyword: str, wanted: object, place: int | None = None) -> Callable[[list[ast.expr], Keywords], bool]:
    """Whether a keyword, or the argument at a place, is this constant."""

    def holds(arguments: list[ast.expr], keywords: Keywords) -> bool:
        value = keywords.get(keyword)
        if value is None and place is not None and len(arguments) > place:
            value = arguments[place]
        return isinstance(value, ast.Constant) and value.value is wanted

    return holds


def _not_given_true(keyword: str, place: int | None = None) -> Callable[[list[ast.expr], Keywords], bool]:
    """Whether an option that is off by default is left out, or said to be off."""

    def holds(arguments: list[ast.expr], keywords: Keywords) -> bool:
        if keyword not in keywords and "**" not in keywords and (place is None or len(arguments) <= place):
            return True
        return _says(keyword, False, place)(arguments, keywords)

    return holds


SAFE_YAML = frozenset(
    f"{module}.{name}"
    for module in ("yaml", "yaml.loader", "yaml.cyaml")
    for name in ("SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader")
)
"""Loaders of PyYAML that make plain values only, by dotted path."""


def yaml_loader(arguments: list[ast.expr], keywords: Keywords) -> ast.expr | None:
    """The loader that a call of `yaml.load` names; None when it names none."""
    return keywords.get("Loader") or (arguments[1] if len(arguments) > 1 else None)


def _safe_mode(arguments: list[ast.expr], keywords: Keywords) -> bool:
    value = keywords.get("safe_mode")
    return value is None or (isinstance(value, ast.Constant) and value.value is True)


def _harmless_hash(arguments: list[ast.expr], keywords: Keywords) -> bool:
    first = arguments[0] if arguments else keywords.get("name")
    weak = isinstance(first, ast.Constant) and str(first.value).lower().replace("-", "") in ("md5", "sha1")
    return not weak or _says("usedforsecurity", False)(arguments, keywords)


_SAFETENSORS = "Keep weights in safetensors, or verify a signature over the file before it is loaded."
_PICKLE = LoaderRule("loader.pickle", Severity.HIGH, "unpickles, which runs what the file says", _SAFETENSORS)
_TORCH = LoaderRule(
    "loader.torch", Severity.HIGH, "unpickles unless weights_only=True is said", "Add weights_only=True.",
    _says("weights_only", True),
)  # fmt: skip
_HUB = LoaderRule(
    "loader.torch-hub", Severity.HIGH, "downloads code and runs it",
    "Install the code as a pinned package and load the weights with weights_only=True.",
)  # fmt: skip
_JIT = LoaderRule(
    "loader.torch-jit", Severity.MEDIUM, "loads code of TorchScript together with the weights",
    "Verify a signature over the file first, or keep weights in safetensors.",
)  # fmt: skip
_NUMPY = LoaderRule(
    "loader.numpy", Severity.HIGH, "unpickles arrays of objects because of allow_pickle",
    "Leave allow_pickle out and store arrays of numbers.", _not_given_true("allow_pickle", 2),
)  # fmt: skip
_YAML = LoaderRule(
    "loader.yaml", Severity.HIGH, "makes any Python object that the document names", "Use yaml.safe_load.",
)  # fmt: skip
_KERAS = LoaderRule(
    "loader.keras",
    Severity.HIGH,
    "runs Lambda layers because safe_mode is not True",
    "Leave safe_mode as it is.",
    _safe_mode,
)
_MD5 = LoaderRule(
    "hash.weak", Severity.MEDIUM, "is broken: two files can be made to have the same one",
    "Use hashlib.sha256, or say usedforsecurity=False.", _says("usedforsecurity", False),
)  # fmt: skip


def _all(rule: LoaderRule, names: str) -> dict[str, LoaderRule]:
    return dict.fromkeys(names.split(), rule)


TAKES_LOADER = frozenset(("yaml.load", "yaml.load_all"))
"""Harmless with a safe loader; which one it is takes the names of the module to tell."""
LOADERS: dict[str, LoaderRule] = {
    **_all(_PICKLE, """
        pickle.load pickle.loads pickle.Unpickler _pickle.load _pickle.loads _pickle.Unpickler cPickle.load
        cPickle.loads cPickle.Unpickler pickle5.load pickle5.loads dill.load dill.loads dill.Unpickler dill.load_session
        dill.load_module cloudpickle.load cloudpickle.loads joblib.load joblib.numpy_pickle.load
        sklearn.externals.joblib.load pandas.read_pickle pandas.io.pickle.read_pickle pandas.compat.pickle_compat.load
        shelve.open shelve.Shelf shelve.DbfilenameShelf marshal.load marshal.loads jsonpickle.decode
        jsonpickle.unpickler.decode torch.package.PackageImporter torch.storage._load_from_bytes
        pickle._load pickle._loads pickle._Unpickler compress_pickle.load compress_pickle.loads
        mlflow.sklearn.load_model mlflow.pyfunc.load_model gensim.utils.unpickle skops.io._utils.get_module
        paddle.load lightning.pytorch.utilities.cloud_io.load fickle.load hickle.load
    """),
    **_all(_TORCH, """
        torch.load torch.serialization.load torch.hub.load_state_dict_from_url torch.utils.model_zoo.load_url
        torch.serialization._load torch.serialization._legacy_load
    """),
    **_all(_HUB, "torch.hub.load torch.hub._load_local torch.hub.help"),
    **_all(_JIT, "torch.jit.load torch.export.load torch._C.import_ir_module"),
    **_all(_NUMPY, "numpy.load numpy.lib.npyio.load numpy.lib.format.read_array numpy.lib.npyio.NpzFile"),
    **_all(_YAML, """
        yaml.load yaml.load_all yaml.unsafe_load yaml.unsafe_load_all yaml.full_load yaml.full_load_all
        ruamel.yaml.unsafe_load
    """),
    **_all(_KERAS, """
        keras.models.load_model keras.saving.load_model keras.load_model tensorflow.keras.models.load_model
        tf_keras.models.load_model keras.layers.deserialize keras.models.model_from_json
        keras.saving.deserialize_keras_object tensorflow.keras.models.model_from_json
    """),
    **_all(_KERAS._replace(unless=None), """
        keras.config.enable_unsafe_deserialization keras.src.saving.serialization_lib.enable_unsafe_deserialization
    """),
    **_all(_MD5, "hashlib.md5 hashlib.sha1"),
    "hashlib.new": _MD5._replace(unless=_harmless_hash),
}  # fmt: skip
REMOTE_CODE = LoaderRule(
    "loader.remote-code", Severity.HIGH, "runs code that lies beside the model, because of trust_remote_code",
    "Leave trust_remote_code out; copy the code into the project and have it reviewed.",
)  # fmt: skip
ALLOW_PICKLE = _NUMPY._replace(unless=None)
UNSAFE_MODE = _KERAS._replace(unless=None)
COMPUTED = LoaderRule(
    "loader.computed", Severity.MEDIUM, "reaches a function of a module that unpickles by a computed name",
    "Name the function, so that a reader can see what is called.",
)  # fmt: skip
RISKY_MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "torch", "marshal", "shelve"}
