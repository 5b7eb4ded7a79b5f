"""The one error tree. `code` is public API: clients, alerts and scripts match on it.

    RoadworthyError(what, why, mend)
    ├ UsageError         invalid_request, unknown_model, unsupported_parameter, request_too_large, ...
    ├ AuthError          unauthorized, forbidden, admin_disabled
    ├ UsageError         invalid_request, unknown_model, unsupported_parameter, ..
    ├ ConfigError        config_invalid, secret_missing, secret_source_unavailable, ...
    ├ GatewayError       llm_chain_failed, llm_failure, llm_unavailable, runtime_quality_failed, rate_limited, ...
    ├ StorageError       journal_corrupt, store_unavailable
    ├ SubjectError       subject_unreadable
    └ UnexpectedError    unexpected_error, masking_failed (our bugs)

Every code has one row in `CODES`; the reference page docs/reference/errors.md is generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command (one table for all)."""

    GOOD = 0
    JUDGED_BAD = 1
    MISUSE = 2
    CONFIGURATION = 3
    COULD_NOT_FIND_OUT = 4
    STOPPED = 5
    OUR_BUG = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What a code means, wherever it appears.

    Args:
        http_status: Status of the HTTP answer that carries it.
        exit_code: Exit code of a command that ends with it.
        retryable: Whether the same request may succeed later without a change.
        meaning: One sentence for the reference page.
        mend: The usual way to mend it; an error may carry a more exact one.
    """

    http_status: int
    exit_code: Exit
    retryable: bool
    meaning: str
    mend: str


CODES: dict[str, ErrorCode] = {
    # the caller's request
    "invalid_request": ErrorCode(
        400,
        Exit.MISUSE,
        False,
        "The request is not well formed.",
        "Correct the named field and send the request again.",
    ),
    "unknown_model": ErrorCode(
        404,
        Exit.MISUSE,
        False,
        "No route and no provider answers to this model name.",
        "Ask GET /v1/models for the names that are served.",
    ),
    "unsupported_parameter": ErrorCode(
        400,
        Exit.MISUSE,
        False,
        "No provider of the route can honour this parameter.",
        "Leave the parameter out or choose a route whose providers support it.",
    ),
    "request_too_large": ErrorCode(
        413,
        Exit.MISUSE,
        False,
        "The request is larger than this gateway accepts.",
        "Shorten the messages, or raise gateway.limits in the configuration.",
    ),
    "not_found": ErrorCode(
        404, Exit.MISUSE, False, "Nothing is served under this path.", "See the HTTP reference for the paths."
    ),
    "method_not_allowed": ErrorCode(
        405,
        Exit.MISUSE,
        False,
        "The path exists, but not for this method.",
        "Use the method named in the `allow` header.",
    ),
    "wrong_state": ErrorCode(
        409,
        Exit.STOPPED,
        False,
        "What was asked does not fit the state that the thing is in.",
        "Look at its state first.",
    ),
    "request_timeout": ErrorCode(
        408,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "The request did not arrive completely in time.",
        "Send the whole request within gateway.limits.request_timeout_s.",
    ),
    # keys
    "unauthorized": ErrorCode(
        401,
        Exit.CONFIGURATION,
        False,
        "A valid key is needed and none was given.",
        "Send `Authorization: Bearer <key>`; `roadworthy key create` makes one.",
    ),
    "forbidden": ErrorCode(
        403,
        Exit.STOPPED,
        False,
        "The key is valid but lacks the scope.",
        "Use a key with the named scope; `roadworthy key list` shows scopes.",
    ),
    "admin_disabled": ErrorCode(
        403,
        Exit.STOPPED,
        False,
        "Admin routes are off because no admin key exists.",
        "Run `roadworthy key create NAME --scope admin`.",
    ),
    # configuration
    "config_invalid": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "The configuration does not say what it must.",
        "Correct the named key; `roadworthy config schema` shows what is allowed.",
    ),
    "secret_missing": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "A secret that the configuration refers to is not there.",
        "Provide it where the reference points, for example by setting the environment variable.",
    ),
    "secret_ref_invalid": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "A secret must be a reference, not a value.",
        "Write env:NAME, file:PATH, vault:PATH#KEY, aws:NAME or secret:NAME and put the value there.",
    ),
    "secret_source_unavailable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "A configured store of secrets does not answer, or is sealed; no other source is asked in its place.",
        "Bring the store back; `roadworthy guard secret check` says how each one is.",
    ),
    "secret_source_refused": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "A store of secrets does not let us: the token expired, or its policy forbids it.",
        "Give the process a valid login, and a policy that allows what the message names.",
    ),
    "secret_source_untrusted": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "The certificate of a store of secrets is not one that we trust.",
        "Point VAULT_CACERT or AWS_CA_BUNDLE at the certificate of the authority that signed it.",
    ),
    "secret_file_exposed": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "A file with a secret can be read or changed by other users of the machine.",
        "Run `chmod 600` on it; for container secrets set the mode 0400.",
    ),
    "secret_rotation_conflict": ErrorCode(
        409,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "Somebody else changed the secret at the same time; nothing of theirs was overwritten.",
        "Look at it with `roadworthy guard secret show`, then try again.",
    ),
    "secret_rotation_failed": ErrorCode(
        500,
        Exit.JUDGED_BAD,
        False,
        "The new value of a secret did not pass its trial; the old one is in force.",
        "Correct the new value and rotate again.",
    ),
    "extra_missing": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "A part of the product that this needs is not installed.",
        "Install the named extra.",
    ),
    "port_in_use": ErrorCode(
        500,
        Exit.CONFIGURATION,
        True,
        "Another process listens on the port.",
        "Stop the other process or choose another port.",
    ),
    "already_running": ErrorCode(
        500,
        Exit.CONFIGURATION,
        True,
        "Another `roadworthy up` uses the same state directory.",
        "Stop it first, or set gateway.state_dir to another path.",
    ),
    "model_file_invalid": ErrorCode(
        500,
        Exit.CONFIGURATION,
        False,
        "The model file is missing or damaged.",
        "Install the model package again or point `file` at a whole GGUF file.",
    ),
    # serving
    "llm_chain_failed": ErrorCode(
        502,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "Every provider of the chain was tried and failed.",
        "See the attempts; `roadworthy gateway status` shows which providers are down.",
    ),
    "llm_failure": ErrorCode(
        502,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "The provider failed.",
        "See the attempt's reason; try again or add a second provider to the chain.",
    ),
    "llm_unavailable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "No provider can take the request now.",
        "Wait for the seconds named in Retry-After, or add a provider to the chain.",
    ),
    "provider_rejected_request": ErrorCode(
        400,
        Exit.MISUSE,
        False,
        "The provider says the request itself is wrong.",
        "Correct what the provider names in the message.",
    ),
    "stream_incomplete": ErrorCode(
        502,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "A stream broke after text had been sent.",
        "Treat the text received so far as unfinished and ask again.",
    ),
    "runtime_quality_failed": ErrorCode(
        422,
        Exit.JUDGED_BAD,
        True,
        "Answers came, but none passed the quality gate.",
        "See quality_issues; change the request or the gate.",
    ),
    "stub_in_production_forbidden": ErrorCode(
        503,
        Exit.STOPPED,
        False,
        "Placeholder content was about to be served.",
        "Configure a real provider; a stub may only answer in tests.",
    ),
    "rate_limited": ErrorCode(
        429, Exit.COULD_NOT_FIND_OUT, True, "Too many requests.", "Wait for the seconds named in Retry-After."
    ),
    "budget_exceeded": ErrorCode(
        429,
        Exit.STOPPED,
        True,
        "The key has no budget left for this request.",
        "Wait until the budget starts again at midnight UTC, or raise it with `roadworthy key set`.",
    ),
    "model_unpriced": ErrorCode(
        403,
        Exit.STOPPED,
        False,
        "The key has a budget in dollars and the price of a model that would serve is not known.",
        "Give the model a price under gateway.prices, or set gateway.budget.unpriced: allow.",
    ),
    "overloaded": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "This gateway is at its limit of connections or requests.",
        "Wait for the seconds named in Retry-After, or add workers.",
    ),
    "queue_full": ErrorCode(
        429,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "The queue of durable jobs is full.",
        "Wait for the seconds named in Retry-After, or raise jobs.max_queued.",
    ),
    "shutting_down": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "This gateway is draining and takes no new work.",
        "Send the request to another replica or again in a few seconds.",
    ),
    "worker_unavailable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "The process that keeps files, batches and jobs does not answer.",
        "Wait for the seconds named in Retry-After; `roadworthy gateway status` shows the processes.",
    ),
    "application_unavailable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        False,
        "The application behind this path could not be started.",
        "GET /api says why; the worker's log says it too.",
    ),
    "gateway_unreachable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "No gateway answers at the address.",
        "Start one with `roadworthy up` or give its address with --url.",
    ),
    "forge_unavailable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "The forge where an issue was to be opened cannot be reached or failed.",
        "Check its address and status; the result itself is kept.",
    ),
    # storage and bugs
    "journal_corrupt": ErrorCode(
        500,
        Exit.JUDGED_BAD,
        False,
        "The journal's hash chain is broken.",
        "Keep the file for investigation and start a new one; restore from a backup if you have one.",
    ),
    "subject_unreadable": ErrorCode(
        422,
        Exit.COULD_NOT_FIND_OUT,
        False,
        "A file cannot be looked into, so nothing is known about it.",
        "Check that it is there, readable, and in a form that this command knows.",
    ),
    "integrity_mismatch": ErrorCode(
        422,
        Exit.CONFIGURATION,
        False,
        "A signature, a digest, a chain or a recomputation does not match: what is there cannot be trusted.",
        "Do not deploy it. Make the report again from the subject that is deployed, and sign it with a known key.",
    ),
    "baseline_missing": ErrorCode(
        422,
        Exit.COULD_NOT_FIND_OUT,
        False,
        "There is nothing earlier to compare with.",
        "Create a baseline, have it reviewed, and run again; the run that creates it never passes by it.",
    ),
    "store_unavailable": ErrorCode(
        503,
        Exit.COULD_NOT_FIND_OUT,
        True,
        "A store on disk cannot be read or written.",
        "Check free space and rights of the state directory.",
    ),
    "masking_failed": ErrorCode(
        500,
        Exit.OUR_BUG,
        False,
        "Personal data could not be masked, so the request was ended.",
        "Report it with the request id; what could not be masked was not sent on.",
    ),
    "unexpected_error": ErrorCode(
        500,
        Exit.OUR_BUG,
        False,
        "Something failed that should not have: a bug of ours.",
        "Report it with the request id.",
    ),
}


class RoadworthyError(Exception):
    """An error that tells what happened, why, and how to mend it. Never carries a secret or a caller's text.

    Args:
        what: One sentence: what happened.
        why: The cause as far as it is known; empty when `what` says it all.
        mend: What the reader can do; the code's own hint when empty.
        code: A key of `CODES`; each subclass has a default.
        retry_after_s: Seconds after which a retry makes sense, if known.
        param: The request field or configuration key at fault, if one is.
    """

    default_code = "unexpected_error"

    def __init__(
        self,
        what: str,
        why: str = "",
        mend: str = "",
        *,
        code: str = "",
        retry_after_s: float | None = None,
        param: str | None = None,
    ) -> None:
        self.code = code or self.default_code
        self.spec = CODES[self.code]
        self.what = what
        self.why = why
        self.mend = mend or self.spec.mend
        self.retry_after_s = retry_after_s
        self.param = param
        super().__init__(what)

    def __str__(self) -> str:
        return f"{self.what} {self.why}".strip()

    def as_dict(self) -> dict[str, object]:
        """The `error` object of `--json` output: code, what, why, mend."""
        return {"code": self.code, "what": self.what, "why": self.why, "mend": self.mend}


class UsageError(RoadworthyError):
    """The caller's request is at fault."""

    default_code = "invalid_request"


class AuthError(RoadworthyError):
    """No key, a wrong key, or a key without the scope."""

    default_code = "unauthorized"


class ConfigError(RoadworthyError):
    """The configuration, a secret or the installation is at fault."""

    default_code = "config_invalid"


class SecretError(ConfigError):
    """A secret, or the store in which it lies, is at fault."""

    default_code = "secret_missing"


class GatewayError(RoadworthyError):
    """A request could not be served."""

    default_code = "llm_failure"


class StorageError(RoadworthyError):
    """A store on disk is damaged or away."""

    default_code = "store_unavailable"


class SubjectError(RoadworthyError):
    """What was to be looked into cannot be."""

    default_code = "subject_unreadable"


class UnexpectedError(RoadworthyError):
    """A bug of ours, caught at one of the four doors."""

    default_code = "unexpected_error"
