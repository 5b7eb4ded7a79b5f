"""The configuration tree. Each field's description feeds the reference page, the JSON schema and the errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.application import Application
from roadworthy.runtime.config.guard import Masking
from roadworthy.runtime.config.hedge import Hedge
from roadworthy.runtime.config.mode import Mode, expand
from roadworthy.runtime.config.node import Node as Node
from roadworthy.runtime.config.prompt import PROMPT_PATTERN, Prompts
from roadworthy.runtime.config.quality import Quality
from roadworthy.runtime.config.secrets import Secrets
from roadworthy.runtime.secret import PATTERN, SecretRef, parse_reference

PROFILES = ("development", "staging", "production")
"""Names of the profiles; APP_ENV chooses one."""

KINDS = ("openai", "anthropic", "perplexity", "deepseek", "compatible", "embedded")
"""Kinds of provider that need no other package."""

EMBEDDED_MODEL = "smollm2-135m-instruct"
"""Model of the embedded provider when it names no file of its own."""

Profile = Literal["development", "staging", "production"]
Level = Literal["debug", "info", "warning", "error"]


def _reference(value: object) -> SecretRef:
    if isinstance(value, SecretRef):
        return value
    try:
        return parse_reference(value)
    except ConfigError as error:
        raise PydanticCustomError("secret_ref_invalid", "{what}", {"what": error.what}) from None


Reference = Annotated[
    SecretRef,
    PlainValidator(_reference),
    PlainSerializer(lambda ref: ref.text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^({PATTERN})$"}),
]


def _off(value: object) -> object:
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


CacheKind = Annotated[Literal["off", "exact", "semantic"], BeforeValidator(_off)]


class Provider(Node):
    """One upstream API, or the model that rides along."""

    kind: str = Field(
        description=f"Wire format of the API: {', '.join(KINDS)}, or a kind that an installed package adds.",
        json_schema_extra={"examples": list(KINDS)},
    )
    base_url: str | None = Field(
        default=None, description="Root of the API with its version part; each kind but compatible has its own default."
    )
    api_key: Reference | None = Field(
        default=None,
        description="Reference to the key: env:NAME, file:PATH (relative to the working directory), vault:PATH#KEY, "
        "aws:NAME[#KEY], or secret:NAME for the chain of all sources.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Extra request headers; those that carry credentials must be references like api_key.",
    )
    connect_timeout_s: float = Field(default=5.0, gt=0, le=120, description="Time to connect, in seconds.")
    file: str | None = Field(
        default=None, description="GGUF model file of kind embedded; the packaged model when left out."
    )
    context_tokens: int = Field(
        default=4096,
        ge=256,
        le=1_048_576,
        description="Context window of kind embedded, in tokens, per parallel answer.",
    )
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="Processor threads of kind embedded; one per core when left out."
    )
    parallel: int = Field(default=4, ge=1, le=256, description="Answers that kind embedded writes at the same time.")


class Route(Node):
    """A model name that callers may ask for, and the chain that serves it."""

    chain: list[str] = Field(
        description="Targets in the order they are tried, each provider/model; model * means the name asked for."
    )
    deadline_s: float = Field(
        default=30.0, gt=0, le=3600, description="Bound on all tries up to the first useful token, in seconds."
    )
    try_timeout_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Bound on one try, in seconds; a fair share of the deadline when left out.",
    )
    stream_idle_timeout_s: float = Field(
        default=10.0, gt=0, le=3600, description="Longest silence inside a stream, in seconds."
    )
    stream_min_chars_per_s: float = Field(
        default=0.5, ge=0, le=10_000, description="Slowest stream that is let live, in characters per second; 0 is off."
    )
    stream_rate_window_s: float = Field(
        default=10.0, gt=0, le=3600, description="Span over which a stream's rate is judged, in seconds."
    )
    stream_max_s: float = Field(default=600.0, gt=0, le=86_400, description="Longest stream, in seconds.")
    prompt: str | None = Field(
        default=None,
        pattern=PROMPT_PATTERN,
        description="Prompt whose system message comes before the caller's messages: NAME or NAME@VERSION.",
    )
    cache: CacheKind | None = Field(
        default=None,
        description="Whether answers are kept: off, exact, or semantic (similar questions share an answer). When left "
        "out: exact where gateway.cache is on, except for requests over its max_temperature.",
    )
    cache_ttl_s: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="How long answers of this route stay fresh, in seconds; follows the load when left out.",
    )
    quality: Quality | None = Field(
        default=None, description="Rules of the quality gate; the default rules alone when left out."
    )
    hedge: Hedge | None = Field(
        default=None, description="Whether and when a second target is asked beside a slow one; never when left out."
    )
    guard: Masking | None = Field(
        default=None, description="What is kept from the providers of this route; as in gateway.guard when left out."
    )


class Limits(Node):
    """Bounds that keep one client from hurting the others."""

    max_header_bytes: int = Field(default=16_384, ge=1024, le=1_048_576, description="Largest request head, in bytes.")
    max_headers: int = Field(default=100, ge=10, le=10_000, description="Most header lines of a request.")
    max_body_bytes: int = Field(
        default=10_485_760, ge=1024, le=1_073_741_824, description="Largest request body, in bytes."
    )
    max_reply_bytes: int = Field(
        default=33_554_432, ge=1024, le=1_073_741_824, description="Largest provider answer, in bytes."
    )
    max_connections: int = Field(default=4096, ge=1, le=1_000_000, description="Open client connections per worker.")
    max_requests_in_flight: int = Field(default=1024, ge=1, le=1_000_000, description="Requests at once per worker.")
    header_timeout_s: float = Field(default=10.0, gt=0, le=3600, description="Time to send the head, in seconds.")
    request_timeout_s: float = Field(default=30.0, gt=0, le=3600, description="Time to send the request, in seconds.")
    idle_timeout_s: float = Field(
        default=75.0, gt=0, le=86_400, description="Idle keep-alive connections are closed after this many seconds."
    )
    write_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="A client that reads nothing is dropped after this many seconds."
    )
    drain_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="Time for open requests to end on shutdown, in seconds."
    )


class Retry(Node):
    """Waits between tries of one target: full jitter, uniform in 0 … min(cap, base·2ⁿ)."""

    max_tries: int = Field(default=3, ge=1, le=10, description="Tries per target.")
    base_s: float = Field(default=0.2, ge=0, le=60, description="First upper bound of the wait, in seconds.")
    cap_s: float = Field(default=2.0, ge=0, le=600, description="Largest upper bound of the wait, in seconds.")


class KeyLimits(Node):
    """What one key may use; no limit where nothing stands. A day is one of UTC, and 0 allows nothing."""

    usd_per_day: float | None = Field(
        default=None, ge=0, le=1_000_000, description="US dollars a day, at the prices of the table."
    )
    tokens_per_day: int | None = Field(
        default=None, ge=0, le=1_000_000_000_000, description="Tokens a day, prompts and answers together."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Requests a minute; a minute's worth may come at once."
    )
    tokens_per_minute: int | None = Field(
        default=None, ge=1, le=100_000_000, description="Tokens a minute; a minute's worth may come at once."
    )
    concurrent: int | None = Field(default=None, ge=1, le=1_000_000, description="Requests at the same time.")


class Budget(Node):
    """What keys may use, and how requests are reserved for before they are sent."""

    default: KeyLimits = Field(
        default_factory=KeyLimits,
        description="Limits of every key that has none of its own; callers without a key share one set of them.",
    )
    unpriced: Literal["refuse", "allow"] = Field(
        default="refuse",
        description="What happens when a key with a budget in dollars asks for a model without a price: the request is "
        "refused, or allowed and counted as 0 dollars.",
    )
    max_output_tokens: int = Field(
        default=4_096,
        ge=1,
        le=10_000_000,
        description="Tokens reserved for the answer to a request that names no max_tokens.",
    )


class ModelPrice(Node):
    """List price of one model in US dollars."""

    input: float = Field(ge=0, le=10_000, description="A million prompt tokens.")
    output: float = Field(ge=0, le=10_000, description="A million tokens of the answer.")
    cached_input: float | None = Field(
        default=None,
        ge=0,
        le=10_000,
        description="A million prompt tokens that the provider had in its cache; as input when left out.",
    )
    cache_write: float | None = Field(
        default=None,
        ge=0,
        le=10_000,
        description="A million prompt tokens that the provider put into its cache; as input when left out.",
    )
    request: float = Field(default=0.0, ge=0, le=1_000, description="Each request, besides its tokens.")


class Prices(Node):
    """Prices besides those of the packaged table, or instead of them."""

    file: str | None = Field(
        default=None, min_length=1, description="Price table to lay over the packaged one, a YAML file of its form."
    )
    models: dict[str, ModelPrice] = Field(
        default_factory=dict,
        description="Prices laid over both tables, by provider/model; the provider's name or its kind.",
    )


class Breaker(Node):
    """When a provider and model are left alone for a while."""

    consecutive_failures: int = Field(default=3, ge=1, le=1000, description="Failures in a row that open it.")
    error_rate: float = Field(
        default=0.30, gt=0, le=1, description="Share of failed requests in the window above which it opens, 0 to 1."
    )
    window: int = Field(default=10, ge=1, le=1000, description="Requests that the error rate looks back on.")
    open_s: float = Field(default=10.0, gt=0, le=3600, description="Pause before a probe is let through, in seconds.")


class CacheTtl(Node):
    """How long answers stay fresh: doubled each minute under high load, halved when there is room to ask again."""

    start: float = Field(default=3600.0, ge=1, le=86_400, description="At first, in seconds.")
    min: float = Field(default=600.0, ge=1, le=86_400, description="At the least, in seconds.")
    max: float = Field(default=86_400.0, ge=1, le=86_400, description="At the most, in seconds.")


class SemanticCache(Node):
    """Similar questions share an answer on routes with cache: semantic. Needs the extra roadworthy[semantic]."""

    enabled: bool = Field(default=False, description="Whether there is a sentence model at all.")
    threshold: float = Field(
        default=0.94, ge=0.5, le=1, description="Least cosine similarity of two questions; measured for the model."
    )
    model: Literal["use-multilingual-v3"] = Field(
        default="use-multilingual-v3", description="The sentence model; it rides in an installed package."
    )
    max_entries: int = Field(default=2000, ge=1, le=100_000, description="Questions that are compared, per worker.")


class Cache(Node):
    """Answers kept for the same question of the same key, in the memory of each worker."""

    enabled: bool = Field(default=False, description="Whether answers are kept at all; overrides every route.")
    max_bytes: int = Field(
        default=67_108_864, ge=65_536, le=1_099_511_627_776, description="Memory for kept answers per worker, in bytes."
    )
    ttl_s: CacheTtl = Field(default_factory=CacheTtl, description="How long answers stay fresh.")
    stale_s: float = Field(
        default=604_800.0,
        ge=0,
        le=31_536_000,
        description="Oldest expired answer that is served, marked, when every provider failed, in seconds; 0 is off.",
    )
    max_temperature: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="Requests with a higher temperature ask for variety; they are kept only where a route says exact.",
    )
    semantic: SemanticCache = Field(default_factory=SemanticCache, description="Answers for similar questions.")


def _default_providers() -> dict[str, Provider]:
    return {"embedded": Provider(kind="embedded")}


def _default_routes() -> dict[str, Route]:
    return {"chat": Route(chain=[f"embedded/{EMBEDDED_MODEL}"])}


def first_route(gateway: Mapping[str, Any]) -> str | None:
    """Name of the default route: as the raw section says, else the first without `*`; None without any."""
    routes = gateway.get("routes", {"chat": None})
    names = [str(name) for name in routes] if isinstance(routes, Mapping) else []
    named = gateway.get("default_route")
    return named if isinstance(named, str) else next((name for name in names if not name.endswith("*")), None)


class GatewayGuard(Masking):
    """Personal data and secrets in prompts and answers; routes may have rules of their own."""

    key: Reference | None = Field(
        default=None,
        description="Reference to the secret that tokens are made with, at least 16 characters; prompts: token needs "
        "it. Workers and replicas with the same one give the same tokens.",
    )


class Gateway(Node):
    """The data plane."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=255,
        description="Address to listen on; one that other machines reach needs require_key: true.",
    )
    port: int = Field(default=8080, ge=1, le=65_535, description="TCP port of the API.")
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        default="auto", description="Worker processes, 1 to 256; auto is one per core."
    )
    require_key: bool = Field(
        default=False, description="Whether callers need a key; by default only in the profiles staging and production."
    )
    default_route: str | None = Field(
        default=None, description="Route that `ask` and the live check use; the first without * when left out."
    )
    providers: dict[str, Provider] = Field(default_factory=_default_providers, description="Upstream APIs by name.")
    routes: dict[str, Route] = Field(
        default_factory=_default_routes, description="Model names that callers may ask for; a name may end in *."
    )
    modes: dict[str, Mode] = Field(
        default_factory=dict,
        description="Promises of quality that callers may ask for, from best to cheapest; creative: {}, balanced: {} "
        "and fast: {} are those that ship.",
    )
    prompts: Prompts = Field(default_factory=Prompts, description="Prompts of your own.")
    limits: Limits = Field(default_factory=Limits, description="Bounds on clients and answers.")
    retry: Retry = Field(default_factory=Retry, description="Tries and waits.")
    breaker: Breaker = Field(default_factory=Breaker, description="When a provider is left alone.")
    cache: Cache = Field(default_factory=Cache, description="Answers that are kept.")
    budget: Budget = Field(default_factory=Budget, description="What keys may use.")
    guard: GatewayGuard = Field(
        default_factory=GatewayGuard, description="What is kept from providers, and what of their answers from callers."
    )
    prices: Prices = Field(default_factory=Prices, description="What models cost.")
    state_dir: str = Field(
        default=".roadworthy", min_length=1, description="Folder of the journal, the keys and the sockets."
    )

    @model_validator(mode="before")
    @classmethod
    def _modes_that_ship(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "modes" not in given:
            return given
        return {**given, "modes": expand(given["modes"], first_route(given))}


def _store(value: object) -> SecretRef | Literal["sqlite"]:
    return "sqlite" if value == "sqlite" else _reference(value)


Store = Annotated[
    SecretRef | Literal["sqlite"],
    PlainValidator(_store),
    PlainSerializer(lambda store: store if store == "sqlite" else store.text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^(sqlite|{PATTERN})$"}),
]


class Jobs(Node):
    """Durable jobs: files, batches and what else takes long. They survive the end of any process."""

    enabled: bool = Field(
        default=True, description="Whether the worker process runs, and with it /v1/files and /v1/batches."
    )
    store: Store = Field(
        default="sqlite",
        description="Where jobs are kept: sqlite (jobs.db in gateway.state_dir), or a reference (env:NAME, file:PATH, "
        "vault:PATH#KEY, aws:NAME) to the URL of a PostgreSQL database.",
    )
    max_queued: int = Field(default=1000, ge=1, le=1_000_000, description="Jobs that may wait; more get 429.")
    max_attempts: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Times that a job which ends its worker before it gets on is tried; then it is a dead letter.",
    )
    concurrency: int = Field(default=2, ge=1, le=256, description="Jobs, and so batches, at once per worker.")
    batch_parallel: int = Field(default=8, ge=1, le=256, description="Lines of one batch under way at once.")
    max_file_bytes: int = Field(
        default=104_857_600, ge=1024, le=1_073_741_824, description="Largest file that may be uploaded, in bytes."
    )
    max_stored_bytes: int = Field(
        default=10_737_418_240, ge=1024, description="All uploaded and written files together, in bytes."
    )


class Control(Node):
    """The admin API."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255, description="Address to listen on.")
    port: int = Field(default=8081, ge=1, le=65_535, description="TCP port of the admin API.")
    enabled: bool = Field(default=True, description="Whether the admin API runs at all; each call needs an admin key.")


class Console(Node):
    """The console in a browser."""

    enabled: bool | Literal["auto"] = Field(
        default="auto",
        description="Whether the console runs beside the admin API; `auto`: where its extra `console` is installed.",
    )
    host: str = Field(default="127.0.0.1", min_length=1, max_length=255, description="Address to listen on.")
    port: int = Field(default=8082, ge=1, le=65_535, description="TCP port of the console.")
    names: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$")]] = Field(
        default_factory=list,
        description="Names, with the port where it is not the scheme's own, under which browsers reach the console "
        "through a proxy, such as console.example.com; requests that name another host are refused.",
    )
    verify_dir: str = Field(
        default=".roadworthy/verify", min_length=1, description="Folder of the verdicts that the console shows."
    )


class Journal(Node):
    """The records."""

    database: Reference | None = Field(
        default=None,
        description="Reference (like a provider's api_key) to the connection string of a PostgreSQL database that gets "
        "every record too; records stay on this machine alone when left out.",
    )


class State(Node):
    """What replicas share."""

    url: Reference | None = Field(
        default=None,
        description="Reference (like a provider's api_key) to the URL of a Valkey or Redis server, such as "
        "valkeys://USER:PASSWORD@HOST:6379/0; replicas share nothing when left out.",
    )
    prefix: str = Field(
        default="roadworthy",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="First part of every key there; gateways with different prefixes share nothing.",
    )


class Log(Node):
    """Structured log lines on standard error."""

    level: Level = Field(default="info", description="Least severe level that is written.")
    requests: bool = Field(default=True, description="Whether each finished request gets a line.")


class Config(Node):
    """The whole configuration, every default filled in. Holds no secret, only references to secrets."""

    version: Literal[1] = Field(default=1, description="Version of this file's format.")
    profile: Profile = Field(
        default="development", description="The profile in force; chosen by APP_ENV, not in the file."
    )
    gateway: Gateway = Field(default_factory=Gateway, description="The data plane.")
    control: Control = Field(default_factory=Control, description="The admin API.")
    console: Console = Field(default_factory=Console, description="The console in a browser.")
    jobs: Jobs = Field(default_factory=Jobs, description="Durable jobs and batches.")
    applications: dict[str, Application] = Field(
        default_factory=dict,
        description="Installed applications by name; one that is not named here is started with its own defaults.",
    )
    journal: Journal = Field(default_factory=Journal, description="The records.")
    state: State = Field(default_factory=State, description="What replicas share.")
    log: Log = Field(default_factory=Log, description="The log.")
    secrets: Secrets = Field(default_factory=Secrets, description="How secrets are fetched and kept.")
