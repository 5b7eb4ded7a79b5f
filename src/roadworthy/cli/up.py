"""`roadworthy up`: start the gateway and everything it needs, show that it works, stop cleanly."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from typing import TYPE_CHECKING

import click

from roadworthy.cli.output import Settings, clean, options

if TYPE_CHECKING:
    from roadworthy.serve.selftest import Trial
    from roadworthy.serve.start import Ready
    from roadworthy.serve.supervisor import RunSummary

DEFAULT_URL = "http://127.0.0.1:8080"
"""Where the other commands look for a gateway when they are not told."""


@click.command()
@click.option("--host", help="Address to listen on, instead of gateway.host.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the API, instead of gateway.port.")
@click.option("--workers", type=click.IntRange(1, 256), help="Edge workers, instead of gateway.workers.")
@click.option("--control-port", type=click.IntRange(1, 65_535), help="Port of the admin API, instead of control.port.")
@click.option("--state-dir", help="Folder of journal, keys and sockets, instead of gateway.state_dir.")
@click.option("--console-port", type=click.IntRange(1, 65_535), help="Port of the console, instead of console.port.")
@click.option("--no-control", is_flag=True, help="Do not start the admin API.")
@click.option("--no-console", is_flag=True, help="Do not start the console.")
@options
def up(
    out: Settings,
    host: str | None,
    port: int | None,
    workers: int | None,
    control_port: int | None,
    state_dir: str | None,
    console_port: int | None,
    no_control: bool,
    no_console: bool,
) -> None:
    """Start the gateway and everything it needs, and run a self-test.

    Without a configuration file it serves the embedded model under the name `chat`. Ctrl-C stops it: requests in
    progress may finish; a second Ctrl-C ends everything at once.
    """
    from roadworthy.runtime.config.load import load
    from roadworthy.serve import start

    given = {
        "gateway.host": host,
        "gateway.port": port,
        "gateway.workers": workers,
        "gateway.state_dir": state_dir,
        "control.port": control_port,
        "control.enabled": False if no_control else None,
        "console.port": console_port,
        "console.enabled": False if no_console else None,
    }
    loaded = load(out.config, flags={key: value for key, value in given.items() if value is not None})
    for warning in loaded.warnings:
        out.say(f"warning: {warning}")
    progress = _Progress(out)

    def ready(told: Ready) -> None:
        progress.stop()
        out.emit(_data(told), _welcome(told))
        sys.stdout.flush()

    progress.start("Starting")
    try:
        summary = start.run(loaded.config, os.environ, say=out.say, ready=ready)
    finally:
        progress.stop()
    out.say(_farewell(summary))


class _Progress:
    """A spinner on a terminal, one line elsewhere, nothing with `--quiet`.

    It leaves the cursor at the start of its line, so that the log lines of child processes, which share the terminal,
    write over it.
    """

    def __init__(self, out: Settings) -> None:
        self._out = out
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, text: str) -> None:
        """Show that something is going on."""
        if self._out.quiet:
            return
        if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
            self._out.say(f"{text} ...")
            return
        self._thread = threading.Thread(target=self._spin, args=(text,), name="spinner", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the spinner away; may be called again."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _spin(self, text: str) -> None:
        for mark in itertools.cycle("|/-\\"):
            click.echo(f"\r\x1b[2K{mark} {text}\r", err=True, nl=False)
            if self._done.wait(0.1):
                click.echo("\r\x1b[2K", err=True, nl=False)
                return


def _data(told: Ready) -> dict[str, object]:
    return {**told._asdict(), "self_test_ok": told.self_test_ok}


def _welcome(told: Ready) -> str:
    number = f"{told.workers} worker{'s' * (told.workers != 1)}"
    lines = [f"Roadworthy is ready after {told.start_s:.1f} s.", "", f"  API      {told.url}/v1   ({number})"]
    lines += [f"  health   {told.url}/health", f"  metrics  {told.url}/metrics"]
    if told.admin_url:
        lines.append(f"  admin    {told.admin_url}/admin/status")
    if told.console_url:
        lines.append(f"  console  {told.console_url}   (signs in once, within ten minutes)")
    if told.admin_key:
        lines += ["", "ADMIN KEY, shown this once and stored only as a hash. Keep it safe:", f"  {told.admin_key}"]
    lines += ["", *_self_test(told)]
    if told.console_url and told.application:
        lines += ["", f"Open it and write your first report ({told.application}):", f"  {told.console_url}"]
    if told.route:
        lines += ["", *_examples(told, told.route)]
    return "\n".join([*lines, "", "Stop with Ctrl-C."])


def _self_test(told: Ready) -> list[str]:
    if told.self_test_ok is None:
        return ["Self-test: not run, because no route has a plain name (set gateway.default_route)."]
    if told.self_test_ok:
        return ["Self-test: passed.", *map(_trial, told.trials)]
    return [
        "SELF-TEST FAILED. The gateway runs on, but this is not a healthy start:",
        *map(_trial, told.trials),
        "  Next: `roadworthy gateway status` and `roadworthy doctor`.",
    ]


def _trial(trial: Trial) -> str:
    if not trial.ok:
        return f"  {trial.kind:<9} FAILED after {trial.latency_ms:.0f} ms: {clean(trial.error)}"
    tokens = "unknown number of" if trial.completion_tokens is None else str(trial.completion_tokens)
    first = f", first text after {trial.first_text_ms:.0f} ms" if trial.first_text_ms is not None else ""
    words = " ".join(clean(trial.text).split())
    return f'  {trial.kind:<9} {trial.served_by}: {tokens} tokens in {trial.latency_ms:.0f} ms{first}: "{words}"'


def _examples(told: Ready, route: str) -> list[str]:
    if told.needs_key:
        key, header = "YOUR_KEY", " -H 'authorization: Bearer YOUR_KEY'"
        lines = ["Callers need a key. Make one: roadworthy key create my-app --scope use", ""]
    else:
        key, header, lines = "none-needed", "", []
    address = "" if told.url == DEFAULT_URL else f" --url {told.url}"
    return [
        *lines,
        "Try it with curl:",
        f"  curl {told.url}/v1/chat/completions -H 'content-type: application/json'{header} \\",
        f"""    -d '{{"model": "{route}", "messages": [{{"role": "user", "content": "Name three colours."}}]}}'""",
        "",
        "or with the official SDK (pip install openai):",
        "  from openai import OpenAI",
        f'  client = OpenAI(base_url="{told.url}/v1", api_key="{key}")',
        f'  answer = client.chat.completions.create(model="{route}",',
        '      messages=[{"role": "user", "content": "Name three colours."}])',
        "  print(answer.model, answer.choices[0].message.content)",
        "",
        f'Next: roadworthy gateway ask "Why do bridges have expansion joints?"{address}',
    ]


def _farewell(summary: RunSummary) -> str:
    restarts = ", ".join(f"{name} {count}" for name, count in summary.restarts.items() if count)
    killed = f" Had to be killed: {', '.join(summary.killed)}." if summary.killed else ""
    return f"Stopped after {summary.uptime_s:.0f} s. Restarts: {restarts or 'none'}.{killed}"
