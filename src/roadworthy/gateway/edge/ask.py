"""What a caller asks for, in the two forms that chains serve: a chat completion or embeddings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import KNOWN_PARAMETERS, ChatRequest, explain_syntax
from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.prompt_size import prompt_bytes
from roadworthy.gateway.providers.contract import Reply, UnsupportedParameter
from roadworthy.gateway.quality.choice import said
from roadworthy.gateway.quality.default import Rejection, judge, rejection
from roadworthy.gateway.quality.gate import Gate, judge_gated
from roadworthy.gateway.quality.json_ask import asked_in_words, request_schema
from roadworthy.gateway.quality.request import RequestGate, request_gate

if TYPE_CHECKING:
    from roadworthy.gateway.edge.cover import Cover
    from roadworthy.gateway.edge.prompting import Lead


class Ask(Protocol):
    """One request, independent of who will serve it."""

    endpoint: Literal["chat", "embeddings"]
    model: str
    stream: bool
    wants_json: bool
    judged: bool
    """Whether `judge` looks at answers at all."""
    prompted: bool
    """Whether the request names a prompt."""
    lead: Lead | None
    """What was put before the messages."""
    own: RequestGate | None
    """Rules that the request brings along."""
    cover: Cover | None
    """Keeps personal data from providers; None where that is off."""
    in_words: bool
    """Whether the target was asked for JSON in words, because its API has no parameter for it."""

    @property
    def prompt_bytes(self) -> int:
        """Size of what the model reads, for estimates of tokens; pictures and sounds count as a flat number."""
        ...

    def output_tokens(self, default: int) -> int:
        """Upper bound of the answer's tokens; `default` where the request names none."""
        ...

    def twin(self) -> Ask:
        """The same for a second target at the same time; what is made of one is not seen in the other."""
        ...

    def check(self, links: tuple[UpstreamLink, ...]) -> None:
        """Refuse what no target of the chain can mean.

        Raises:
            UsageError: `unsupported_parameter`.
        """
        ...

    def head(self, link: UpstreamLink) -> bytes:
        """Request head for this target.

        Raises:
            UnsupportedParameter: The target's API has no such endpoint.
        """
        ...

    def body(self, link: UpstreamLink) -> bytes:
        """Request body for this target.

        Raises:
            UnsupportedParameter: The target cannot honour a parameter.
        """
        ...

    def read(self, link: UpstreamLink, body: bytes) -> Reply:
        """Read a whole 200 answer.

        Raises:
            ProviderFailure: It is not what the API documents.
        """
        ...

    def judge(self, reply: Reply, gate: Gate | None, chunks: Sequence[bytes] = ()) -> Rejection | None:
        """Why the answer must not be served, None when it may.

        Args:
            reply: The whole answer; that of a stream has no body.
            gate: The route's rules and the request's.
            chunks: The stream's chunks.
        """
        ...


PARAMETER = re.compile(r"[a-z][a-z_]{0,39}[0-9]?")
"""What may be the name of a parameter, and is therefore repeated; a key pasted in the wrong place is not."""


class ChatAsk:
    """A chat completion."""

    __slots__ = ("_schema", "cover", "in_words", "lead", "model", "own", "prompted", "request", "stream", "wants_json")
    endpoint: Literal["chat", "embeddings"] = "chat"
    judged = True

    def __init__(self, request: ChatRequest) -> None:
        self.request = request
        self.model = request.view.model
        self.stream = request.stream
        self.wants_json = request.wants_json
        self.prompted = request.view.prompt is not None
        self.lead: Lead | None = None
        self.cover: Cover | None = None
        self.in_words = False
        self._schema = request_schema(request) if request.wants_json else None
        self.own = None if request.quality is None else _own(request)

    def continued(self, change: Callable[[ChatRequest, str, str], ChatRequest], answer: str, message: str) -> ChatAsk:
        """The same with a failed answer and what is said about it at the end."""
        ask = ChatAsk(change(self.request, answer, message))
        ask.cover = self.cover
        return ask

    def twin(self) -> ChatAsk:
        """See `Ask.twin`."""
        ask = ChatAsk(self.request.copy())
        ask.lead = copy(self.lead)
        ask.cover = None if self.cover is None else self.cover.twin()
        return ask

    def check(self, links: tuple[UpstreamLink, ...]) -> None:
        """Refuse parameters that nobody documents, unless every target takes any."""
        if KNOWN_PARAMETERS.issuperset(self.request.fields):
            return
        if not all(link.upstream.accepts_any_parameter for link in links):
            unknown = self.request.fields.keys() - KNOWN_PARAMETERS
            name = min(unknown)
            near = difflib.get_close_matches(name[:60], KNOWN_PARAMETERS, n=1)
            hint = f"Did you mean `{near[0]}`? Otherwise leave it out." if near else "Leave it out."
            raise UsageError(
                "The request has a parameter that is not known.",
                "A misspelt parameter would be an answer to another question, so it is refused.",
                hint,
                code="unsupported_parameter",
                param=name if PARAMETER.fullmatch(name) else None,
            )

    @property
    def prompt_bytes(self) -> int:
        """See `Ask.prompt_bytes`."""
        return prompt_bytes(self.request)

    def output_tokens(self, default: int) -> int:
        """See `Ask.output_tokens`."""
        view = self.request.view
        return (view.max_completion_tokens or view.max_tokens or default) * (view.n or 1)

    def head(self, link: UpstreamLink) -> bytes:
        """Request head for this target."""
        return link.upstream.chat_head

    def body(self, link: UpstreamLink) -> bytes:
        """Request body for this target."""
        if self.lead is not None:
            self.lead.put(self.request, link.label)
        provider, request = link.upstream.provider, self.request
        if self.cover is not None:
            request = self.cover.request(request)
        if not self.wants_json:
            return provider.chat_body(request, link.model)
        try:
            body = provider.chat_body(request, link.model)
            self.in_words = False
        except UnsupportedParameter as error:
            if error.param != "response_format":
                raise
            body = provider.chat_body(asked_in_words(request), link.model)
            self.in_words = True
        return body

    def read(self, link: UpstreamLink, body: bytes) -> Reply:
        """Read a whole 200 answer."""
        reply = link.upstream.provider.chat_reply(self.request, body)
        return reply if self.cover is None else self.cover.reply(reply)

    def judge(self, reply: Reply, gate: Gate | None, chunks: Sequence[bytes] = ()) -> Rejection | None:
        """The default rules, those of the gate, and the schema of the request."""
        if gate is None and self._schema is None:
            if reply.has_payload and b'"refusal"' in reply.body and said(reply, (), self.request.view.n or 1).refused:
                return rejection(Reason.REFUSAL)
            reason = judge(reply, self.wants_json)
            return None if reason is None else rejection(reason)
        told = said(reply, chunks, self.request.view.n or 1)
        return judge_gated(told, reply.finish_reason, gate, self._schema, self.wants_json)


