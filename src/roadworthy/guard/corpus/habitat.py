"""Places where values of one kind are at home: headers, commands, the log formats of servers."""

from __future__ import annotations

from random import Random

from roadworthy.guard.corpus import encoding as enc
from roadworthy.guard.corpus.carrier import Carrier
from roadworthy.guard.corpus.draw import moment, word
from roadworthy.guard.corpus.sample import Message, Part
from roadworthy.guard.text.kind import Kind


def _frame(name: str, frame: str, encode: enc.Encode = enc.as_is, quotes: bool = False) -> Carrier:
    """A carrier from a text with the value's place as `{v}`, a word as `{w}` and a time as `{t}`."""
    before, behind = frame.split("{v}")

    def wrap(rng: Random, message: Message, field: str, note: str) -> Message:
        filled = [
            text.replace("{w}", word(rng)).replace("{t}", f"{moment(rng):%d/%b/%Y:%H:%M:%S +0000}")
            for text in (before, behind)
        ]
        return (Part(filled[0]), *message, Part(filled[1]))

    return Carrier(name, encode, wrap, quotes, lines=False)


HABITATS: dict[Kind, tuple[Carrier, ...]] = {
    Kind.EMAIL: (
        _frame("mail header", "From: {w} <{v}>"),
        _frame("mail header", 'To: "{w} {w}" <{v}>, {w}'),
        _frame("link", '<a href="mailto:{v}">{w}</a>'),
        _frame("log", "postfix/smtp[2211]: 4F1C02: to=<{v}>, relay=mx.{w}.example:25, status=sent"),
        _frame("log", "login failed user={v} reason=locked"),
    ),
    Kind.PHONE: (
        _frame("link", '<a href="tel:{v}">{w}</a>'),
        _frame("mail", "{w} {w} | Tel: {v} | {w} Ltd."),
    ),
    Kind.IP: (
        _frame("access log", '{v} - - [{t}] "GET /{w}?id=7 HTTP/1.1" 200 512 "-" "curl/8.5.0"'),
        _frame("access log", '{v} - {w} [{t}] "POST /v1/{w} HTTP/2.0" 401 88 "-" "Mozilla/5.0 Chrome/131.0.0.0"'),
        _frame("log", "sshd[811]: Failed publickey for root from {v} port 52814 ssh2"),
        _frame("log", 'connect() failed to upstream, client: {v}, server: {w}, request: "GET / HTTP/1.1"'),
        _frame("header", "X-Forwarded-For: {v}"),
        _frame("header", "x-real-ip: {v}"),
        _frame("log", "accepted connection from {v}"),
    ),
    Kind.API_KEY: (
        _frame("header", "Authorization: Bearer {v}"),
        _frame("header", "x-api-key: {v}"),
        _frame("shell", 'curl -sS https://api.{w}.example/v1/models -H "Authorization: Bearer {v}"'),
        _frame("url", "GET /v1/{w}?api_key={v}&n=5", enc.in_url),
        _frame("code", 'client = Client(api_key="{v}")'),
        _frame("log", "openai.AuthenticationError: Incorrect API key provided: {v}. You can find it in your account."),
        _frame("repr", "headers={'authorization': 'Bearer {v}', 'accept': '*/*'}"),
    ),
    Kind.JWT: (
        _frame("header", "Authorization: Bearer {v}"),
        _frame("header", "authorization: bearer {v}"),
        _frame("header", "Set-Cookie: session={v}; Path=/; HttpOnly"),
        _frame("url", "https://{w}.example/callback?code=1#id_token={v}", enc.in_url),
        _frame("log", "jwt.exceptions.InvalidSignatureError: token {v} rejected"),
        _frame("repr", "{'access_token': '{v}', 'expires_in': 3600}"),
    ),
    Kind.PASSWORD: (
        _frame("shell", "mysqldump --user=app --password={v} shop > shop.sql"),
        _frame("shell", "PGPASSWORD={v} psql -h db -U app -c 'select 1'"),
        _frame("shell", "docker login -u {w} --password {v} registry.example"),
        _frame("shell", "sshpass -p {v} ssh deploy@web01"),
        _frame("code", 'connect(host="db", user="{w}", password="{v}")', enc.in_json, quotes=True),
        _frame("dsn", "host=db port=5432 user={w} password={v} dbname=shop"),
        _frame("dsn", "Server=db;Database=shop;User Id={w};Password={v};Encrypt=true"),
        _frame("dsn", "jdbc:postgresql://db:5432/shop?user={w}&password={v}", enc.in_url),
        _frame("form", "grant_type=password&username={w}&password={v}&scope=read", enc.in_form),
    ),
    Kind.URL_PASSWORD: (
        _frame("log", 'could not connect to "{v}": timeout'),
        _frame("shell", "git clone {v}"),
        _frame("env", "DATABASE_URL={v}"),
        _frame("yaml", "database:\n  url: {v}\n  pool: 5"),
        _frame("json", '{"url":"{v}","pool":5}', enc.in_json, quotes=True),
    ),
}  # fmt: skip
"""Carriers per kind; kinds that are at home everywhere have none."""
