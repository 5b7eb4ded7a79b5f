"""What `gateway batch` does: the file made ready, the batch found or begun, followed, its answers kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from roadworthy.cli.output import Settings
from roadworthy.client.batch import Batch, BatchClient
from roadworthy.core.errors import ConfigError, GatewayError, UsageError

CHAT = "/v1/chat/completions"
POLL_S = 0.4
AWAY_S = 60.0
"""How long the gateway may be away while a batch is begun or followed."""
RESTARTING = frozenset({"worker_unavailable", "store_unavailable"})
AWAY = RESTARTING | {"gateway_unreachable", "shutting_down"}
"""What is waited for while a batch is followed. Before it is begun, a gateway that is not there is told at once."""
T = TypeVar("T")


class Sent(NamedTuple):
    """The file as it is sent.

    Attributes:
        name: Of the file.
        content: Open at its beginning.
        endpoint: What its first line names.
        digest: SHA-256 of content and endpoint, hexadecimal.
    """

    name: str
    content: BinaryIO
    endpoint: str
    digest: str


@contextlib.contextmanager
def prepared(file: Path, model: str | None, default_model: Callable[[], str]) -> Iterator[Sent]:
    """Bring every line into OpenAI's shape; what cannot be read goes as it is, and comes back as a bad line.

    Args:
        file: Of the user.
        model: For every line; None for what the lines name.
        default_model: Asked once, for lines that name none.

    Raises:
        UsageError: `invalid_request` when the file cannot be read.
    """
    digest, endpoint, known = hashlib.sha256(), "", model
    with tempfile.TemporaryFile() as content:
        for number, raw in enumerate(_lines(file), 1):
            told = _object(raw)
            if told is None:
                line = raw
            else:
                known = known or (None if _names_model(told) else default_model())
                line = _shaped(told, number, model, known)
                endpoint = endpoint or str(told.get("url", CHAT))
            content.write(line + b"\n")
            digest.update(line + b"\n")
        digest.update(endpoint.encode("utf-8", "replace"))
        content.seek(0)
        yield Sent(file.name, content, endpoint or CHAT, digest.hexdigest())


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as content:
            yield from (line.rstrip(b"\r\n") for line in content)
    except OSError as error:
        raise UsageError(f"The file {file.name} cannot be read.", f"{error.strerror}.") from error


def _object(raw: bytes) -> dict[str, object] | None:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _names_model(told: dict[str, object]) -> bool:
    body = told.get("body", told)
    return not isinstance(body, dict) or "model" in body


def _shaped(told: dict[str, object], number: int, model: str | None, default: str | None) -> bytes:
    """A line in OpenAI's shape, also from `{"prompt": …}` with further parameters beside it."""
    if "body" not in told and isinstance(told.get("prompt"), str):
        body = {name: value for name, value in told.items() if name not in {"prompt", "custom_id"}}
        body["messages"] = [{"role": "user", "content": told["prompt"]}]
        name = told.get("custom_id", f"line-{number}")
        told = {"custom_id": name, "method": "POST", "url": CHAT, "body": body}
    inner = told.get("body")
    if isinstance(inner, dict) and (model or "model" not in inner):
        inner["model"] = model or default
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def begin(client: BatchClient, sent: Sent, again: bool, out: Settings) -> Batch:
    """The batch of this very content: the one that is there, the cancelled one taken up again, or a new one."""
    found = None if again else _patiently(lambda: client.find(sent.digest))
    while found is not None and found.status == "cancelling":
        time.sleep(POLL_S)
        found = _patiently(partial(client.get, found.id))
    if found is not None and found.status == "cancelled":
        resumed = client.resume(found.id)
        out.say(f"Going on with {found.id}: {found.completed} of {found.total} lines are done.")
        return resumed
    if found is not None and found.status not in {"failed", "expired"}:
        what = "is done already; --again asks anew" if found.over else "runs already"
        out.say(f"{found.id} with this very file {what}.")
        return found
    # Two who begin the same file at the same moment get one batch; one that failed before does not count.
    key = uuid.uuid4().hex if again else f"{sent.digest}.{'' if found is None else found.id}"

    def upload() -> str:
        sent.content.seek(0)
        return client.upload(sent.name, sent.content)

    file_id = _patiently(upload)
    made = _patiently(lambda: client.create(file_id, sent.endpoint, sent.digest, key))
    out.say(f"{made.id}: {sent.name} is queued.")
    return made


def follow(client: BatchClient, made: Batch, out: Settings) -> Batch:
    """Wait until the batch is over, with a progress bar on stderr where somebody looks at it."""
    with _shown(out) as show:
        batch = made
        while not batch.over:
            time.sleep(POLL_S)
            batch = _patiently(partial(client.get, made.id), AWAY)
            show(batch)
    return batch


def _patiently(ask: Callable[[], T], away: frozenset[str] = RESTARTING) -> T:
    """Ask again while the gateway or its worker is being started again; `ask` may be repeated without harm."""
    away_until = time.monotonic() + AWAY_S
    while True:
        try:
            return ask()
        except GatewayError as error:
            if error.code not in away or time.monotonic() > away_until:
                raise
        time.sleep(POLL_S)


@contextlib.contextmanager
def _shown(out: Settings) -> Iterator[Callable[[Batch], None]]:
    if out.quiet or not sys.stderr.isatty():
        yield lambda batch: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, no_color=not out.color), transient=True) as progress:
        task = progress.add_task("validating", total=None)

        def show(batch: Batch) -> None:
            done = batch.completed + batch.failed
            progress.update(task, description=batch.status, total=batch.total or None, completed=done)

        yield show


def stop(client: BatchClient, made: Batch, command: str, out: Settings) -> None:
    """After Ctrl-C: stop the batch at the gateway too, and say how to go on."""
    try:
        batch = client.cancel(made.id)
    except GatewayError as error:
        out.say(f"The gateway could not be told to stop: {error.what} It goes on with {made.id}.")
        return
    out.say(f"Stopped at {batch.completed} of {batch.total or 'all'} lines; what is done is kept.")
    out.say(f"Go on: {command}")


def keep(client: BatchClient, batch: Batch, answers: Path) -> dict[str, str]:
    """Write answers and errors beside each other, each in one step; returns which files there are now."""
    errors = answers.with_name(answers.name.removesuffix(".jsonl") + ".errors.jsonl")
    written = {}
    for name, file_id, path in (("answers", batch.output_file_id, answers), ("errors", batch.error_file_id, errors)):
        if file_id is not None:
            _replace(path, client.content(file_id))
            written[name] = str(path)
        elif name == "errors":
            path.unlink(missing_ok=True)  # of a run before, whose faults are mended
    return written


def _replace(path: Path, pieces: Iterator[bytes]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise ConfigError(
            f"The file {path.name} cannot be written.", f"{error.strerror}.", "Name another with --out."
        ) from error
    finally:
        part.unlink(missing_ok=True)
