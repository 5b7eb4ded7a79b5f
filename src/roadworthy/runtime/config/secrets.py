"""Configuration of secrets: lifetimes, grace, and where names are looked for. Logins come from the environment."""

from __future__ import annotations

from pydantic import Field

from roadworthy.runtime.config.node import Node


class Secrets(Node):
    """How secrets are fetched and kept. VAULT_ADDR switches Vault on, AWS_SECRETS_ENABLED=true AWS."""

    refresh_s: float = Field(
        default=60.0,
        ge=1,
        le=86_400,
        description="A running gateway asks for its secrets again after so long, in seconds, and takes what changed.",
    )
    max_stale_s: float = Field(
        default=14_400.0,
        ge=1,
        le=2_592_000,
        description="Longest use of a value whose store does not answer, in seconds; then it is withdrawn.",
    )
    missing_s: float = Field(
        default=10.0, ge=0, le=3600, description="How long the answer that a secret does not exist is believed, in s."
    )
    grace_s: float = Field(
        default=86_400.0,
        ge=0,
        le=2_592_000,
        description="How long the version before a rotation stays valid, in seconds.",
    )
    timeout_s: float = Field(default=5.0, gt=0, le=60, description="Bound on one call of a store, in seconds.")
    vault_root: str = Field(
        default="secret/roadworthy",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,255}$",
        description="Path in Vault, mount included, below which secret:NAME is looked for (key value).",
    )
    aws_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9/_+=.@-]{0,256}$",
        description="What stands before the name of secret:NAME in AWS Secrets Manager.",
    )
    folder: str = Field(
        default="/run/secrets", min_length=1, description="Folder in which secret:NAME is looked for as a file."
    )
