"""From environment and configuration to the chain of secrets, handed on as an environment that knows more places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import ConfigError
from roadworthy.core.ports import Entry, SecretSource
from roadworthy.core.secret import Provenance, Secret
from roadworthy.guard.secrets.audit import ResolutionAudit
from roadworthy.guard.secrets.aws import AwsPlace, AwsSource
from roadworthy.guard.secrets.cache import Lifetimes
from roadworthy.guard.secrets.chain import OnValue, SecretChain
from roadworthy.guard.secrets.env import EnvSource
from roadworthy.guard.secrets.file import FileSource
from roadworthy.guard.secrets.vault import VaultSource
from roadworthy.guard.secrets.vault_session import VaultLogin, VaultSession
from roadworthy.runtime import secret
from roadworthy.runtime.config.tree import Config
from roadworthy.runtime.secret import SecretRef

LOGINS = frozenset({
    "VAULT_TOKEN", "VAULT_SECRET_ID", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
})  # fmt: skip
"""Variables with logins of stores: the supervisor uses them and hands them to no child."""


class Secrets(Mapping[str, str]):
    """The environment, and through `chain` every other place where a secret may lie.

    Args:
        environ: The environment.
        chain: Resolves references.
    """

    def __init__(self, environ: Mapping[str, str], chain: SecretChain) -> None:
        self._environ = environ
        self.chain = chain

    def __getitem__(self, name: str) -> str:
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)

    def __repr__(self) -> str:
        return "Secrets(***)"


def with_secrets(
    config: Config,
    environ: Mapping[str, str],
    *,
    audit: Callable[[Entry], None] | None = None,
    on_value: OnValue | None = None,
    clock: Clock | None = None,
) -> Secrets:
    """The environment with the chain that it and the configuration describe. Nothing is asked yet.

    Args:
        config: A checked configuration.
        environ: The environment; logins of the stores are in it.
        audit: Takes entries for the journal; None forgets them.
        on_value: Is offered every value, for a masker.
        clock: The machine's when None.

    Raises:
        ConfigError: `config_invalid` when VAULT_ADDR is no address.
    """
    if isinstance(environ, Secrets):
        return environ
    clock, told = clock or SystemClock(), config.secrets
    strict = config.profile != "development"
    sources: list[SecretSource] = []
    if environ.get("VAULT_ADDR"):
        session = VaultSession(_login(environ, told.timeout_s, strict), clock)
        sources.append(VaultSource(session, clock, told.vault_root))
    if environ.get("AWS_SECRETS_ENABLED", "").lower() == "true":
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None
        endpoint = environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or environ.get("AWS_ENDPOINT_URL") or None
        sources.append(AwsSource(AwsPlace(region, endpoint, told.aws_prefix, told.timeout_s), clock))
    sources += [EnvSource(environ), FileSource(told.folder, clock, strict=strict)]
    chain = SecretChain(
        sources,
        clock,
        ResolutionAudit(audit or _forget, clock),
        lifetimes=Lifetimes(told.refresh_s, told.max_stale_s, told.missing_s),
        strict=strict,
        on_value=on_value,
    )
    return Secrets(environ, chain)


def resolve(ref: SecretRef, environ: Mapping[str, str]) -> str:
    """The secret itself, without white space around it.

    Args:
        ref: Where it lies.
        environ: As `with_secrets` makes it; a bare environment knows the schemes `env` and `file` alone.

    Raises:
        ConfigError: `secret_missing`, or what the store says; names the reference, never the value.
    """
    if isinstance(environ, Secrets):
        return secret.usable(ref, environ.chain.resolve(ref.text).reveal())
    return secret.resolve(ref, environ)


def withheld(environ: Mapping[str, str], references: list[SecretRef]) -> frozenset[str]:
    """Variables that no child process is to inherit: they hold secrets, and children get theirs through a pipe."""
    named = {ref.place for ref in references if ref.scheme == "env"}
    named |= {name.upper().replace("-", "_") for ref in references if ref.scheme == "secret" for name in [ref.place]}
    return frozenset(name for name in LOGINS | named if name in environ)


def _login(environ: Mapping[str, str], timeout_s: float, strict: bool) -> VaultLogin:
    address = environ["VAULT_ADDR"].rstrip("/")
    if not address.startswith(("http://", "https://")) or "@" in address:
        raise ConfigError(
            "VAULT_ADDR is no address that can be used.",
            "It must begin with http:// or https:// and hold no user name.",
            "Set it to something like https://vault.example.com:8200, or unset it.",
        )

    def kept(name: str) -> Secret | None:
        value = environ.get(name)
        return Secret(value, Provenance("env")) if value else None

    return VaultLogin(
        address=address,
        ca_file=environ.get("VAULT_CACERT") or None,
        namespace=environ.get("VAULT_NAMESPACE") or None,
        role_id=environ.get("VAULT_ROLE_ID") or None,
        secret_id=kept("VAULT_SECRET_ID"),
        secret_id_file=environ.get("VAULT_SECRET_ID_FILE") or None,
        approle_mount=environ.get("VAULT_APPROLE_MOUNT") or "approle",
        token_file=environ.get("VAULT_TOKEN_FILE") or None,
        token=kept("VAULT_TOKEN"),
        timeout_s=timeout_s,
        strict=strict,
    )


def _forget(entry: Entry) -> None:
    """Nobody keeps a journal here."""
