"""The key of earlier runs that the policy pins: the file lies in the subject, its name (a digest) in the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context
from roadworthy.verify.signing import key_id, public_key
from roadworthy.verify.tree import inside

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def pinned(context: Context) -> Ed25519PublicKey:
    """The key in the file of the setting `public_key`, which must be the one that the setting `key_id` names.

    Raises:
        NotMeasured: It is not there, or another one.
    """
    path = inside(context.root, str(context.settings["public_key"]))
    if path is None or not path.is_file():
        raise NotMeasured("The public key of earlier runs is not there.")
    key = public_key(path)
    if key_id(key) != context.settings["key_id"]:
        raise NotMeasured("The public key of earlier runs is not the one that the policy pins.")
    return key
