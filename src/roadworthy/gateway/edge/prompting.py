"""Prompts at the edge: puts a prompt's messages before those of the caller, once per request and mode.

A request may name a prompt as in OpenAI's Responses API: `"prompt": {"id", "version", "variables"}`. Else the prompt of
the route or of the mode's role comes before the caller's messages. All that follows (gate, cache, costs) sees messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import ChatRequest, Message
from roadworthy.gateway.edge.ask import Ask, ChatAsk
from roadworthy.gateway.edge.routing import Routed
from roadworthy.gateway.edge.shown import Shown
from roadworthy.gateway.finished import PromptUsed
from roadworthy.gateway.prompts.catalogue import Catalogue, Choice
from roadworthy.gateway.prompts.keyword import Dictionary, told
from roadworthy.gateway.prompts.language import MAX_CHARS, language_of
from roadworthy.gateway.prompts.template import Reference, Template, check_values, messages, parse_reference

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange

Ready = dict[tuple[int, str], tuple[list[Message], bytes]]
_encode = msgspec.json.Encoder().encode


class _Part(msgspec.Struct, tag_field="type", tag="text"):
    text: str


_decode_part = msgspec.json.Decoder(_Part).decode


class Lead:
    """What comes before the caller's messages in one request.

    Args:
        request: Before anything was put into it.
        ready: Messages that are the same for all requests, by template and language; it is added to.
    """

    __slots__ = (
        "_language",
        "_message",
        "_messages",
        "_raw",
        "_ready",
        "_text",
        "_words",
        "call",
        "choice",
        "used",
        "values",
    )

    def __init__(self, request: ChatRequest, ready: Ready) -> None:
        self._ready = ready
        self.call: Reference | None = None
        self.values: dict[str, str] = {}
        if (call := request.view.prompt) is not None:
            self.call = Reference(call.id, None if call.version is None else _version(call.version))
            given = call.variables or {}
            self.values = {name: one if isinstance(one, str) else one.text for name, one in given.items()}
            request.view.prompt = None
        self._messages = request.view.messages
        self._raw = bytes(request.fields.get("messages", b"[]")).strip()
        self._text = "\n".join([*self.values.values(), _last_words(self._messages)])
        self._language = language_of(self._text)
        self._words: str | None = None
        self._message: Template | None = None
        self.choice: Choice | None = None
        self.used: PromptUsed | None = None

    def choose(self, choice: Choice | None, dictionary: Dictionary) -> None:
        """From now on this prompt, or none. Takes effect with `put`."""
        self.choice = choice
        self._message = None
        self.used = None if choice is None else PromptUsed(choice.name, choice.version, self._language)
        if choice is not None:
            if self.call is not None:
                check_values(choice.template, self.values)
            if choice.automatic and self._words is None:
                self._words = told(dictionary, self._text, self._language)

    def put(self, request: ChatRequest, model: str | None) -> None:
        """Put the prompt for this model before the caller's messages, whatever stood there before."""
        choice = self.choice
        if choice is None:
            request.view.messages = self._messages
            request.fields["messages"] = Raw(self._raw)
            return
        template = choice.for_model(model)
        if template is self._message:
            return
        self._message = template
        before, raw = self._before(template)
        own = self._raw[1:].lstrip()
        request.view.messages = [*before, *self._messages]
        request.fields["messages"] = Raw(raw if own == b"]" else b"%b,%b" % (raw[:-1], own))

    def _before(self, template: Template) -> tuple[list[Message], bytes]:
        alone = self.call is None  # a route's prompt is its system message; the caller's messages are the rest
        key = (id(template), self._language)
        if alone and (ready := self._ready.get(key)) is not None:
            return ready
        values = {**self.values, "keywords": self._words or ""}
        found = messages(template, self._language, values, system_only=alone)
        before = [Message("system" if role == "system" else "user", content) for role, content in found]
        ready = before, _encode([{"role": role, "content": content} for role, content in found])
        if alone and template.fixed:
            self._ready[key] = ready
        return ready

    def shown(self, shown: Shown) -> Shown:
        """What answers say, with the prompt that was used."""
        return shown if self.used is None else shown.prompted(self.used)

    @property
    def empty(self) -> bool:
        """Whether nobody would ask anything: no message of the caller, and no user message of the prompt."""
        return not self._messages and (self.choice is None or self.choice.template.user is None)


class PromptDesk:
    """The prompts of one edge process.

    Args:
        templates: Checked when the configuration was compiled.
    """

    def __init__(self, templates: tuple[Template, ...]) -> None:
        self._catalogue = Catalogue(templates)
        self._dictionary = Dictionary.load() if any(one.automatic for one in templates) else Dictionary(())
        self._ready: Ready = {}
        self._configured: dict[tuple[str, str | None, str | None], Choice] = {}

    def open(self, ask: Ask, routed: Routed) -> None:
        """Put the request's or the route's prompt into a request for this chain.

        Raises:
            UsageError: `invalid_request` naming the part of `prompt` at fault.
        """
        if not isinstance(ask, ChatAsk):
            return
        lead = ask.lead
        if lead is None:
            lead = ask.lead = Lead(ask.request, self._ready)
        route = routed.route
        if lead.call is not None:
            lead.choose(self._catalogue.find(lead.call, route.role, routed.mode), self._dictionary)
        elif route.prompt is not None:
            lead.choose(self._own(route.prompt, route.role, routed.mode), self._dictionary)
        else:
            lead.choose(None, self._dictionary)
        if lead.empty:
            raise UsageError(
                "The request has no messages.",
                "The prompt that it names is a system message alone.",
                param="messages",
            )
        lead.put(ask.request, routed.links[0].label if routed.links else None)

    def turn(self, exchange: Exchange) -> None:
        """The request went to another mode: its role has a prompt of its own, or none."""
        ask, routed = exchange.ask, exchange.routed
        assert isinstance(ask, ChatAsk)
        if ask.lead is not None and ask.lead.call is not None:
            return  # the caller's own choice holds in every mode
        if ask.lead is not None or routed.route.prompt is not None:
            self.open(ask, routed)

    def _own(self, name: str, role: str | None, mode: str | None) -> Choice:
        key = (name, role, mode)
        choice = self._configured.get(key)
        if choice is None:
            reference = parse_reference(name)
            assert reference is not None  # the configuration was checked
            choice = self._configured[key] = self._catalogue.find(reference, role, mode)
        return choice


def _version(given: str | int) -> int:
    reference = parse_reference(f"any@{given}")
    if reference is None or reference.version is None:
        raise UsageError(
            "The version of the prompt is none.", "A version is a number from 1 upwards.", param="prompt.version"
        )
    return reference.version


def _last_words(messages: list[Message]) -> str:
    """Text of the caller's last user message, as much as decides on its language."""
    content = next((one.content for one in reversed(messages) if one.role == "user"), None)
    if content is None or isinstance(content, str):
        return (content or "")[:MAX_CHARS]
    texts: list[str] = []
    for raw in content:
        try:
            texts.append(_decode_part(raw).text)
        except msgspec.ValidationError:
            continue  # no text; whether it is a part at all, the provider says
    return "\n".join(texts)[:MAX_CHARS]
