"""AWS Secrets Manager as a source, with its staging labels: AWSPENDING, AWSCURRENT, AWSPREVIOUS."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

from roadworthy.core.clock import Clock
from roadworthy.core.errors import ConfigError, SecretError
from roadworthy.core.secret import Provenance, Secret

R = TypeVar("R")

_MISSING = {"ResourceNotFoundException"}
_REFUSED = {
    "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId",
    "InvalidSignatureException", "SignatureDoesNotMatch", "ExpiredTokenException", "ExpiredToken",
    "IncompleteSignature", "MissingAuthenticationToken", "DecryptionFailure", "NotAuthorized",
    "RequestExpired", "OptInRequired",
}  # fmt: skip


class AwsPlace(NamedTuple):
    """Where AWS is looked for; credentials come from the SDK's usual chain.

    Attributes:
        region: None for the SDK's own choice (AWS_REGION, profile).
        endpoint: Another address than the region's; None for the usual one.
        prefix: What stands before the name for `secret:NAME`.
        timeout_s: Seconds that one try may take.
    """

    region: str | None = None
    endpoint: str | None = None
    prefix: str = ""
    timeout_s: float = 5.0


class AwsSource:
    """Reads `aws:NAME` or `aws:NAME#KEY` (a key of a JSON object), and rotates it. boto3 is loaded at the first call.

    Args:
        place: See there.
        clock: For ages where AWS does not tell the time.
    """

    name = "aws"

    def __init__(self, place: AwsPlace, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._lock = threading.Lock()
        self._made: Any = None

    def fetch(self, place: str) -> Secret | None:
        """The version labelled AWSCURRENT; None when AWS answers that there is no such secret, or no such key in it."""
        return self._fetch(place, {"VersionStage": "AWSCURRENT"})

    def place_of(self, name: str) -> str:
        """The name with the configured prefix."""
        return self._place.prefix + name

    def check(self) -> str:
        """Whether it answers us; no secret is read."""
        client = self._client()
        try:
            self._told("the list of secrets", lambda: client.list_secrets(MaxResults=1))
            seen = "answers"
        except SecretError as error:
            if error.code != "secret_source_refused" or not error.param:
                raise
            seen = "answers (it does not let us list, which reading does not need)"
        return f"{client.meta.endpoint_url} {seen}, region {client.meta.region_name}"

    # -- writing

    def stage(self, place: str, value: str, expected: str | None) -> str:
        """Write a version labelled AWSPENDING."""
        name, key = split(place)
        current = self._get(name, {"VersionStage": "AWSCURRENT"})
        if current is None:
            raise SecretError(f"There is no aws:{place} to rotate.", "", "Create it first.")
        if expected is not None and current["VersionId"] != expected:
            raise SecretError(f"aws:{place} has another version than expected.", code="secret_rotation_conflict")
        mark = str(uuid.uuid4())
        text = _with(current.get("SecretString", ""), key, value)
        client = self._client()
        self._told(name, lambda: client.put_secret_value(
            SecretId=name, ClientRequestToken=mark, SecretString=text, VersionStages=["AWSPENDING"]
        ))  # fmt: skip
        return f"{mark} {current['VersionId']}"

    def promote(self, place: str, value: str, mark: str) -> Secret:
        """Move AWSCURRENT to the staged version; AWS puts AWSPREVIOUS on the one before.

        The label is taken from the version that was current when it was staged, which AWS refuses when somebody else
        moved it.
        """
        name, _ = split(place)
        made, before = mark.split(" ")
        self._move(name, "AWSCURRENT", before, made)
        self._unlabel(name, "AWSPENDING", made)
        found = self.fetch(place)
        if found is None or found.reveal() != value:
            raise SecretError(f"aws:{place} does not hold what was written.", code="secret_rotation_conflict")
        return found

    def discard(self, place: str, mark: str) -> None:
        """Take AWSPENDING away: a version without labels is forgotten by AWS."""
        self._unlabel(split(place)[0], "AWSPENDING", mark.split(" ")[0])

    def previous(self, place: str) -> Secret | None:
        """The version labelled AWSPREVIOUS."""
        return self._fetch(place, {"VersionStage": "AWSPREVIOUS"})

    def restore(self, place: str, expected: str | None) -> Secret:
        """Move AWSCURRENT back to the version labelled AWSPREVIOUS."""
        name, _ = split(place)
        current, before = self.fetch(place), self.previous(place)
        if current is None or before is None:
            raise SecretError(f"There is no version before the current one of aws:{place}.")
        if expected is not None and current.origin.version != expected:
            raise SecretError(f"aws:{place} has another version than expected.", code="secret_rotation_conflict")
        self._move(name, "AWSCURRENT", str(current.origin.version), str(before.origin.version))
        found = self.fetch(place)
        assert found is not None
        return found

    def retire(self, place: str) -> bool:
        """Take AWSPREVIOUS away: a version without labels is forgotten by AWS."""
        before = self.previous(place)
        if before is None:
            return False
        self._unlabel(split(place)[0], "AWSPREVIOUS", str(before.origin.version))
        return True

    # -- the wire

    def _fetch(self, place: str, version: dict[str, str]) -> Secret | None:
        name, key = split(place)
        answer = self._get(name, version)
        if answer is None:
            return None
        value = _part(answer.get("SecretString"), key, place)
        if value is None:
            return None
        created = answer["CreatedDate"].timestamp()
        age_s = max(0.0, _told_at(answer, self._clock.wall()) - created)
        return Secret(value, Provenance(self.name, answer["VersionId"], created, age_s))

    def _get(self, name: str, version: dict[str, str]) -> dict[str, Any] | None:
        client = self._client()
        try:
            answer = self._told(name, lambda: client.get_secret_value(SecretId=name, **version))
        except SecretError as error:
            if error.code == "secret_missing":
                return None
            raise
        assert isinstance(answer, dict)
        return answer

    def _move(self, name: str, label: str, old: str, new: str) -> None:
        client = self._client()
        self._told(name, lambda: client.update_secret_version_stage(
            SecretId=name, VersionStage=label, MoveToVersionId=new, RemoveFromVersionId=old
        ))  # fmt: skip

    def _unlabel(self, name: str, label: str, version: str) -> None:
        client = self._client()
        stages = self._told(name, lambda: client.describe_secret(SecretId=name))["VersionIdsToStages"]
        if label in stages.get(version, ()):
            self._told(name, lambda: client.update_secret_version_stage(
                SecretId=name, VersionStage=label, RemoveFromVersionId=version
            ))  # fmt: skip

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._told("its configuration", self._make)
            return self._made

    def _make(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise ConfigError(
                "The client of AWS is not installed.",
                "AWS_SECRETS_ENABLED is true, or a reference begins with aws:.",
                "Install roadworthy[aws].",
                code="extra_missing",
            ) from None
        for name in ("botocore", "boto3", "urllib3"):  # at DEBUG they write bodies with the secrets in them
            logging.getLogger(name).setLevel(logging.INFO)
        seconds = self._place.timeout_s
        config = Config(
            connect_timeout=seconds, read_timeout=seconds, retries={"mode": "standard", "total_max_attempts": 2}
        )
        return boto3.session.Session().client(
            "secretsmanager", region_name=self._place.region, endpoint_url=self._place.endpoint, config=config
        )

    def _told(self, what: str, ask: Callable[[], R]) -> R:
        """Call, and turn what botocore raises into our errors. Theirs is dropped: it may quote the request."""
        try:
            from botocore import exceptions as kinds
        except ImportError:
            return ask()  # it tells that the client is missing
        try:
            return ask()
        except kinds.ClientError as error:
            raise _from_aws(what, str(error.response.get("Error", {}).get("Code", ""))) from None
        except kinds.SSLError:
            raise SecretError(
                "AWS Secrets Manager cannot be trusted.", "Its certificate is not signed by an authority that we know.",
                code="secret_source_untrusted",
            ) from None  # fmt: skip
        except (kinds.NoCredentialsError, kinds.PartialCredentialsError, kinds.NoRegionError, kinds.ProfileNotFound):
            raise SecretError(
                "There is no way to log in at AWS Secrets Manager.",
                "AWS_SECRETS_ENABLED is true, but the SDK finds no credentials or no region.",
                "Set AWS_REGION and give the process a role or keys, or unset AWS_SECRETS_ENABLED.",
                code="secret_source_refused",
            ) from None
        except kinds.BotoCoreError as error:
            raise _unavailable(f"It cannot be reached ({type(error).__name__}).") from None


def split(place: str) -> tuple[str, str | None]:
    """Name and key of `NAME#KEY`; the key None for the whole text."""
    name, _, key = place.partition("#")
    return name, key or None


def _from_aws(what: str, code: str) -> SecretError:
    if code in _MISSING:
        return SecretError(f"AWS Secrets Manager has no {what}.")
    if code in _REFUSED:
        # param tells a policy that forbids this call from a login that is no good
        policy = "policy" if code in ("AccessDeniedException", "AccessDenied") else None
        return SecretError(
            f"AWS Secrets Manager does not allow {what}.",
            f"It says {code}: the login is not valid (any more), the clocks differ, or the policy does not name it.",
            "Renew the login, set the clock by NTP, or add the secret to the policy.",
            code="secret_source_refused", param=policy,
        )  # fmt: skip
    if code == "InvalidRequestException":  # deleted and waiting for its end
        return SecretError(f"AWS Secrets Manager has no {what} any more.", "It is marked for deletion, or busy.")
    if code in ("InvalidParameterException", "ResourceExistsException", "PreconditionNotMetException"):
        return SecretError(
            f"Somebody else changed {what} in the meantime.", f"AWS says {code}.", code="secret_rotation_conflict"
        )
    return _unavailable(f"It says {code}." if code.isalnum() else "It answered with a failure.")


def _unavailable(why: str) -> SecretError:
    return SecretError(
        "AWS Secrets Manager is not available.", why, "Wait for it; nothing else is asked in its place.",
        code="secret_source_unavailable",
    )  # fmt: skip


def _part(text: object, key: str | None, place: str) -> str | None:
    """The value, or the key's value in a JSON object; None when the object has no such key."""
    if not isinstance(text, str):
        raise SecretError(f"The secret aws:{place} is not there.", "What lies there is binary.")
    value: object = text
    if key is not None:
        value = _object(text, place).get(key)
        if value is None:
            return None
    if not isinstance(value, str) or not value.strip():
        raise SecretError(f"The secret aws:{place} is not there.", "What lies there is no text, or empty.")
    return value.strip()


def _object(text: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SecretError(
            f"The secret aws:{place} is not there.", "What lies there is no JSON object with keys.",
            "Leave out #KEY to use the whole text.",
        )  # fmt: skip
    return found


def _with(text: str, key: str | None, value: str) -> str:
    return value if key is None else json.dumps({**_object(text, key), key: value})


def _told_at(answer: dict[str, Any], now: float) -> float:
    """When AWS answered, by its own clock."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return parsedate_to_datetime(date).timestamp() if date else now
    except (TypeError, ValueError):
        return now
