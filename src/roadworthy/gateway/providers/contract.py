"""What a provider is to the gateway: a wire format. Pure: bytes in, bytes out; no sockets, no clock, no state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.chat import ChatRequest


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens as the provider counted them.

    Attributes:
        prompt_tokens: The whole prompt, cached parts included.
        completion_tokens: The whole answer, hidden reasoning included.
        cached_tokens: Part of the prompt that the provider had in its cache.
        written_tokens: Part of the prompt that the provider put into its cache at a price of its own.
        cost_usd: What the provider itself says the request costs; None when it does not.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    written_tokens: int = 0
    cost_usd: float | None = None


class Reply(msgspec.Struct, gc=False):
    """A whole answer.

    Attributes:
        body: The OpenAI-shaped `chat.completion` object as JSON bytes; ends with `}`.
        model: Model that answered, as the provider names it; empty when it does not say.
        content: Text of the first choice, None when there is none.
        finish_reason: OpenAI's vocabulary: stop, length, tool_calls, content_filter; None when absent.
        has_payload: True when a choice carries something other than text that makes the answer useful:
            tool calls, a refusal text, audio.
        usage: Tokens, None when the provider did not say.
    """

    body: bytes
    model: str = ""
    content: str | None = None
    finish_reason: str | None = None
    has_payload: bool = False
    usage: Usage | None = None


class Piece(msgspec.Struct, gc=False):
    """One OpenAI-shaped `chat.completion.chunk`.

    Attributes:
        payload: The chunk object as JSON bytes, without `data: `; ends with `}`. Empty when there is nothing to show.
        text: Content text that the chunk adds to the first choice.
        useful: True when the chunk shows the caller something: text that is not only white space, a tool
            call, a refusal. The first useful piece is the stream's commit point.
        finish_reason: Set on the chunk that ends the choice.
        model: Model that answers, as the provider names it.
        usage: Tokens, when this chunk carries them.
    """

    payload: bytes
    text: str = ""
    useful: bool = False
    finish_reason: str | None = None
    model: str = ""
    usage: Usage | None = None


class ProviderFailure(Exception):
    """The provider did not give a usable answer.

    Args:
        reason: Closed vocabulary of `Reason`.
        status: HTTP status, if one came.
        detail: The provider's own words, unmasked; the edge masks and cuts them before anyone sees them.
        retry_after_s: Seconds the provider asks us to stay away, if it does.
    """

    def __init__(
        self, reason: Reason, status: int | None = None, detail: str = "", retry_after_s: float | None = None
    ) -> None:
        self.reason = reason
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class UnsupportedParameter(Exception):
    """This provider cannot honour a parameter of the request; another one of the chain may.

    Args:
        param: Name of the request field.
    """

    def __init__(self, param: str) -> None:
        self.param = param
        super().__init__(param)


class StreamDecoder(Protocol):
    """Turns the events of one upstream stream into OpenAI-shaped chunks. One object per stream."""

    finished: bool
    """True once the upstream's own end mark was seen (`[DONE]`, `message_stop`)."""

    def feed(self, event: bytes, data: bytes) -> Sequence[Piece]:
        """Take one server-sent event.

        Args:
            event: Value of its `event:` field, empty when there is none.
            data: Its `data:` lines joined by newlines.

        Raises:
            ProviderFailure: The event is an error event, or not what the API documents (`malformed_body`).
        """
        ...


class Provider(Protocol):
    """One upstream API as configured.

    Attributes:
        name: Name in the configuration.
        base_url: For example `https://api.openai.com/v1`, without a trailing slash.
        chat_path: Path below the base URL, for example `/chat/completions`.
        embeddings_path: Same for embeddings, None when the API has none.
        headers: Header lines of every request, authentication included; no Host, no Content-Length.
    """

    name: str
    base_url: str
    chat_path: str
    embeddings_path: str | None
    headers: tuple[tuple[str, str], ...]

    def chat_body(self, ask: ChatRequest, model: str) -> bytes:
        """The request body in this API's shape.

        Raises:
            UnsupportedParameter: The request needs something that this API does not have.
        """
        ...

    def chat_reply(self, ask: ChatRequest, body: bytes) -> Reply:
        """Read a 200 answer.

        Raises:
            ProviderFailure: `malformed_body` when it is not what the API documents (HTML, cut-off JSON, no choices).
        """
        ...

    def chat_stream(self, ask: ChatRequest) -> StreamDecoder:
        """A decoder for one streamed answer."""
        ...

    def embeddings_body(self, fields: Mapping[str, msgspec.Raw], model: str) -> bytes:
        """The body of an embeddings request."""
        ...

    def embeddings_reply(self, body: bytes) -> Reply:
        """Read a 200 answer to an embeddings request; `content` stays None.

        Raises:
            ProviderFailure: `malformed_body`, or `empty_answer` when there are no vectors.
        """
        ...

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> ProviderFailure:
        """Say what a non-200 answer means, in the words of `Reason`.

        Args:
            status: HTTP status.
            headers: Header lines, names in lower case.
            body: At most 64 KiB of the body.
        """
        ...
