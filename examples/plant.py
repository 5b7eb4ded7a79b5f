"""Copies the two samples to a folder and adds what may not lie in a repository: models, secrets, a history.

    python examples/plant.py FOLDER

Everything here is harmless: the model that runs code would print a word, the secrets are made from hashes of words.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from roadworthy.verify.integrity.baseline import create, now, save, survey
from roadworthy.verify.signing import make_keys, private_key, signed

HERE = Path(__file__).resolve().parent
CLEAN, FAULTY = "verify-sample-clean", "verify-sample"
SECRET = "AKIA" + base64.b32encode(hashlib.sha256(b"a made-up key of the sample").digest()).decode()[:16]
# GLOBAL os system, a text, REDUCE: what would run is `echo planted`.
RUNS_CODE = b"cos\nsystem\n(S'echo planted'\ntR."

ENTRY = "base_model: none\ndatasets: [train]\nlicense: Apache-2.0\ntrainer_run: by hand on 2 May\n"


def plant(folder: Path) -> tuple[Path, Path]:
    """Make both samples.

    Args:
        folder: Where; must not hold them yet.

    Returns:
        The clean one and the one with faults.
    """
    clean, faulty = folder / CLEAN, folder / FAULTY
    for place in (clean, faulty):
        shutil.copytree(HERE / place.name, place)
        (place / "models").mkdir()
        (place / "models" / "sorter.safetensors").write_bytes(weights())
    (clean / "models" / "model.yaml").write_text(ENTRY)
    keys = make_keys(folder / "sample.key", folder / "sample.key.pub")
    for place in (clean, faulty):
        _sign(place, folder, keys)
    install(clean, "License-Expression: MIT")
    install(faulty, "License: ask us")
    _commit(clean, "The shop")
    _faults(faulty)
    return clean, faulty


def weights() -> bytes:
    """A safetensors file with four numbers."""
    head = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + bytes(16)


def install(place: Path, licence: str) -> None:
    """An environment with one package, as an installer leaves it."""
    package = place / ".venv" / "lib" / "python3.11" / "site-packages" / "alpha-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.4\nName: alpha\nVersion: 1.0\n{licence}\n\n")
    (place / ".gitignore").write_text(".venv/\n.roadworthy/\n__pycache__/\n")


def _sign(place: Path, folder: Path, key_id: str) -> None:
    shutil.copy(folder / "sample.key.pub", place / "models.pub")
    made = create(place / "models", survey(place / "models"), now())
    save(made, place / "models.manifest.json", partial(signed, key=private_key(folder / "sample.key")))
    with (place / "readiness.yaml").open("a") as policy:
        policy.write(f"  ART-02: {{key_id: {key_id}}}\n")


def _faults(place: Path) -> None:
    """What the faulty twin has besides its source."""
    (place / "deploy.env").write_text(f"AWS_ACCESS_KEY_ID={SECRET}\n")
    _commit(place, "The shop, with a secret")
    (place / "deploy.env").unlink()
    _commit(place, "The secret is gone, they think")
    (place / "models" / "notes.txt").write_bytes(RUNS_CODE)  # under a name that no scanner by extension looks at
    (place / "models" / "ranker.pkl").write_bytes(RUNS_CODE)
    changed = bytearray((place / "models" / "sorter.safetensors").read_bytes())
    changed[-1] ^= 1
    (place / "models" / "sorter.safetensors").write_bytes(changed)
    (place / "settings.env").write_text(f"AWS_ACCESS_KEY_ID={SECRET}\n")


def _commit(place: Path, message: str) -> None:
    who = ["-c", "user.name=Sample", "-c", "user.email=sample@example.org", "-c", "commit.gpgsign=false"]
    if not (place / ".git").exists():
        subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=place, check=True)
    subprocess.run(["git", "add", "-A"], cwd=place, check=True)
    subprocess.run(["git", *who, "commit", "-qm", message], cwd=place, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/plant.py FOLDER")
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for made in plant(target):
        print(made)
