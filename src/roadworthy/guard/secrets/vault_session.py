"""Our login at Vault or OpenBao: gets a token, renews it in time, logs in again, says in our words what went wrong."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from random import random
from typing import Any, NamedTuple, TypeVar

from roadworthy.core.clock import Clock
from roadworthy.core.errors import ConfigError, SecretError
from roadworthy.core.secret import Secret
from roadworthy.guard.secrets.file import read_private

R = TypeVar("R")

RENEW_AFTER = 2 / 3
"""Share of its life after which a token or lease is renewed: two more tries fit into the rest."""
JITTER = 0.1
"""Renewals are spread by this share, so that replicas started together do not knock together."""


class VaultLogin(NamedTuple):
    """Where Vault is and how we log in. The first way that is given is used: AppRole, token file, token.

    Attributes:
        address: For example `https://vault.example.com:8200`.
        ca_file: Authority that signed its certificate; None for the usual ones.
        namespace: Of Vault Enterprise and OpenBao; None for the root.
        role_id: Of AppRole.
        secret_id: The other half, None when it is in a file or the role needs none.
        secret_id_file: Where the other half is.
        approle_mount: Mount of the AppRole method.
        token_file: Kept up to date by an agent; read again when the token in it stops working.
        token: One that somebody made for us.
        timeout_s: Seconds that one request may take.
        strict: Refuse files that others can read.
    """

    address: str
    ca_file: str | None = None
    namespace: str | None = None
    role_id: str | None = None
    secret_id: Secret | None = None
    secret_id_file: str | None = None
    approle_mount: str = "approle"
    token_file: str | None = None
    token: Secret | None = None
    timeout_s: float = 5.0
    strict: bool = True


class VaultSession:
    """Calls Vault with a token that is kept alive. Blocks; safe for threads; hvac is loaded at the first call.

    Args:
        login: See there.
        clock: For the token's life.
        jitter: Gives numbers in 0 … 1.

    Attributes:
        generation: Grows with every login. A token takes its leases with it when it expires, so a lease of an earlier
            generation is not renewed but asked for again.
    """

    def __init__(self, login: VaultLogin, clock: Clock, jitter: Callable[[], float] = random) -> None:
        self.generation = 0
        self.login = login
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.RLock()
        self._client: Any = None
        self._renew_at: float | None = None
        self._ends_at: float | None = None
        self._full_s = 0.0

    def call(self, what: str, ask: Callable[[Any], R]) -> R:
        """Let `ask` use the client; a token that was just refused is replaced once, where we can get a new one.

        Args:
            what: What is being done, for the error: a path, never a value.
            ask: Gets an `hvac.Client`.

        Raises:
            SecretError: `secret_source_unavailable`, `secret_source_refused`, `secret_source_untrusted`,
                `secret_rotation_conflict` when check-and-set failed.
            ConfigError: `extra_missing` without hvac.
        """
        with self._lock:
            self.keep()
            generation = self.generation
            try:
                return self._told(what, ask)
            except SecretError as error:
                if error.code != "secret_source_refused" or not self._expired():
                    raise
                if generation == self.generation:
                    self._log_in()
                return self._told(what, ask)

    def keep(self) -> None:
        """Log in, renew the token when 2/3 of its life are over, and log in again when it cannot live longer.

        Raises:
            SecretError: As `call`.
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._client is None:
                self._log_in()
            elif self._renew_at is not None and now >= self._renew_at:
                self._renew()

    def server_time(self) -> float:
        """The server's clock, in seconds since the Unix epoch; ours when it does not say."""
        health = self.health()
        told = health.get("server_time_utc")
        return float(told) if isinstance(told, int | float) else self._clock.wall()

    def health(self) -> dict[str, Any]:
        """What the server says of itself: `version`, `sealed`, `standby`, `server_time_utc`. Needs no token.

        Raises:
            SecretError: `secret_source_unavailable` when it is sealed or away.
        """
        with self._lock:
            client = self._client or self._connect(None)
            answer = self._told("sys/health", lambda _: client.sys.read_health_status(method="GET", standby_ok=True))
        told = self._json(answer)
        if told.get("sealed") or told.get("initialized") is False:
            raise self._unavailable("It is sealed." if told.get("sealed") else "It is not initialised.")
        return told

    def life_s(self) -> float | None:
        """Seconds that the token still lives; None for one without an end."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self._clock.monotonic())

    def due(self, seconds: float) -> float:
        """When something that lives for `seconds` from now is to be renewed, by the monotonic clock."""
        share = RENEW_AFTER * (1 + JITTER * (2 * self._jitter() - 1))
        return self._clock.monotonic() + seconds * share

    # -- the token

    def _log_in(self) -> None:
        client = self._connect(None)
        login = self.login
        if login.role_id:
            secret_id = login.secret_id.reveal() if login.secret_id else None
            if login.secret_id_file:
                secret_id = read_private(Path(login.secret_id_file), strict=login.strict)[0]
            role = login.role_id
            answer = self._told(f"auth/{login.approle_mount}/login", lambda _: client.auth.approle.login(
                role_id=role, secret_id=secret_id, mount_point=login.approle_mount
            ))  # fmt: skip
            life_s, renewable = self._life(answer, "auth", "lease_duration")
        else:
            client.token = self._given_token()
            answer = self._told("auth/token/lookup-self", lambda _: client.auth.token.lookup_self())
            life_s, renewable = self._life(answer, "data", "ttl")
        self._client, self._full_s = client, life_s
        self.generation += 1
        self._lives(life_s, renewable)

    def _given_token(self) -> str:
        login = self.login
        if login.token_file:
            return read_private(Path(login.token_file), strict=login.strict)[0]
        if login.token is not None:
            return login.token.reveal()
        raise SecretError(
            f"There is no way to log in at {login.address}.",
            "VAULT_ADDR is set, but none of VAULT_ROLE_ID, VAULT_TOKEN_FILE and VAULT_TOKEN.",
            "Set one of them, or unset VAULT_ADDR.",
            code="secret_source_refused",
        )

    def _renew(self) -> None:
        """Prolong the token. One that got less than half of its first life is at its maximum: a new one is due then."""
        try:
            answer = self._told("auth/token/renew-self", lambda client: client.auth.token.renew_self())
        except SecretError as error:
            if error.code != "secret_source_refused":
                if not self._expired():  # two thirds of what is left remain for the next tries
                    self._renew_at = self.due(max(1.0, (self.life_s() or 0.0) / 2))
                    return
                raise
            self._log_in()
            return
        life_s, renewable = self._life(answer, "auth", "lease_duration")
        if life_s < self._full_s / 2 and (self.login.role_id or self.login.token_file):
            self._log_in()
            return
        self._lives(max(life_s, 0.1), renewable)  # 0 is the last second here, and no end only at a login

    def _life(self, answer: Any, part: str, field: str) -> tuple[float, bool]:
        """Seconds that a token lives, and whether it can be renewed."""
        told = self._json(answer).get(part)
        if not isinstance(told, dict) or not isinstance(told.get(field), int | float):
            raise self._unavailable("It says nothing sensible.")
        return float(told[field]), bool(told.get("renewable"))

    def _lives(self, seconds: float, renewable: bool) -> None:
        if seconds <= 0:  # a root token, or one without an end
            self._ends_at = self._renew_at = None
            return
        self._ends_at = self._clock.monotonic() + seconds
        again = renewable or self.login.role_id or self.login.token_file
        self._renew_at = self.due(seconds) if again else None

    def _expired(self) -> bool:
        """Whether the token, and not the policy, is at fault: it cannot even look at itself any more."""
        client = self._client
        if client is None:
            return True
        try:
            self._told("auth/token/lookup-self", lambda _: client.auth.token.lookup_self())
        except SecretError as error:
            return error.code == "secret_source_refused"
        return False

    # -- the wire

    def _connect(self, token: str | None) -> Any:
        try:
            import hvac
        except ImportError:
            raise ConfigError(
                "The client of Vault is not installed.",
                "VAULT_ADDR is set, or a reference begins with vault:.",
                "Install roadworthy[vault].",
                code="extra_missing",
            ) from None
        for name in ("urllib3", "requests", "hvac"):  # at DEBUG they write bodies and headers
            logging.getLogger(name).setLevel(logging.INFO)
        login = self.login
        ca_file = login.ca_file
        if ca_file is not None and not Path(ca_file).is_file():
            raise self._untrusted(f"The file {ca_file}, named by VAULT_CACERT, is not there.")
        # hvac follows redirects with the token in a header of its own, to whatever host the answer names.
        client = hvac.Client(
            url=login.address, token=token or "", namespace=login.namespace, timeout=login.timeout_s,
            verify=ca_file or True, allow_redirects=False,
        )  # fmt: skip
        client.token = token
        return client

    def _told(self, what: str, ask: Callable[[Any], R]) -> R:
        """Call, and turn what hvac and requests raise into our errors. Theirs is dropped: it may quote a header."""
        import hvac.exceptions as hvac_errors
        import requests.exceptions as wire

        try:
            return ask(self._client)
        except hvac_errors.VaultError as error:
            raise self._from_vault(what, error, hvac_errors) from None
        except wire.SSLError:
            raise self._untrusted("Its certificate is not signed by an authority that we know.") from None
        except wire.Timeout:
            raise self._unavailable(f"No answer within {self.login.timeout_s:g} s.") from None
        except (wire.RequestException, ValueError) as error:
            raise self._unavailable(
                f"It cannot be reached or says nothing sensible ({type(error).__name__})."
            ) from None

    def _from_vault(self, what: str, error: Any, kinds: Any) -> SecretError:
        told = " ".join(error.errors or []) if isinstance(error.errors, list) else ""
        if isinstance(error, kinds.Forbidden | kinds.Unauthorized):
            return SecretError(
                f"Vault at {self.login.address} does not allow {what}.",
                "The token expired or was revoked, or its policy does not name this path.",
                "Log in anew, or add the path to the policy of the token.",
                code="secret_source_refused",
            )
        if isinstance(error, kinds.InvalidPath):
            return SecretError(f"Vault at {self.login.address} has nothing at {what}.", code="secret_missing")
        if isinstance(error, kinds.InvalidRequest) and "check-and-set" in told:
            return SecretError(f"Somebody else wrote {what} in the meantime.", code="secret_rotation_conflict")
        if isinstance(error, kinds.InvalidRequest):
            return SecretError(
                f"Vault at {self.login.address} refuses the request for {what}.",
                "The role, the lease or the secret_id is not valid (any more).",
                "Make a new secret_id, or look at the role.",
                code="secret_source_refused",
            )
        sealed = isinstance(error, kinds.VaultDown) and "sealed" in told
        return self._unavailable("It is sealed." if sealed else f"It answered with a failure ({type(error).__name__}).")

    def _unavailable(self, why: str) -> SecretError:
        return SecretError(
            f"Vault at {self.login.address} is not available.", why,
            "Unseal it or bring it back; nothing else is asked in its place.", code="secret_source_unavailable",
        )  # fmt: skip

    def _untrusted(self, why: str) -> SecretError:
        return SecretError(f"Vault at {self.login.address} cannot be trusted.", why, code="secret_source_untrusted")

    def _json(self, answer: Any) -> dict[str, Any]:
        """An answer as hvac gives it: JSON, or the response itself where that is none, as for a redirect."""
        if isinstance(answer, dict):
            return answer
        try:
            told = answer.json()
        except (AttributeError, ValueError):
            raise self._unavailable("It says nothing sensible.") from None
        return told if isinstance(told, dict) else {}
