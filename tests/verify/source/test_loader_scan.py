"""Unsafe loaders in source: each form that is found, each twin that is not."""

from __future__ import annotations

import json

import pytest

from roadworthy.verify.source.scan import Unreadable, scan_text

UNSAFE = [
    ("import pickle\npickle.load(f)", "loader.pickle"),
    ("import pickle as p\np.loads(b)", "loader.pickle"),
    ("from pickle import load as fetch\nfetch(f)", "loader.pickle"),
    ("from pickle import *\nloads(b)", "loader.pickle"),
    ("import pickle\nread = pickle.load\nread(f)", "loader.pickle"),
    ("import pickle\nread = reader = pickle.load\nagain = reader\nagain(f)", "loader.pickle"),
    ("import pickle\ngetattr(pickle, 'load')(f)", "loader.pickle"),
    ("import pickle\nvars(pickle)['loads'](b)", "loader.pickle"),
    ("import pickle\npickle.__dict__['loads'](b)", "loader.pickle"),
    ("import importlib\nimportlib.import_module('pickle').loads(b)", "loader.pickle"),
    ("__import__('pickle').loads(b)", "loader.pickle"),
    ("import pickle\nlist(map(pickle.loads, items))", "loader.pickle"),
    ("import pickle\npickle.Unpickler(f).load()", "loader.pickle"),
    ("import pickle, functools\nread = functools.partial(pickle.loads, encoding='x')\nread(b)", "loader.pickle"),
    ("import pickle\ngetattr(pickle, word)(f)", "loader.computed"),
    ("import joblib\njoblib.load('m')", "loader.pickle"),
    ("import dill\ndill.load(f)", "loader.pickle"),
    ("import cloudpickle\ncloudpickle.loads(b)", "loader.pickle"),
    ("import pandas as pd\npd.read_pickle('x')", "loader.pickle"),
    ("import torch\ntorch.load('x')", "loader.torch"),
    ("import torch as t\nt.load('x', weights_only=False)", "loader.torch"),
    ("from torch import load\nload('x', map_location='cpu')", "loader.torch"),
    ("import torch\ntorch.load('x', weights_only=flag)", "loader.torch"),
    ("import torch\ngetattr(torch, 'load')('x')", "loader.torch"),
    (
        "import torch\nfrom functools import partial\nread = partial(torch.load, map_location='cpu')\nread('x')",
        "loader.torch",
    ),
    ("import torch\ntorch.hub.load('a/b', 'c')", "loader.torch-hub"),
    ("import torch\ntorch.jit.load('x')", "loader.torch-jit"),
    ("import numpy as np\nnp.load('x', allow_pickle=True)", "loader.numpy"),
    ("import numpy as np\nnp.load('x', None, True)", "loader.numpy"),
    ("import numpy as np\nnp.load('x', allow_pickle=flag)", "loader.numpy"),
    ("AutoModel.from_pretrained('x', trust_remote_code=True)", "loader.remote-code"),
    ("options = {'trust_remote_code': True}", "loader.remote-code"),
    ("import keras\nkeras.models.load_model('x', safe_mode=False)", "loader.keras"),
    ("keras.config.enable_unsafe_deserialization()\nimport keras", "loader.keras"),
    ("import yaml\nyaml.load(f)", "loader.yaml"),
    ("import yaml\nyaml.load(f, Loader=yaml.FullLoader)", "loader.yaml"),
    ("import yaml\nyaml.unsafe_load(f)", "loader.yaml"),
    ("import yaml\nLoader = yaml.Loader\nyaml.load(f, Loader=Loader)", "loader.yaml"),
    ("import yaml\nL = getattr(yaml, 'CSafeLoader', yaml.Loader)\nyaml.load(f, Loader=L)", "loader.yaml"),
    ("import yaml\nL = getattr(yaml, 'CLoader', yaml.SafeLoader)\nyaml.load(f, L)", "loader.yaml"),
    ("import yaml\nyaml.load(f, getattr(yaml, name))", "loader.yaml"),
    ("import yaml\nSafeLoader = yaml.Loader\nyaml.load(f, SafeLoader)", "loader.yaml"),
    ("import yaml\nfrom yaml import Loader as SafeLoader\nyaml.load(f, SafeLoader)", "loader.yaml"),
    ("import yaml\nL = yaml.SafeLoader\nL = yaml.Loader\nyaml.load(f, L)", "loader.yaml"),
    ("import yaml\nL = yaml.SafeLoader\nif old:\n    L = yaml.UnsafeLoader\nyaml.load(f, L)", "loader.yaml"),
    (
        "import yaml\ntry:\n    from yaml import CSafeLoader as L\n"
        "except ImportError:\n    from yaml import Loader as L\nyaml.load(f, L)",
        "loader.yaml",
    ),
    ("import yaml\ndef read(f, L=yaml.SafeLoader):\n    return yaml.load(f, L)", "loader.yaml"),
    ("import yaml\nfor L in (yaml.SafeLoader, yaml.Loader):\n    yaml.load(f, L)", "loader.yaml"),
    ("import yaml\nL, M = yaml.Loader, 1\nyaml.load(f, L)", "loader.yaml"),
    ("import yaml\nL = M\nM = L\nyaml.load(f, L)", "loader.yaml"),
    ("import yaml\nclass L(yaml.SafeLoader, yaml.UnsafeLoader): pass\nyaml.load(f, L)", "loader.yaml"),
    ("import yaml\nyaml.load(f, yaml.SafeLoader if strict else yaml.Loader)", "loader.yaml"),
    ("import yaml\nyaml.load(f, chosen or yaml.SafeLoader)", "loader.yaml"),
    ("import yaml\nfrom .here import L\nyaml.load(f, L)", "loader.yaml"),
    ("import yaml\nL: object\nyaml.load(f, L)", "loader.yaml"),
    ("import hashlib\nhashlib.md5(b)", "hash.weak"),
    ("import hashlib\nhashlib.new('md5', b)", "hash.weak"),
]
SAFE = [
    "import pickle\npickle.dumps(x)",
    "import json\njson.load(f)",
    "import torch\ntorch.load('x', weights_only=True)",
    "import torch\nfrom functools import partial\nread = partial(torch.load, weights_only=True)\nread('x')",
    "import numpy as np\nnp.load('x')\nnp.load('x', allow_pickle=False)",
    "AutoModel.from_pretrained('x', trust_remote_code=False)",
    "import keras\nkeras.models.load_model('x')",
    "import yaml\nyaml.safe_load(f)\nyaml.load(f, Loader=yaml.SafeLoader)\nyaml.load(f, yaml.CSafeLoader)",
    "import yaml\n_Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\nyaml.load(f, Loader=_Loader)",
    "import yaml\n_L: object = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\nyaml.load(f, Loader=_L)",
    "import yaml\nyaml.load(f, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))",
    "import yaml\nLoader = yaml.SafeLoader\nyaml.load(f, Loader=Loader)",
    "import yaml as y\nfirst = y.SafeLoader\nL = first\ny.load(f, L)",
    "import yaml\ntry:\n    from yaml import CSafeLoader as L\n"
    "except ImportError:\n    from yaml import SafeLoader as L\nyaml.load(f, L)",
    "import yaml\ntry:\n    L = yaml.CSafeLoader\nexcept AttributeError:\n    L = yaml.SafeLoader\nyaml.load(f, L)",
    "from yaml import *\nload(f, SafeLoader)",
    "import yaml\nclass L(yaml.SafeLoader):\n    pass\nyaml.load(f, L)",
    "import yaml\nyaml.load(f, yaml.CSafeLoader if fast else yaml.SafeLoader)",
    "from yaml import load, SafeLoader\nload(f, Loader=SafeLoader)",
    "import hashlib\nhashlib.md5(b, usedforsecurity=False)\nhashlib.sha256(b)\nhashlib.new('sha256')",
    "import pickle\nclass Restricted(pickle.Unpickler):\n    pass",
    "from .pickle import load\nload(f)",
    "def load(f): ...\nload(f)",
    "from safetensors.torch import load_file\nload_file('x')",
    "'pickle.load(f)'  # pickle.load(f)",
]


