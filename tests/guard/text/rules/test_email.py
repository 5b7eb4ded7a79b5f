"""What the rule of e-mail addresses finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "write to ⟦bob.smith+x@mail.example.co.kr⟧ now",
    "⟦hong@example.com⟧으로 보내세요",
    "⟦user%40example.com⟧",
    "<⟦a@b.io⟧>,<⟦c@d.org⟧>",
    "⟦01012345678@example.com⟧",
    "⟦BOB@EXAMPLE.COM⟧",
    "⟦bob_smith-1@sub.example.com⟧.",
    "mailto:⟦bob@example.com⟧?subject=x",
    "email=⟦bob%40example.com⟧&x=1",
    "⟦ｂｏｂ＠ｅｘａｍｐｌｅ．ｃｏｍ⟧",
    "⟦bob@xn--bcher-kva.example⟧",
    '{"email":"⟦bob@example.com⟧"}',
    '{"a":"\\u00e9⟦bob@example.com⟧"}',
    "이메일은 ⟦hong@example.com⟧인데",
    "⟦bob&#64;example.com⟧",
    "⟦bob&commat;example.com⟧",
    "WHERE email='⟦bob@example.com⟧'",
    "⟦bob [at] example.com⟧",
    "⟦bob(at)example.com⟧",
    "⟦bob [at] example [dot] com⟧",
    "o'⟦brien@example.com⟧",
    "⟦bob@example.com⟧, ⟦ann@example.com⟧",
    "author Bob <⟦bob@example.com⟧>",
    "⟦bob@example.museum⟧",
    "⟦info@bücher-laden.de⟧",
    "⟦anna@caféblau.fr⟧.",
    "⟦jörg.müller@example.de⟧",
    "почта: ⟦иван@пример.рф⟧",
    "⟦info@例え.jp⟧",
    "⟦hong@회사.kr⟧로",
    "contact=⟦a%40b%C3%BCcher.de⟧",
    "邮箱⟦li@example.com⟧。网址www.example.org",
    "⟦hong@example.com⟧입니다.Thanks",
]
LEFT = [
    "git@github.com:org/repo.git",
    "ssh://git@gitlab.com/org/repo",
    "user@localhost",
    "root@db-1",
    "image@2x.png",
    "icon@3x.webp",
    "npm install @scope/pkg@1.2.3",
    "@scope/name",
    "@user mentioned",
    "pkg@1.2.3",
    "react@18.2.0",
    "logo@2x.min.svg",
    "http://host:8080/@scope/name",
    "a @ b.com",
    "@media screen",
    "meet at example.com",
    "look at this.example",
    "user@",
    "@example.com",
    "1@2",
    "lodash@^4.17.21",
    "uses: actions/checkout@v4",
    "image: repo/app@sha256:abc",
    "getty@tty1.service",
    "user@1000.service failed",
    "backup@daily.timer",
    "icon@2x.bücher",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("EMAIL", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "EMAIL" not in [kind for kind, _ in found(text)]
