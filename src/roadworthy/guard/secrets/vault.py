"""Vault and OpenBao as a source: KV version 2 with its versions, KV version 1, and credentials made on demand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from roadworthy.core.clock import Clock
from roadworthy.core.errors import ConfigError, SecretError
from roadworthy.core.secret import Provenance, Secret
from roadworthy.guard.secrets.vault_lease import Leases
from roadworthy.guard.secrets.vault_session import VaultSession

MAX_SKEW_S = 30.0
"""Beyond this the difference of the clocks is told."""


class _Mount(NamedTuple):
    path: str
    kind: str

    def inner(self, path: str) -> str:
        return path[len(self.path) :]


class _Version(NamedTuple):
    """One version of a KV v2 secret."""

    number: int
    data: Mapping[str, Any]
    created_at: float


class VaultSource:
    """Reads `vault:PATH#KEY`, and rotates it where PATH lies in a KV v2 engine.

    Args:
        session: Our login.
        clock: For ages.
        root: Path below which `secret:NAME` is looked for, mount included, such as `secret/roadworthy`.
    """

    name = "vault"

    def __init__(self, session: VaultSession, clock: Clock, root: str) -> None:
        self._session = session
        self._clock = clock
        self._root = root.strip("/")
        self._leases = Leases(session, clock)
        self._mounts: dict[str, _Mount] = {}
        self._skew_s: float | None = None

    def fetch(self, place: str) -> Secret | None:
        """What lies at `PATH#KEY` now; None when Vault answers that there is no such path, or no such key in it.

        Raises:
            SecretError: See the port.
        """
        path, key = split(place)
        mount = self._mount(path)
        if mount.kind == "kv2":
            version = self._read(mount, path, None)
            return None if version is None else self._secret(version, place, key)
        if mount.kind == "kv1":
            data = self._kv1(path)
            return None if data is None or key not in data else Secret(_text(data, key, place), Provenance(self.name))
        lease = self._leases.get(path)
        if key not in lease.data:
            raise SecretError(
                f"The credentials of {path} have no {key}.", f"They have {', '.join(sorted(lease.data))}."
            )
        now = self._clock.monotonic()
        # The end of a lease's id tells leases apart and opens nothing by itself.
        origin = Provenance(self.name, lease.lease_id[-8:], None, now - lease.made_at, lease.ends_at - now)
        return Secret(_text(lease.data, key, place), origin)

    def place_of(self, name: str) -> str:
        """Key `value` of the path of that name."""
        return f"{self._root}/{name}#value"

    def check(self) -> str:
        """Server, token's life and clocks."""
        health = self._session.health()
        self._session.keep()
        life_s = self._session.life_s()
        token = "token without an end" if life_s is None else f"token lives {life_s:.0f} s"
        skew_s = self._skew()
        clock = f"clock {skew_s:+.0f} s from ours"
        if abs(skew_s) > MAX_SKEW_S:
            clock += " (ages follow the server's; set both by NTP)"
        return f"{self._session.login.address} answers, version {health.get('version', 'unknown')}, {token}, {clock}"

    def keep(self) -> None:
        """Renew the token when it is due.

        Raises:
            SecretError: See the port.
        """
        self._session.keep()

    def close(self) -> None:
        """Give leases back."""
        self._leases.close()

    # -- writing

    def stage(self, place: str, value: str, expected: str | None) -> str:
        """Make sure that the version is current; KV v2 has no versions that readers do not get."""
        version = self._current(place)
        if expected is not None and str(version.number) != expected:
            raise SecretError(f"{place} has another version than expected.", code="secret_rotation_conflict")
        return str(version.number)

    def promote(self, place: str, value: str, mark: str) -> Secret:
        """Write with check-and-set; the other keys of the path stay as they are."""
        path, key = split(place)
        mount, version = self._mount(path), self._current(place)
        data = {**version.data, key: value}
        self._session.call(path, lambda client: client.secrets.kv.v2.create_or_update_secret(
            mount.inner(path), data, cas=int(mark), mount_point=mount.path.rstrip("/")
        ))  # fmt: skip
        found = self.fetch(place)
        if found is None or found.reveal() != value:
            raise SecretError(f"{place} does not hold what was written.", code="secret_rotation_conflict")
        return found

    def discard(self, place: str, mark: str) -> None:
        """Nothing was written."""

    def previous(self, place: str) -> Secret | None:
        """The newest version below the current one that still exists and has another value."""
        version = self._before(place)
        return None if version is None else self._secret(version, place, split(place)[1])

    def restore(self, place: str, expected: str | None) -> Secret:
        """Write the value before as a new version, so that the history stays."""
        before = self.previous(place)
        if before is None:
            raise SecretError(f"There is no version before the current one of {place}.")
        value = before.reveal()
        return self.promote(place, value, self.stage(place, value, expected))

    def retire(self, place: str) -> bool:
        """Delete the version before; Vault's own undelete can bring it back until it is destroyed."""
        path, _ = split(place)
        mount, version = self._mount(path), self._before(place)
        if version is None:
            return False
        self._session.call(path, lambda client: client.secrets.kv.v2.delete_secret_versions(
            mount.inner(path), [version.number], mount_point=mount.path.rstrip("/")
        ))  # fmt: skip
        return True

    # -- the engines

    def _current(self, place: str) -> _Version:
        path, key = split(place)
        mount = self._mount(path)
        if mount.kind != "kv2":
            raise SecretError(
                f"{place} cannot be rotated here.", "Only KV version 2 keeps the version before.",
                "Move it to a KV v2 engine; credentials made on demand rotate by themselves.",
            )  # fmt: skip
        version = self._read(mount, path, None)
        if version is None or key not in version.data:
            raise SecretError(
                f"There is no {place} to rotate.", "", "Create it first, with `vault kv put` or `bao kv put`."
            )
        return version

    def _before(self, place: str) -> _Version | None:
        path, key = split(place)
        mount, current = self._mount(path), self._current(place)
        for number in range(current.number - 1, 0, -1):
            version = self._read(mount, path, number)
            if version is not None and key in version.data and version.data[key] != current.data[key]:
                return version
        return None

    def _mount(self, path: str) -> _Mount:
        """The engine under a path, as Vault tells everybody who may use a part of it."""
        found = next((mount for prefix, mount in self._mounts.items() if path.startswith(prefix)), None)
        if found is not None:
            return found
        answer = self._session.call(path, lambda client: client.read(f"sys/internal/ui/mounts/{path}"))
        data = answer.get("data", {}) if isinstance(answer, dict) else {}
        kind, options = data.get("type"), data.get("options") or {}
        if kind == "kv":
            kind = "kv2" if options.get("version") == "2" else "kv1"
        mount = _Mount(str(data.get("path", "")), str(kind))
        if not mount.path or not path.startswith(mount.path) or not mount.inner(path):
            raise SecretError(f"Vault has no engine under {path}.", "", "Begin the path with the mount of an engine.")
        self._mounts[mount.path] = mount
        return mount

    def _read(self, mount: _Mount, path: str, number: int | None) -> _Version | None:
        try:
            answer = self._session.call(path, lambda client: client.secrets.kv.v2.read_secret_version(
                mount.inner(path), version=number, mount_point=mount.path.rstrip("/"), raise_on_deleted_version=True
            ))  # fmt: skip
        except SecretError as error:
            if error.code == "secret_missing":
                return None
            raise
        try:
            data, told = answer["data"]["data"], answer["data"]["metadata"]
            return _Version(int(told["version"]), dict(data), _seconds(told["created_time"]))
        except (KeyError, TypeError, ValueError):
            raise SecretError(f"Vault answers strangely for {path}.", "", code="secret_source_unavailable") from None

    def _kv1(self, path: str) -> Mapping[str, Any] | None:
        answer = self._session.call(path, lambda client: client.read(path))
        data = answer.get("data") if isinstance(answer, dict) else None
        return data if isinstance(data, dict) else None

    def _secret(self, version: _Version, place: str, key: str) -> Secret | None:
        if key not in version.data:
            return None
        now = self._clock.wall() + self._skew()
        origin = Provenance(self.name, str(version.number), version.created_at, max(0.0, now - version.created_at))
        return Secret(_text(version.data, key, place), origin)

    def _skew(self) -> float:
        """How far the server's clock is ahead of ours, in seconds; asked once, for clocks drift slowly."""
        if self._skew_s is None:
            try:
                skew_s = self._session.server_time() - self._clock.wall()
            except SecretError:  # what answers reads and hides its health still gives secrets
                return 0.0
            self._skew_s = skew_s if abs(skew_s) > 1.5 else 0.0  # the server tells whole seconds
        return self._skew_s


def split(place: str) -> tuple[str, str]:
    """Path and key of `PATH#KEY`.

    Raises:
        ConfigError: `secret_ref_invalid` without a path or a key.
    """
    path, mark, key = place.partition("#")
    path = path.strip("/")
    if not path or not mark or not key:
        raise ConfigError(
            "A reference to Vault names a path and a key.", f"`{path}` has no key.", "Write vault:PATH#KEY.",
            code="secret_ref_invalid",
        )  # fmt: skip
    return path, key


def _text(data: Mapping[str, Any], key: str, place: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value.strip():
        raise SecretError(f"The secret vault:{place} is not there.", "What lies there is no text, or empty.")
    return value.strip()


def _seconds(text: str) -> float:
    """Vault writes nanoseconds, more than `fromisoformat` reads."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00").timestamp()
