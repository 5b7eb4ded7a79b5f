"""The manifest of a folder of models: an in-toto statement with the predicate of OpenSSF Model Signing.

Its fields are those of https://model_signing/signature/v1.0 (sigstore/model-transparency): `resources` with name,
algorithm and digest, `serialization` with its method, and as the subject's digest the SHA-256 over the digests of the
resources in their order. We add `created`, and `size` and `link` of a resource; readers of the predicate ignore what
they do not know.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from roadworthy.core.errors import SubjectError
from roadworthy.verify.integrity.digest import Content

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_HEX = re.compile(r"[0-9a-f]{64}\Z")


class Manifest(NamedTuple):
    """What the files were.

    Attributes:
        model: Name of the whole.
        contents: By name, in the order in which they stand in the statement.
        created: When, as an aware time; None when the statement does not say it.
        ignored: Names that were left out of it.
    """

    model: str
    contents: tuple[Content, ...]
    created: datetime | None = None
    ignored: tuple[str, ...] = ()

    @property
    def root_digest(self) -> str:
        """SHA-256 over the digests in their order, 64 hexadecimal digits."""
        whole = hashlib.sha256()
        for content in self.contents:
            whole.update(bytes.fromhex(content.digest))
        return whole.hexdigest()


def made(model: str, contents: Sequence[Content], created: datetime, ignored: Sequence[str] = ()) -> Manifest:
    """A manifest of what was hashed.

    Args:
        model: Name of the whole.
        contents: What was hashed; every name is UTF-8.
        created: Aware.
        ignored: Names that were left out.
    """
    ordered = sorted(contents, key=lambda content: content.name)
    return Manifest(model, tuple(ordered), created.astimezone(UTC), tuple(sorted(ignored)))


def statement(manifest: Manifest) -> dict[str, object]:
    """The in-toto statement of a manifest, as JSON values."""
    resources = [
        {"name": content.name, "algorithm": "sha256", "digest": content.digest, "size": content.size}
        | ({} if content.link is None else {"link": content.link})
        for content in manifest.contents
    ]
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": True,
        "ignore_paths": list(manifest.ignored),
    }
    predicate: dict[str, object] = {"serialization": serialization, "resources": resources}
    if manifest.created is not None:
        predicate["created"] = manifest.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": manifest.model, "digest": {"sha256": manifest.root_digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def manifest_of(values: object) -> Manifest:
    """The manifest that a statement holds.

    Args:
        values: The parsed statement, ours or one of model-signing's with the method `files`.

    Raises:
        SubjectError: `subject_unreadable`: it is no such statement; `integrity_mismatch`: it contradicts itself.
    """
    try:
        return _manifest_of(values)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise SubjectError(
            "This is no manifest of model files.", f"{type(problem).__name__}: a part is missing or of another kind."
        ) from None


def _manifest_of(values: Any) -> Manifest:
    if values["_type"] != STATEMENT_TYPE or values["predicateType"] != PREDICATE_TYPE:
        raise SubjectError(
            "This is no manifest of model files.",
            "Its type is another one.",
            f"The predicate must be {PREDICATE_TYPE}.",
        )
    predicate = values["predicate"]
    serialization = predicate["serialization"]
    if serialization["method"] != "files":
        raise SubjectError(
            "The manifest hashes pieces of files, which cannot be checked here.", "", "Sign it with the method `files`."
        )
    contents = tuple(_content(resource) for resource in predicate["resources"])
    names = [content.name for content in contents]
    if len(set(names)) < len(names):
        raise SubjectError("The manifest contradicts itself.", "It names a file twice.", code="integrity_mismatch")
    created = predicate.get("created")
    manifest = Manifest(
        str(values["subject"][0]["name"]),
        contents,
        None if created is None else datetime.fromisoformat(str(created)),
        tuple(str(path) for path in serialization.get("ignore_paths") or ()),
    )
    if manifest.created is not None and manifest.created.tzinfo is None:
        raise ValueError("created")
    if len(values["subject"]) != 1 or values["subject"][0]["digest"]["sha256"] != manifest.root_digest:
        raise SubjectError(
            "The manifest contradicts itself.",
            "The digest of the whole is not that of its files.",
            code="integrity_mismatch",
        )
    return manifest


def _content(resource: Any) -> Content:
    name, size, link = resource["name"], resource.get("size"), resource.get("link")
    if resource["algorithm"] != "sha256" or not _HEX.match(resource["digest"]):
        raise SubjectError("The manifest uses a digest other than SHA-256.", "", "Sign it with SHA-256.")
    if not isinstance(name, str) or name.startswith("/") or {"..", ".", ""} & set(name.split("/")) or "\0" in name:
        raise SubjectError(
            "The manifest names a file outside of its root.", "", "Make it again.", code="integrity_mismatch"
        )
    if not isinstance(size, int | None) or not isinstance(link, str | None):
        raise TypeError("size or link")
    return Content(name, resource["digest"], -1 if size is None else size, link)
