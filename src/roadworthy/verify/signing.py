"""Signatures: DSSE envelopes (in-toto/attestation) around in-toto statements v1, with Ed25519 (RFC 8032).

The name of a key is the SHA-256 of its public part as DER (SubjectPublicKeyInfo). What is signed is the pre-
authentication encoding of the DSSE specification v1, so that `openssl pkeyutl -verify -rawin` can check it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from roadworthy.core.errors import ConfigError, RoadworthyError, SecretError, UsageError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify import plain
from roadworthy.verify.outcome import Record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MOST_BYTES = 16 * 1024 * 1024


class Subject(Record, frozen=True):
    """What a statement is about.

    Attributes:
        name: For people.
        digest: By algorithm, in hexadecimal digits.
    """

    name: str
    digest: dict[str, str]


def statement(subject: Sequence[Subject], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """An in-toto statement v1 as canonical JSON.

    Args:
        subject: What it is about; at least one.
        predicate_type: URI of what it says.
        predicate: What it says.
    """
    content = {
        "_type": STATEMENT_TYPE,
        "subject": [msgspec.to_builtins(each) for each in subject],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return msgspec.json.encode(content, order="sorted")


def encoding(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signed(payload: bytes, key: Ed25519PrivateKey, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """A DSSE envelope as one line of JSON.

    Args:
        payload: Such as a `statement`.
        key: As by `private_key`.
        payload_type: Media type of the payload.
    """
    signature = key.sign(encoding(payload_type, payload))
    envelope = {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }
    return msgspec.json.encode(envelope) + b"\n"


def opened(envelope: bytes, keys: Sequence[Ed25519PublicKey], payload_type: str = PAYLOAD_TYPE) -> tuple[bytes, str]:
    """The payload of an envelope that one of the keys signed.

    Args:
        envelope: As by `signed`.
        keys: Those that are trusted; the name of a key in the envelope is a hint and proves nothing.
        payload_type: The only one that is taken.

    Returns:
        The payload, and the name of the key that signed it.

    Raises:
        RoadworthyError: `integrity_mismatch`: no envelope, of another type, or signed by none of the keys.
    """
    content, signatures, kind = _parsed(envelope)
    if kind != payload_type:
        raise _mismatch("The envelope holds something else than a statement.", "Its payload type is another.")
    from cryptography.exceptions import InvalidSignature

    message = encoding(kind, content)
    for signature in signatures:
        for key in keys:
            try:
                key.verify(signature, message)
            except InvalidSignature:
                continue
            return content, key_id(key)
    raise _mismatch("No trusted key signed this.", f"{len(signatures)} signatures were tried with {len(keys)} keys.")


def _parsed(envelope: bytes) -> tuple[bytes, list[bytes], str]:
    try:
        if len(envelope) > MOST_BYTES:
            raise ValueError
        values = plain.read_object(envelope)
        payload = base64.b64decode(values["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in values["signatures"]]
        return payload, signatures[:16], str(values["payloadType"])
    except (KeyError, TypeError, ValueError):
        raise _mismatch("The signature file is no DSSE envelope.", "It is damaged or something else.") from None


def _mismatch(what: str, why: str) -> RoadworthyError:
    return RoadworthyError(what, why, code="integrity_mismatch")


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the public key as DER, in hexadecimal digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def make_keys(private: Path, public: Path) -> str:
    """Make a key pair; the private file is for its owner alone.

    Returns:
        The name of the key.

    Raises:
        UsageError: A file of that name is there.
        ConfigError: The files cannot be written, or `extra_missing`.
    """
    key_class = _ed25519()[0]
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path.name} is there already; keys are never replaced.", "", "Choose another name.")
    key = key_class.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with replacing(private, mode=0o600) as file:
            file.write(secret)
        with replacing(public, mode=0o644) as file:
            file.write(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except OSError as error:
        raise ConfigError("The keys cannot be written.", f"{error.strerror or 'Input/output error'}.") from None
    return key_id(key.public_key())


def private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key that only its owner can read.

    Raises:
        SecretError: `secret_missing` when it is not there or no such key; `secret_file_exposed` when others can
            read it.
    """
    key_class = _ed25519()[0]
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key: object = None
    try:
        key = load_pem_private_key(_owned(path), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, key_class):
        raise SecretError(
            f"{path.name} is no Ed25519 private key.", "", "`roadworthy verify keygen` makes one; it has no passphrase."
        )
    return key


def _owned(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretError(f"{path.name} is no plain file.")
            if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
                raise SecretError(
                    f"The key {path.name} can be read or changed by others.", "", code="secret_file_exposed"
                )
            return file.read(1 << 16)
    except OSError as error:
        raise SecretError(
            f"The key {path.name} cannot be read.", f"{error.strerror or 'Input/output error'}."
        ) from None


def public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key (PEM).

    Raises:
        ConfigError: `config_invalid`: it is not there, or no Ed25519 public key.
    """
    key_class = _ed25519()[1]
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key: object = None
    try:
        with path.open("rb") as file:
            key = load_pem_public_key(file.read(1 << 16))
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read.", f"{error.strerror or 'Input/output error'}.") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, key_class):
        raise ConfigError(f"{path.name} is no Ed25519 public key in PEM form.")
    return key


def _ed25519() -> tuple[type[Ed25519PrivateKey], type[Ed25519PublicKey]]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    except ImportError:
        raise ConfigError(
            "Signing needs the package cryptography.", "", "Install roadworthy[verify].", code="extra_missing"
        ) from None
    return Ed25519PrivateKey, Ed25519PublicKey
