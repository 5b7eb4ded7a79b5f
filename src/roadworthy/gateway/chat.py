"""A chat request as the gateway sees it: checked once, then passed on with as little copying as possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from roadworthy.core.errors import UsageError

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


_Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]


class Message(msgspec.Struct, gc=False):
    """One message; parts of a list content stay raw because only translating providers look inside."""

    role: Role
    content: str | list[msgspec.Raw] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class JsonSchema(msgspec.Struct, gc=False):
    """`response_format.json_schema`."""

    name: str
    schema: dict[str, msgspec.Raw] | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, gc=False):
    """`response_format`: plain text, any JSON object, or JSON after a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, gc=False):
    """`stream_options`."""

    include_usage: bool = False


class PromptText(msgspec.Struct, tag_field="type", tag="input_text", gc=False):
    """A value of a prompt in the form of an input part."""

    text: str


class PromptCall(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """`prompt`, as in OpenAI's Responses API: a template, its version (the newest when left out), and its values."""

    id: str
    version: str | int | None = None
    variables: dict[str, str | PromptText] | None = None


class ChatView(msgspec.Struct, gc=False):
    """The fields of a chat request that the gateway decides on or checks; the rest travels untouched.

    Types and ranges are those of OpenAI's reference: a provider that quietly ignores a wrong value would answer another
    question, and what one provider of a chain refuses the next one must not take.
    """

    model: str
    messages: list[Message] = []
    prompt: PromptCall | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    logit_bias: dict[str, float] | None = None
    tools: list[msgspec.Raw] | None = None


# Parameters of OpenAI's documented request; anything else is refused with a hint, because a misspelt
# parameter that is silently dropped is an answer to another question. Providers may document more.
_PARAMETERS = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_k top_logprobs top_p user verbosity web_search_options"
)
KNOWN_PARAMETERS = frozenset(_PARAMETERS.split())

PROMPT_FORM = (
    "`prompt` is an object with id, version and variables; a value is a string or an input_text, and images and files "
    "go into messages."
)

