"""Secrets by reference: the configuration names where a secret lies, never what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from roadworthy.core.errors import ConfigError

MAX_SECRET_BYTES = 65_536
"""Largest secret file that is read."""

SCHEMES = ("env", "file", "vault", "aws", "secret")
"""What a reference may begin with: one source, or `secret` for the chain of all of them."""

FORMS = "env:NAME, file:PATH, vault:PATH#KEY, aws:NAME[#KEY] or secret:NAME"
"""How references are written, for messages."""

PATTERN = r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|vault:.+#.+|aws:.+|secret:.+"
"""The same as a regular expression, for the schema; `parse_reference` is stricter."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# Characters that Vault's paths, the names of AWS and one name for all sources may have.
_PLACES = {
    "vault": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./ @+-]{0,510}#[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"),
    "aws": re.compile(r"[A-Za-z0-9/_+=.@:-]{1,600}(#[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"),
    "secret": re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}"),
}
_KEY_PREFIX = re.compile(
    r"sk-|[spr]k_(live|test|proj)|pplx-|xox[abeprs]-|gh[opusr]_|github_pat_|glpat-|gsk_|(hf|rw)_[A-Za-z0-9_-]{16}"
    r"|AKIA[0-9A-Z]{12}|AIza[0-9A-Za-z_-]{20}|eyJ[A-Za-z0-9_-]{10}|(?i:bearer|basic)\s"
)
# Without - and _, so that the long names of models are none.
_LONG_TOKEN = re.compile(r"(?=[A-Za-z+/=]*[0-9])(?=[0-9+/=]*[A-Za-z])[A-Za-z0-9+/=]{32,}")
_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password|credential|signature|session", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class SecretRef:
    """A reference to a secret, for example `env:OPENAI_API_KEY`. Its `repr` and `str` show `***`.

    Args:
        scheme: One of `SCHEMES`.
        place: Name of the variable, path of the file (relative to the working directory), path and key in Vault, name
            (and key) in AWS, or the name that every source is asked for.
    """

    __slots__ = ("place", "scheme")

    def __init__(self, scheme: str, place: str) -> None:
        self.scheme = scheme
        self.place = place

    @property
    def text(self) -> str:
        """The reference as it is written in the configuration. Names a place, so it may be shown."""
        return f"{self.scheme}:{self.place}"

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def parse_reference(text: object) -> SecretRef:
    """Read a reference.

    Args:
        text: What stands in the configuration.

    Raises:
        ConfigError: `secret_ref_invalid` when it is none of `FORMS`; the text is not repeated.
    """
    scheme, _, place = text.partition(":") if isinstance(text, str) else ("", "", "")
    if scheme == "env" and _VARIABLE.fullmatch(place) and not looks_secret(place):
        return SecretRef(scheme, place)
    if scheme == "file" and place and not _UNPRINTABLE.search(place) and not looks_secret(Path(place).name):
        return SecretRef(scheme, place)
    if scheme in _PLACES and _PLACES[scheme].fullmatch(place) and not _holds_key(place):
        return SecretRef(scheme, place)
    raise ConfigError(
        "A secret must be a reference, not a value.",
        "What stands there is not such a reference. If it is a key, treat it as exposed and make a new one.",
        f"Write {FORMS} and put the value there.",
        code="secret_ref_invalid",
    )


def _holds_key(place: str) -> bool:
    """Whether a part of a place begins as keys do; long names are usual here, so their length says nothing."""
    return any(_KEY_PREFIX.match(part) for part in re.split(r"[/#:]", place))


def header_reference(name: str, value: str) -> SecretRef | None:
    """The reference in a header's value; None for a plain value, which only headers without credentials may have.

    Args:
        name: Name of the header.
        value: What stands in the configuration.

    Raises:
        ConfigError: `secret_ref_invalid` when the header carries a credential, or the value looks like a key, and
            it is no valid reference.
    """
    scheme = value.partition(":")[0]
    if scheme in SCHEMES or _CREDENTIAL.search(name) or looks_secret(value):
        return parse_reference(value)
    return None


def looks_secret(text: str) -> bool:
    """Whether a text has the look of a key, so that it is better not shown. Errs towards True."""
    return bool(_KEY_PREFIX.match(text) or _LONG_TOKEN.search(text))


def resolve(ref: SecretRef, environ: Mapping[str, str]) -> str:
    """The secret itself, without white space around it.

    Args:
        ref: Where it lies: `env` or `file`; the other schemes are resolved where the sources are wired.
        environ: The environment to look in.

    Raises:
        ConfigError: `secret_missing` when it is not there, empty, or holds a control character; names the
            reference, never the value.
    """
    value = environ.get(ref.place, "") if ref.scheme == "env" else _read(ref)
    value = value.strip()
    if not value:
        raise _missing(ref, "The variable is not set or empty." if ref.scheme == "env" else "The file is empty.")
    return usable(ref, value)


def usable(ref: SecretRef, value: str) -> str:
    """The value, when it can stand in a header or a URL.

    Raises:
        ConfigError: `secret_missing` when it holds a control character or one outside ASCII; it is not repeated.
    """
    if _UNPRINTABLE.search(value) or not value.isascii():
        raise _missing(ref, "The value holds a line break or a character that no key has.")
    return value


def _read(ref: SecretRef) -> str:
    reason = ""
    try:
        with Path(ref.place).open("rb") as file:
            raw = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raw, reason = b"", f"The file cannot be read: {error.strerror or 'input/output error'}."
    if len(raw) > MAX_SECRET_BYTES:
        reason = f"The file is larger than {MAX_SECRET_BYTES} bytes."
    if reason:
        raise _missing(ref, reason)
    return raw.decode("ascii", "replace")


def _missing(ref: SecretRef, why: str) -> ConfigError:
    mend = f"Set the environment variable {ref.place}." if ref.scheme == "env" else f"Put the secret into {ref.place}."
    return ConfigError(f"The secret {ref.text} is not there.", why, mend, code="secret_missing")
