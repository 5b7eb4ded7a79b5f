"""ART-08: what the running process says that it loaded, against the manifest; never what lies on the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rig.naive_gateway import Naive
from rig.verify_service import CONFIG
from roadworthy.verify.integrity.baseline import create, save, survey
from roadworthy.verify.outcome import Outcome

Verified = Callable[..., Outcome]
OWN = 'a: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}'
PACKAGED = CONFIG.replace(OWN, "a: {kind: embedded}").replace("a/m", "a/smollm2-135m-instruct")
FILE = CONFIG.replace(OWN, "a: {kind: embedded, file: models/m.gguf}")
GOOD, OTHER = b"GGUF the weights", b"GGUF the others!"


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Telling(Naive):
    """Alive, and its health holds what a test wants."""

    weights: object = None

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/health":
            return super().do_GET()
        body = json.dumps({"status": "ok", "weights": self.weights}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None


def _manifest(subject: Path, at: datetime) -> None:
    save(create(subject / "models", survey(subject / "models"), at), subject / "models.manifest.json")


@pytest.fixture
def models(subject: Path) -> Path:
    (subject / "models").mkdir()
    (subject / "models" / "m.gguf").write_bytes(GOOD)
    (subject / "models" / "n.gguf").write_bytes(OTHER)
    _manifest(subject, datetime.now(UTC) - timedelta(days=1))
    return subject / "models"


@pytest.mark.parametrize(
    ("config", "told", "status", "rules"),
    [
        (FILE, {"a": _sha256(GOOD)}, "pass", set()),
        (FILE, {"a": _sha256(GOOD + b"x")}, "fail", {"other_weights"}),
        (FILE, {"a": _sha256(OTHER)}, "fail", {"other_weights"}),
        (FILE.replace("m.gguf", "unlisted.gguf"), {"a": _sha256(GOOD)}, "fail", {"other_weights"}),
        (PACKAGED, {"a": _sha256(OTHER)}, "pass", set()),
        (PACKAGED, {"a": _sha256(b"no")}, "fail", {"other_weights"}),
        (FILE, {"a": None}, "not_measured", set()),
        (FILE, {"a": "sha256:ab"}, "not_measured", set()),
        (FILE, {"another": _sha256(GOOD)}, "not_measured", set()),
        (FILE, [_sha256(GOOD)], "not_measured", set()),
        (FILE, None, "not_measured", set()),
        (CONFIG, {"a": _sha256(GOOD)}, "not_applicable", set()),
    ],
)
def test_what_was_loaded(
    config: str,
    told: Any,
    status: str,
    rules: set[str],
    models: Path,
    verified: Verified,
    running: Callable[..., str],
) -> None:
    (models / "unlisted.gguf").write_bytes(GOOD)
    outcome = verified("ART-08", service=running(config, type("Told", (Telling,), {"weights": told})))
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings} == rules


@pytest.mark.parametrize(
    ("act", "status", "words"),
    [
        (lambda file: file.unlink(), "not_measured", "no manifest to compare with"),
        (lambda file: file.write_text("{}"), "not_measured", "no manifest to compare with"),
        (lambda file: file.write_text(file.read_text().replace("n.gguf", "m.gguf")), "fail", "names a file twice"),
        (lambda file: _manifest(file.parent, datetime.now(UTC) + timedelta(hours=1)), "not_measured", "by this run"),
    ],
)
def test_a_manifest_that_says_nothing(
    act: Callable[[Path], None],
    status: str,
    words: str,
    models: Path,
    subject: Path,
    verified: Verified,
    running: Callable[..., str],
) -> None:
    act(subject / "models.manifest.json")
    outcome = verified("ART-08", service=running(FILE, type("Told", (Telling,), {"weights": {"a": _sha256(GOOD)}})))
    assert outcome.status == status, outcome
    assert words in outcome.reason, outcome.reason


def test_a_manifest_outside_of_the_subject_is_not_read(
    models: Path, verified: Verified, running: Callable[..., str]
) -> None:
    service = running(FILE, type("Told", (Telling,), {"weights": {"a": _sha256(GOOD)}}))
    outcome = verified("ART-08", service=service, manifest="../m.json")
    assert outcome.status == "not_measured"
    assert "leads out of the subject" in outcome.reason