def _own(request: ChatRequest) -> RequestGate | None:
    """The request's rules, compiled; for errors see `request_gate`."""
    raw = bytes(request.quality or b"null")
    if raw == b"null":
        return None
    own = request_gate(raw)
    if own.has_sections and request.wants_json:
        raise UsageError(
            "The request asks for sections of an answer that must be JSON.",
            "JSON has no headings.",
            "A schema in `response_format` can ask for members instead.",
            param="quality",
        )
    return own


class _EmbeddingsView(msgspec.Struct):
    model: str
    input: str | list[str | int | list[int]]


_decode_view = msgspec.json.Decoder(_EmbeddingsView).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class EmbeddingsAsk:
    """Embeddings of one text or several."""

    __slots__ = ("_fields", "cover", "model")
    endpoint: Literal["chat", "embeddings"] = "embeddings"
    judged = False
    prompted = False
    lead: Lead | None = None
    own: RequestGate | None = None
    stream = False
    wants_json = False
    in_words = False

    def __init__(self, model: str, fields: dict[str, msgspec.Raw]) -> None:
        self.model = model
        self.cover: Cover | None = None
        self._fields = fields

    @classmethod
    def parse(cls, body: bytes) -> EmbeddingsAsk:
        """Check a request body.

        Raises:
            UsageError: `invalid_request`.
        """
        try:
            if not body.isascii():
                body.decode()  # the parser does not look into what it skips
            view = _decode_view(body)
            fields = _decode_fields(body)
        except msgspec.ValidationError as error:
            field = "model" if "model" in str(error) else "input"
            raise UsageError(f"The request field {field} is missing or not what it must be.", param=field) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError("The request body is not valid JSON.", explain_syntax(error)) from None
        if not view.input:
            raise UsageError("The request has nothing to embed.", "`input` is empty.", param="input")
        return cls(view.model, fields)

    def twin(self) -> EmbeddingsAsk:
        """Nothing is made of it for a target but what its cover counts."""
        ask = EmbeddingsAsk(self.model, self._fields)
        ask.cover = None if self.cover is None else self.cover.twin()
        return ask

    def check(self, links: tuple[UpstreamLink, ...]) -> None:
        """Refuse a chain in which no target has embeddings."""
        if all(link.upstream.embeddings_head is None for link in links):
            raise UsageError(
                "No provider of this route offers embeddings.",
                mend="Ask for a model of a provider with an embeddings API.",
                code="unsupported_parameter",
                param="model",
            )
        if self.cover is not None:
            self.cover.check(self._fields)

    @property
    def prompt_bytes(self) -> int:
        """See `Ask.prompt_bytes`."""
        return len(self._fields["input"])

    def output_tokens(self, default: int) -> int:
        """Vectors are not counted."""
        return 0

    def head(self, link: UpstreamLink) -> bytes:
        """Request head for this target."""
        if link.upstream.embeddings_head is None:
            raise UnsupportedParameter("model")
        return link.upstream.embeddings_head

    def body(self, link: UpstreamLink) -> bytes:
        """Request body for this target."""
        fields = self._fields if self.cover is None else self.cover.inputs(self._fields)
        return link.upstream.provider.embeddings_body(fields, link.model)

    def read(self, link: UpstreamLink, body: bytes) -> Reply:
        """Read a whole 200 answer."""
        return link.upstream.provider.embeddings_reply(body)

    def judge(self, reply: Reply, gate: Gate | None, chunks: Sequence[bytes] = ()) -> Rejection | None:
        """Vectors are not judged: an empty list is already a failure of the provider."""
        return None


def require_chat(ask: Ask) -> None:
    """Refuse what modes do not do.

    Raises:
        UsageError: `unsupported_parameter`.
    """
    if not isinstance(ask, ChatAsk):
        raise UsageError(
            "A mode answers chats only.",
            "Its parameters and limits say nothing about embeddings.",
            "Name a route or a pinned provider/model.",
            code="unsupported_parameter",
            param="model",
        )
