"""Signatures: ours, checked by openssl without us; every flipped byte is refused; keys are looked after."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError, RoadworthyError, SecretError, UsageError
from roadworthy.verify import signing

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PAYLOAD = signing.statement([signing.Subject(name="shop", digest={"sha256": "0" * 64})], "urn:x:v1", {"a": 1})
ENVELOPE = signing.signed(PAYLOAD, KEY)


def test_there_and_back() -> None:
    payload, name = signing.opened(ENVELOPE, [OTHER.public_key(), KEY.public_key()])
    assert payload == PAYLOAD
    assert name == signing.key_id(KEY.public_key()) == json.loads(ENVELOPE)["signatures"][0]["keyid"]
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert list(statement) == sorted(statement)


def test_encoding_is_that_of_the_specification() -> None:
    """The example of the DSSE protocol document."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert signing.encoding("http://example.com/HelloWorld", b"hello world") == expected


@pytest.mark.parametrize("keys", [[], [OTHER.public_key()]])
def test_unknown_keys_are_refused(keys: list[Ed25519PublicKey]) -> None:
    with pytest.raises(RoadworthyError) as caught:
        signing.opened(ENVELOPE, keys)
    assert caught.value.code == "integrity_mismatch"


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_any_flipped_byte_is_refused_or_changes_nothing(place: int, flip: int) -> None:
    bad = bytearray(ENVELOPE)
    bad[place] ^= flip
    # A flip in the hint of the key's name, or in white space at the end, changes nothing.
    assert _opened(bytes(bad)) in ("integrity_mismatch", (PAYLOAD, signing.key_id(KEY.public_key())))


def _opened(envelope: bytes) -> object:
    try:
        return signing.opened(envelope, [KEY.public_key()])
    except RoadworthyError as error:
        return error.code


@given(st.binary(max_size=200))
def test_anything_else_is_refused(junk: bytes) -> None:
    with pytest.raises(RoadworthyError) as caught:
        signing.opened(junk, [KEY.public_key()])
    assert caught.value.code == "integrity_mismatch"


@pytest.mark.parametrize(
    "envelope",
    [
        {"payloadType": signing.PAYLOAD_TYPE, "payload": "e30=", "signatures": []},
        {"payloadType": signing.PAYLOAD_TYPE, "payload": "e30=", "signatures": None},
        {"payloadType": signing.PAYLOAD_TYPE, "payload": "e30=", "signatures": [{"sig": ""}]},
        {"payloadType": signing.PAYLOAD_TYPE, "payload": 1, "signatures": [{"sig": "AA=="}]},
        {"payload": "e30="},
    ],
)
def test_envelopes_without_a_signature_are_refused(envelope: dict[str, object]) -> None:
    with pytest.raises(RoadworthyError) as caught:
        signing.opened(json.dumps(envelope).encode(), [KEY.public_key()])
    assert caught.value.code == "integrity_mismatch"


def test_another_payload_type_is_refused() -> None:
    envelope = signing.signed(PAYLOAD, KEY, "text/plain")
    with pytest.raises(RoadworthyError, match="another"):
        signing.opened(envelope, [KEY.public_key()])


def test_openssl_agrees(tmp_path: Path) -> None:
    """As docs/how-to/verify-a-project.md tells it: no code of ours but what made the files."""
    private, public = tmp_path / "key", tmp_path / "key.pub"
    name = signing.make_keys(private, public)
    der = _ran(["openssl", "pkey", "-pubin", "-in", str(public), "-outform", "DER"])
    assert hashlib.sha256(der).hexdigest() == name
    envelope = json.loads(signing.signed(PAYLOAD, signing.private_key(private)))
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    (tmp_path / "pae").write_bytes(b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload)) + payload)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin",
               "-in", str(tmp_path / "pae"), "-sigfile", str(tmp_path / "sig")]  # fmt: skip
    assert b"Verified Successfully" in _ran(command)
    (tmp_path / "pae").write_bytes((tmp_path / "pae").read_bytes().replace(b"shop", b"shup"))
    assert subprocess.run(command, capture_output=True).returncode == 1


def _ran(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    private, public = tmp_path / "key", tmp_path / "key.pub"
    signing.make_keys(private, public)
    assert private.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o620, 0o644):
        private.chmod(mode)
        with pytest.raises(SecretError) as caught:
            signing.private_key(private)
        assert caught.value.code == "secret_file_exposed"
    private.chmod(0o400)
    assert signing.key_id(signing.private_key(private).public_key()) == signing.key_id(signing.public_key(public))


def test_keys_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text("mine")
    with pytest.raises(UsageError, match="never replaced"):
        signing.make_keys(tmp_path / "key", tmp_path / "key.pub")
    assert (tmp_path / "key.pub").read_text() == "mine"
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SecretError):
        signing.private_key(file)
    with pytest.raises(ConfigError):
        signing.public_key(file)
    with pytest.raises(ConfigError):
        signing.public_key(tmp_path / "gone")
    with pytest.raises(SecretError):
        signing.private_key(tmp_path / "gone")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    _ran(["openssl", "genpkey", "-algorithm", "X25519", "-out", str(tmp_path / "key")])
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(SecretError, match="no Ed25519"):
        signing.private_key(tmp_path / "key")