_decode_view = msgspec.json.Decoder(ChatView).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class ChatRequest:
    """A checked chat request.

    Attributes:
        view: Typed view of the fields that the gateway decides on.
        fields: Every top-level field as raw JSON; what goes to a provider is always encoded from this, so that
            a body with a key given twice means the same to us and to the provider.
        stream: Whether the caller asked for server-sent events.
        wants_json: Whether the answer must be JSON (`response_format` json_object or json_schema).
        include_usage: Whether the caller asked for a usage chunk at the end of the stream.
        tokens_filled: Whether `max_tokens` is ours and not the caller's.
        quality: Rules for this answer as raw JSON, not yet checked; None without any. No provider gets them.
    """

    __slots__ = ("fields", "include_usage", "quality", "stream", "tokens_filled", "view", "wants_json")

    def __init__(self, view: ChatView, fields: dict[str, msgspec.Raw]) -> None:
        self.view = view
        self.fields = fields
        self.stream = bool(view.stream)
        self.tokens_filled = False
        self.quality: msgspec.Raw | None = None
        form = view.response_format
        self.wants_json = form is not None and form.type != "text"
        options = view.stream_options
        self.include_usage = options is not None and options.include_usage

    @classmethod
    def parse(cls, body: bytes) -> ChatRequest:
        """Check a request body.

        Raises:
            UsageError: `invalid_request` naming the field at fault; never repeats the caller's text.
        """
        try:
            if not body.isascii():
                body.decode()  # the parser does not look into the parts that travel untouched
            view = _decode_view(body)
            fields = _decode_fields(body)
            fields.pop("prompt", None)  # ours; it becomes messages
            quality = fields.pop("quality", None)  # ours too
        except msgspec.ValidationError as error:
            path = field_at_fault(str(error))
            raise UsageError(
                f"The request field {path} is not what it must be." if path else "The request is not an object.",
                explain_validation(str(error)),
                PROMPT_FORM if path.startswith("prompt") else "",
                param=path or None,
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError("The request body is not valid JSON.", explain_syntax(error)) from None
        if "messages" not in fields and view.prompt is None:
            told = "Object missing required field `messages`."
            raise UsageError("The request field messages is not what it must be.", told, param="messages")
        if not view.messages and view.prompt is None:
            raise UsageError("The request has no messages.", "`messages` is an empty list.", param="messages")
        if not view.model:
            raise UsageError("The request names no model.", "`model` is empty.", param="model")
        form = view.response_format
        if form is not None and form.type == "json_schema" and form.json_schema is None:
            raise UsageError(
                "The response format names no schema.", "`json_schema` is missing.", param="response_format.json_schema"
            )
        request = cls(view, fields)
        request.quality = quality
        return request

    def continued(self, messages: list[Message]) -> ChatRequest:
        """The same request with more messages at the end; only role and text of each."""
        return self._with_messages(lambda own, added: b"%b,%b" % (own[:-1], added[1:]), messages, False)

    def preceded(self, message: Message) -> ChatRequest:
        """The same request with one more message at the front; only its role and text."""
        return self._with_messages(lambda own, added: b"%b,%b" % (added[:-1], own[1:]), [message], True)

    def without(self, name: str) -> ChatRequest:
        """The same request without an optional field."""
        fields = {own: raw for own, raw in self.fields.items() if own != name}
        return self._copy(msgspec.structs.replace(self.view, **{name: None}), fields)

    def copy(self) -> ChatRequest:
        """The same request; what is put into one of the two is not in the other."""
        return self._copy(msgspec.structs.replace(self.view), dict(self.fields))

    def _with_messages(
        self, join: Callable[[bytes, bytes], bytes], messages: list[Message], front: bool
    ) -> ChatRequest:
        added = _encode([{"role": each.role, "content": each.content} for each in messages])
        raw = join(bytes(self.fields["messages"]).strip(), added)
        own = self.view.messages
        view = msgspec.structs.replace(self.view, messages=[*messages, *own] if front else [*own, *messages])
        return self._copy(view, {**self.fields, "messages": msgspec.Raw(raw)})

    def _copy(self, view: ChatView, fields: dict[str, msgspec.Raw]) -> ChatRequest:
        copy = ChatRequest(view, fields)
        copy.tokens_filled = self.tokens_filled
        copy.quality = self.quality
        return copy

    def body(self, model: str, without: tuple[str, ...] = (), **changed: Any) -> bytes:
        """The request as OpenAI-shaped JSON for `model`, some fields left out or changed."""
        fields: dict[str, Any] = dict(self.fields)
        fields["model"] = model
        for name in without:
            fields.pop(name, None)
        fields.update(changed)
        return _encode(fields)


def field_at_fault(message: str) -> str:
    """Path of the field that a message of msgspec is about, such as `messages[0].role`; empty for the whole body."""
    what, _, at = message.partition(" - at `")
    path = at.rstrip("`").removeprefix("$").removeprefix(".")
    if what.startswith("Object missing required field `"):
        missing = what.removeprefix("Object missing required field `").rstrip("`")
        return f"{path}.{missing}" if path else missing
    return path


def explain_validation(message: str) -> str:
    """msgspec's message without the path; it names types and allowed keys, except enum values, which are quoted."""
    text = message.partition(" - at `")[0]
    if text.startswith("Object contains unknown field"):  # the same, of the key
        return "It has a key that is not known."
    if text.startswith("Invalid enum value"):  # the message repeats the caller's value
        return "The value is not one of the allowed ones."
    return text + "."


def explain_syntax(error: Exception) -> str:
    """Where the JSON breaks, without repeating it."""
    if isinstance(error, RecursionError):
        return "It is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"It is not UTF-8 at byte {error.start}."
    known = str(error).startswith(("JSON is malformed", "Input data was truncated"))
    return f"{error}." if known else "It cannot be parsed."
