"""In what values are written: logs, documents, requests, code. Sentences and fields have carriers of their own."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from roadworthy.guard.corpus import encoding as enc
from roadworthy.guard.corpus.draw import hexed, moment, word
from roadworthy.guard.corpus.encoding import Encode, encoded
from roadworthy.guard.corpus.sample import Message, Part


class Carrier(NamedTuple):
    """A way to carry a message.

    Attributes:
        name: For the report.
        encode: How text is written inside.
        wrap: Puts its frame around the encoded message; takes the name of the field and some words of the language.
        quotes: Whether white space and quotes inside do not end the value.
        lines: Whether it can carry line breaks.
    """

    name: str
    encode: Encode
    wrap: Callable[[Random, Message, str, str], Message]
    quotes: bool = True
    lines: bool = True


def _around(before: str, message: Message, behind: str = "") -> Message:
    return (Part(before), *message, Part(behind))


def _log(rng: Random, message: Message, field: str, note: str) -> Message:
    at = moment(rng)
    level = rng.choice(("INFO", "WARNING", "ERROR", "DEBUG"))
    form = rng.choice((0, 1, 2))
    head = (
        f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d} {level} app.{word(rng)} - ",
        f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z [{level}] {word(rng)}: ",
        f"{at:%b %d %H:%M:%S} host-{rng.randrange(99)} {word(rng)}[{rng.randint(100, 99999)}]: ",
    )[form]
    return _around(head, message)


def _json_message(rng: Random, message: Message, field: str, note: str) -> Message:
    head = f'{{"ts":"{moment(rng):%Y-%m-%dT%H:%M:%SZ}","level":"info","request_id":"req_{hexed(rng, 24)}","msg":"'
    return _around(head, message, f'","latency_ms":{rng.random() * 900:.3f}}}')


def _json_in_json_message(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'{{"event":"in","id":{rng.randrange(10**6)},"body":"{{\\"text\\":\\"', message, '\\",\\"n\\":1}"}')


def _logfmt_message(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'ts={int(moment(rng).timestamp())} level=warn component={word(rng)} msg="', message, '" status=200')


def _sse(rng: Random, message: Message, field: str, note: str) -> Message:
    head = f'data: {{"id":"chatcmpl-{hexed(rng, 12)}","choices":[{{"index":0,"delta":{{"content":"'
    return _around(head, message, '"},"finish_reason":null}]}')


def _chat(rng: Random, message: Message, field: str, note: str) -> Message:
    return message


def _traceback(rng: Random, message: Message, field: str, note: str) -> Message:
    name = word(rng)
    head = f'Traceback (most recent call last):\n  File "/srv/app/{name}.py", line {rng.randint(2, 900)}, in {name}\n'
    return _around(head + f"    raise Bad(text)\n{rng.choice(('ValueError', 'KeyError', 'app.BadInput'))}: ", message)


def _csv_note(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'{rng.randrange(10**5)},{moment(rng):%Y-%m-%d},"', message, f'",{rng.choice(("open", "closed"))}')


def _xml_note(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'<ticket id="{rng.randrange(10**6)}"><text>', message, "</text></ticket>")


def _sql_note(rng: Random, message: Message, field: str, note: str) -> Message:
    # text for a detector to read; no database ever sees it
    head = "INSERT INTO notes (id, body) VALUES"
    return _around(f"{head} ({rng.randrange(10**6)}, '", message, "');")


SENTENCES = (
    Carrier("log", enc.as_is, _log, quotes=False),
    Carrier("json", enc.in_json, _json_message),
    Carrier("json, ascii", enc.in_ascii_json, _json_message),
    Carrier("json in json", enc.in_json_in_json, _json_in_json_message),
    Carrier("logfmt", enc.in_json, _logfmt_message),
    Carrier("sse", enc.in_json, _sse),
    Carrier("chat", enc.as_is, _chat, quotes=False),
    Carrier("chat", enc.as_is, _chat, quotes=False),
    Carrier("traceback", enc.as_is, _traceback, quotes=False),
    Carrier("csv", enc.in_csv, _csv_note),
    Carrier("xml", enc.in_xml, _xml_note),
    Carrier("sql", enc.in_sql, _sql_note),
)
"""Carriers of sentences."""


def _json_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'{{"id":{rng.randrange(10**6)},"note":"{note}","{field}":"', message, '","active":true}')


def _json_in_json_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(
        f'{{"topic":"user","payload":"{{\\"note\\":\\"{note}\\",\\"{field}\\":\\"', message, '\\",\\"v\\":2}"}'
    )


def _logfmt_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'level=info note="{note}" {field}="', message, f'" ms={rng.randint(1, 999)}')


def _logfmt_plain_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f"level=info event={word(rng)} {field}=", message, f" ms={rng.randint(1, 999)}")


def _query(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(
        f"https://app.{word(rng)}.example/v1/{word(rng)}?page=2&{field}=", message, f"&note={enc.in_url(note)}"
    )


def _access_log(rng: Random, message: Message, field: str, note: str) -> Message:
    at = moment(rng)
    head = f'edge-{rng.randrange(99)}.example - - [{at:%d/%b/%Y:%H:%M:%S} +0900] "GET /{word(rng)}?{field}='
    return _around(head, message, f' HTTP/1.1" 200 {rng.randint(100, 99999)} "-" "Mozilla/5.0 Chrome/131.0.0.0"')


def _sql_field(rng: Random, message: Message, field: str, note: str) -> Message:
    head = rng.choice(("UPDATE users SET", "SELECT id FROM users WHERE"))
    return _around(f"{head} {field}{rng.choice((' = ', '='))}'", message, f"' -- {note}")


def _yaml_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'name: "{note}"\n{field}: "', message, '"\nenabled: true')


def _yaml_block(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f"name: {word(rng)}\n{field}: |\n    ", message, "\nenabled: true")


def _yaml_plain_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f"user:\n  note: {note}\n  {field}: ", message, "\n  enabled: true")


def _env(rng: Random, message: Message, field: str, note: str) -> Message:
    name = field.upper().replace("-", "_")
    return _around(f"{rng.choice(('', 'export '))}{name}=", message, f"\nAPP_NAME={word(rng)}")


def _env_quoted(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'# {note}\n{field.upper().replace("-", "_")}="', message, '"')


def _repr(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f"user={{'id': {rng.randrange(10**6)}, 'note': '{note}', '{field}': '", message, "'}")


def _xml_field(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f"<user><note>{note}</note><{field}>", message, f"</{field}></user>")


def _xml_attribute(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'<user id="{rng.randrange(10**6)}" {field}="', message, '"/>')


def _code(rng: Random, message: Message, field: str, note: str) -> Message:
    return _around(f'{rng.choice(("", "const ", "let "))}{field.replace("-", "_")} = "', message, f'"  # {note}')


FIELDS = (
    Carrier("json", enc.in_json, _json_field, lines=True),
    Carrier("json, ascii", enc.in_ascii_json, _json_field),
    Carrier("json in json", enc.in_json_in_json, _json_in_json_field),
    Carrier("logfmt", enc.in_json, _logfmt_field),
    Carrier("logfmt", enc.as_is, _logfmt_plain_field, quotes=False, lines=False),
    Carrier("url", enc.in_url, _query),
    Carrier("access log", enc.in_url, _access_log),
    Carrier("sql", enc.in_sql, _sql_field, lines=False),
    Carrier("yaml", enc.in_json, _yaml_field),
    Carrier("yaml", enc.indented, _yaml_block, quotes=False),
    Carrier("yaml", enc.as_is, _yaml_plain_field, quotes=False, lines=False),
    Carrier("env", enc.as_is, _env, quotes=False, lines=False),
    Carrier("env", enc.in_json, _env_quoted),
    Carrier("repr", enc.as_is, _repr, quotes=False, lines=False),
    Carrier("xml", enc.in_xml, _xml_field),
    Carrier("xml", enc.in_xml, _xml_attribute, lines=False),
    Carrier("code", enc.as_is, _code, quotes=False, lines=False),
)
"""Carriers of named values."""


def carried(
    rng: Random, carrier: Carrier, message: Message, field: str, note: str, for_values: Encode | None = None
) -> Message:
    """The message inside the carrier.

    Args:
        rng: Draws what stands around.
        carrier: In what it is written.
        message: A sentence, or a value alone.
        field: Name of the value, for carriers of fields.
        note: Some words in the language.
        for_values: A stranger encoding for the values; the carrier's own when None.
    """
    return carrier.wrap(rng, encoded(message, carrier.encode, for_values), field, note)
