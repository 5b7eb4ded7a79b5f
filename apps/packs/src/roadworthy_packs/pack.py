"""A pack: the sections of one kind of report, and what each of them and the whole must be."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

Key = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$", description="Lower-case letters, digits and underscores.")]
Heat = Annotated[float, Meta(ge=0, le=2)]
Line = Annotated[str, Meta(min_length=1, max_length=200)]
Prose = Annotated[str, Meta(min_length=1, max_length=4000)]
Text = Annotated[
    Prose | dict[Language, Prose], Meta(description="A text, or one for each language: {en: ..., ko: ...}.")
]
Term = Annotated[
    str, Meta(min_length=1, max_length=200, description="May hold {brand_name}, {industry} ... of the brief.")
]
Count = Annotated[int, Meta(ge=0, le=20_000)]


class Bounds(Struct, frozen=True, forbid_unknown_fields=True):
    """At least and at most, both inclusive; left out: no bound."""

    min: Count | None = None
    max: Count | None = None


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """One section of a report: what the model is told, and what its text must be to get into the report."""

    key: Key
    title: Annotated[Text, Meta(description="Its heading.")]
    instruction: Annotated[Text, Meta(description="What the model is to write, as an order.")]
    words: Annotated[
        Bounds, Meta(description="Runs between white space; Korean needs about two thirds of English.")
    ] = Bounds()
    required_terms: tuple[Term, ...] = ()
    forbidden_terms: tuple[Term, ...] = ()
    brand_mentions: Annotated[Bounds, Meta(description="How often the client's brand is named.")] = Bounds()
    tone: Annotated[Text | None, Meta(description="How it sounds; the pack's tone when left out.")] = None


class Whole(Struct, frozen=True, forbid_unknown_fields=True):
    """What the stitched report must be."""

    words: Bounds = Bounds()
    forbidden_terms: tuple[Term, ...] = ()
    brand_mentions: Bounds = Bounds()
    sections: Annotated[tuple[Key, ...], Meta(description="Sections it must have; all when left out.")] = ()


class Pack(Struct, frozen=True, forbid_unknown_fields=True):
    """A report that an agency sells, as a file."""

    key: Annotated[Key, Meta(description="What callers ask for; also the name of the file.")]
    version: Annotated[int, Meta(ge=1)]
    title: Text
    language: Annotated[Literal["en", "ko", "both"], Meta(description="What its reports can be written in.")]
    description: Text
    sections: Annotated[tuple[Section, ...], Meta(min_length=1, max_length=20)]
    whole: Whole = Whole()
    tone: Annotated[Text | None, Meta(description="How all of it sounds.")] = None
    model: Annotated[Line | None, Meta(description="Route or mode to ask; the application's when left out.")] = None
    temperature: Annotated[Heat | None, Meta(description="null for models that refuse it.")] = 0.4
    stop: Annotated[tuple[Line, ...], Meta(max_length=4, description="Ends a section: an empty line.")] = ("\n\n",)
    max_tokens: Annotated[int, Meta(ge=16, le=32_000, description="Most tokens of one section.")] = 400

    @property
    def languages(self) -> tuple[Language, ...]:
        """Languages that it can be asked for; the first is meant where none is."""
        return LANGUAGES if self.language == "both" else (self.language,)


def said(text: Text, language: Language) -> str:
    """A text in a language of its pack."""
    return text if isinstance(text, str) else text[language]