@pytest.mark.parametrize(("code", "rule"), UNSAFE)
def test_unsafe_loaders_are_found(code: str, rule: str) -> None:
    assert rule in {each.rule for each in scan_text(code)}


@pytest.mark.parametrize("code", SAFE)
def test_safe_twins_are_not(code: str) -> None:
    assert scan_text(code) == []


def test_places_are_told() -> None:
    (found,) = scan_text("import torch\n\n\nmodel = torch.load('x')\n")
    assert (found.line, found.column, found.cell) == (4, 9, None)


def test_a_call_is_told_once() -> None:
    assert len(scan_text("import pickle\npickle.load(f)\n")) == 1


def test_notebooks_are_read_cell_by_cell() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["pickle.load(f)"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n", "!ls\n", "torch.load('x')"]},
        {"cell_type": "code", "source": "%%bash\necho pickle.load(f)"},
        {"cell_type": "code", "source": "%%time\nimport joblib\njoblib.load('x')"},
    ]
    found = scan_text(json.dumps({"cells": cells}), notebook=True)
    assert [(each.cell, each.line, each.rule) for each in found] == [(1, 4, "loader.torch"), (3, 3, "loader.pickle")]


@pytest.mark.parametrize(("text", "notebook"), [("def broken(:", False), ("{}", True), ("[" * 100_000, True)])
def test_what_does_not_parse_is_said(text: str, notebook: bool) -> None:
    with pytest.raises(Unreadable):
        scan_text(text, notebook=notebook)
