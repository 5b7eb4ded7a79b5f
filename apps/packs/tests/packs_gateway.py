"""A real gateway with the application, and a provider that writes what a test plans for each section."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import roadworthy_packs
from doubles import Fault
from doubles.openai_api import OpenAIDouble
from rig import Gateway
from rig.applications import install, on_path
from roadworthy.core.application import GROUP
from roadworthy.gateway.quality.heading import words
from roadworthy.runtime.entry_point import offered
from roadworthy_packs.brief import Wanted
from roadworthy_packs.pack import Section

KEY = "double-key-55d0"
CONFIG = """
version: 1
gateway:
  retry: {{base_s: 0.01, cap_s: 0.02}}
  providers:
    double: {{kind: openai, base_url: "{double}", api_key: "env:DOUBLE_KEY"}}
  routes:
    chat: {{chain: [double/gpt-4.1-mini], deadline_s: {deadline_s}, try_timeout_s: {deadline_s}}}
applications:
  packs: {{parallel: {parallel}}}
"""
_TITLE = re.compile(r'Write the section "([^"]*)"|보고서의 "([^"]*)" 단락')
_SAYINGS = {
    "en": (
        "People who brew at home want beans that taste of the place they come from.",
        "They compare the price of a bag with the cost of one visit to a cafe.",
        "A short note in each parcel tells them when the beans were roasted and how to grind them.",
        "Most of them order on a Sunday evening and open the parcel on a Wednesday.",
        "The team answers each question within one working day and keeps a list of what was asked.",
        "Two of the questions come up every week, so the answers stand on the first page.",
        "If a parcel is late, the customer hears it from us before it is noticed.",
        "What works is repeated the week after, and what does not is dropped without a long debate.",
    ),
    "ko": (
        "집에서 커피를 내리는 사람은 원두가 어디에서 왔는지 알고 싶어 합니다.",
        "주문은 일요일 저녁에 많고 상자는 수요일에 도착합니다.",
        "담당자는 모든 문의에 하루 안에 답하고 자주 나오는 질문을 목록으로 남깁니다.",
        "배송이 늦으면 먼저 연락을 드리고 새 도착일을 알려 드립니다.",
        "효과가 있는 방법은 다음 주에 다시 하고 그렇지 않은 것은 바로 멈춥니다.",
        "상자마다 볶은 날짜와 가는 방법을 적은 쪽지를 넣습니다.",
    ),
}  # fmt: skip


class Writer(OpenAIDouble):
    """Says what `say` plans for the title of a section; counts what it was asked."""

    def __init__(self) -> None:
        super().__init__(api_key=KEY)
        self.say: Callable[[str], str] = lambda title: title
        self.asked: list[str] = []

    def content(self, body: dict[str, Any], fault: Fault | None) -> str:
        """The text of the next answer."""
        found = next((match for one in body["messages"] if (match := _TITLE.search(str(one["content"])))), None)
        if found is None:  # the trial at the start of a gateway
            return self.reply
        if fault is not None and fault.kind in {"empty", "whitespace"}:
            return super().content(body, fault)
        title = found[1] or found[2]
        self.asked.append(title)
        return self.say(title)


def good(wanted: Wanted, section: Section) -> str:
    """A text that keeps every rule of its section, half longer than it must be, as the whole wants it."""
    brand, language = wanted.brief["brand_name"], wanted.language
    name = f"{brand} is named here once." if language == "en" else f"{brand}에 관한 글입니다."
    terms = ", ".join(wanted.fill(term).rstrip("*") for term in section.required_terms)
    parts = [name] * (2 * (section.brand_mentions.min or 0))
    parts += (
        [f"This part is about {terms}." if language == "en" else f"이 글은 {terms}에 관한 것입니다."] if terms else []
    )
    at = len(section.key)
    while words(" ".join(parts)) < (section.words.min or 0) * 1.5:
        parts.append(_SAYINGS[language][at % len(_SAYINGS[language])])
        at += 1
    return " ".join(parts)


def gateway(folder: Path, writer: Writer, parallel: int = 2, console: bool = False, deadline_s: float = 20) -> Gateway:
    """`roadworthy up` with the packs and the writer behind its route, and the console when it is wanted."""
    environ = {"DOUBLE_KEY": KEY, **site(folder)}
    return Gateway(
        folder / "gateway",
        CONFIG.format(double=writer.base_url, parallel=parallel, deadline_s=deadline_s),
        environ=environ,
        jobs=True,
        console=console,
        workers=1,
    )


def site(folder: Path) -> dict[str, str]:
    """Environment in which the application is there, installed or not."""
    source = str(Path(roadworthy_packs.__file__).parents[1])
    path = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    if "packs" in offered(GROUP):
        return {"PYTHONPATH": path}
    place = {"packs": "roadworthy_packs.application:packs"}
    commands, pages = {"pack": "roadworthy_packs.command:pack"}, {"packs": "roadworthy_packs.page:page"}
    install(folder / "site", "packs-here", applications=place, commands=commands, pages=pages)
    return {"PYTHONPATH": on_path(folder / "site")["PYTHONPATH"].split(os.pathsep)[0] + os.pathsep + path}
