"""`roadworthy gateway`: ask a running gateway and look after it."""

from __future__ import annotations

import click

from roadworthy.cli import target
from roadworthy.cli.batch import batch
from roadworthy.cli.jobs import jobs
from roadworthy.cli.output import Settings, options
from roadworthy.cli.prompt import prompts


@click.group()
def gateway() -> None:
    """Ask a running gateway and look after it."""


gateway.add_command(batch)
gateway.add_command(jobs)


@gateway.command()
@options
@target.control_option
def status(control_url: str | None, out: Settings) -> None:
    """Show workers, providers and breakers; exit 4 when no gateway answers."""
    from roadworthy.cli.gateway_text import status_text
    from roadworthy.cli.spending import told_budgets
    from roadworthy.client.record import summarize

    with target.operator(out, control_url) as operator:
        found = operator.status()
    providers, budgets = summarize(found.breakers), told_budgets(out, found.raw)
    data = {**found.raw, "providers": providers, "workers": found.workers, "budgets": budgets}
    out.emit(data, status_text(found, providers, budgets))


@gateway.command()
@click.option(
    "--by",
    type=click.Choice(("key", "model", "mode", "route", "day")),
    default="model",
    show_default=True,
    help="What to add up by.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    default=30,
    show_default=True,
    help="Only so many days of UTC, today included.",
)
@options
def cost(by: str, days: int, out: Settings) -> None:
    """Add up what requests cost, from the journal of the state directory."""
    from roadworthy.cli.spending import cost_text, report_costs

    found = report_costs(out, by, days)
    out.emit(found, cost_text(found))


@gateway.command()
@options
@target.url_option
@click.option("--model", "-m", help="Route or provider/model; the default route when left out.")
@click.option("--stream", is_flag=True, help="Print the answer while it is written.")
@click.option("--system", help="Instruction that goes before the question.")
@click.option("--max-tokens", type=click.IntRange(1), help="Upper bound of the answer's length.")
@click.option("--timeout", type=click.FloatRange(0.1, 3600), default=120.0, show_default=True, help="Seconds.")
@click.argument("text")
def ask(
    text: str,
    url: str | None,
    model: str | None,
    stream: bool,
    system: str | None,
    max_tokens: int | None,
    timeout: float,
    out: Settings,
) -> None:
    """Ask TEXT (`-` reads it from stdin); the answer goes to stdout, who gave it to stderr."""
    from roadworthy.cli.gateway_text import question, receive, show_attempts, told_by
    from roadworthy.client.transport import RemoteError

    messages = question(text, system)
    with target.gateway_client(out, url, timeout) as client:
        name = model or target.default_model(out, url, client)
        try:
            answer = receive(client, messages, name, max_tokens, stream, out)
        except RemoteError as error:
            show_attempts(error.attempts, out)
            raise
    out.emit(answer, "" if stream else answer.text)
    out.say(told_by(answer))


@gateway.command()
@options
@target.url_option
def models(url: str | None, out: Settings) -> None:
    """List the names that callers may ask for."""
    with target.gateway_client(out, url, 10.0) as client:
        found = client.models()
    rows = [(model.id, model.owned_by) for model in found]
    out.emit({"models": found}, out.table(["model", "owned by"], rows))


@gateway.command()
@options
@target.control_option
def modes(control_url: str | None, out: Settings) -> None:
    """Show every worker's modes: state, why, p95, failures, share while it recovers."""
    from roadworthy.cli.gateway_text import mode_text

    with target.operator(out, control_url) as operator:
        found = operator.modes()
    out.emit({"modes": found}, mode_text(found))


@gateway.command("live-check")
@options
@target.url_option
@click.option("--route", help="Route to check; the default route when left out.")
def live_check(url: str | None, route: str | None, out: Settings) -> None:
    """Send two realistic briefs; exit 0 when the answers are real, 1 when judged bad, 4 when that is unknown."""
    from roadworthy.cli.gateway_text import checked_line
    from roadworthy.client.live_check import check, verdict

    with target.gateway_client(out, url, fresh=True) as client:
        name = route or target.default_model(out, url, client)
        found = check(client, name, out.say)
    code = verdict(found)
    data = {"route": name, "verdict": code.name.lower(), "briefs": found}
    out.emit(data, "\n".join(map(checked_line, found)))
    if code:
        raise click.exceptions.Exit(code)


@gateway.command()
@options
@click.option("--schedules", "-n", type=click.IntRange(1), default=10_000, show_default=True, help="How many to play.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first one.")
@click.option("--processes", type=click.IntRange(1, 256), help="How many at once; one for each core when left out.")
@click.option("--stop-at", type=click.IntRange(0), default=0, help="End after so many failures; 0 plays all.")
def simulate(schedules: int, seed: int, processes: int | None, stop_at: int, out: Settings) -> None:
    """Play seeded fault schedules in virtual time against the gateway's own code; exit 1 when an invariant breaks.

    A failure shows its seed and the faults it needs; `--seed SEED -n 1` plays it again.
    """
    from roadworthy.cli.simulate import play_all

    play_all(schedules, seed, processes, stop_at, out)


@gateway.group()
def breaker() -> None:
    """Look at the circuit breakers and close them."""


@breaker.command("list")
@options
@target.control_option
def list_breakers(control_url: str | None, out: Settings) -> None:
    """List the breakers of every worker."""
    from roadworthy.cli.gateway_text import breaker_text

    with target.operator(out, control_url) as operator:
        found = operator.breakers()
    out.emit({"breakers": found}, breaker_text(found))


@breaker.command()
@options
@target.control_option
@click.argument("which", metavar="[PROVIDER[/MODEL]]", required=False)
def reset(control_url: str | None, which: str | None, out: Settings) -> None:
    """Close breakers at once: of a model, of a provider, or all."""
    from roadworthy.cli.gateway_text import no_such_breaker
    from roadworthy.cli.state_file import remember_reset
    from roadworthy.client.local import LocalClient

    provider, _, model = (which or "").partition("/")
    with target.operator(out, control_url) as operator:
        count = operator.reset_breaker(provider or None, model or None)
        if not count and which:
            raise no_such_breaker(operator.breakers())
    if isinstance(operator, LocalClient):
        remember_reset(target.state_dir(out), provider or None, model or None, count)
    out.emit({"reset": count, "provider": provider or None, "model": model or None}, _closed(count))


@gateway.group()
def cache() -> None:
    """Look at the kept answers and forget them."""


@cache.command("status")
@options
@target.control_option
def cache_status(control_url: str | None, out: Settings) -> None:
    """Show what every worker keeps and for how long."""
    from roadworthy.cli.gateway_text import cache_text

    with target.operator(out, control_url) as operator:
        found = operator.caches()
    out.emit({"caches": found}, cache_text(found))


@cache.command()
@options
@target.control_option
def clear(control_url: str | None, out: Settings) -> None:
    """Forget every kept answer, in every worker."""
    from roadworthy.cli.state_file import remember_cleared
    from roadworthy.client.local import LocalClient

    with target.operator(out, control_url) as operator:
        count = operator.clear_cache()
    if isinstance(operator, LocalClient):
        remember_cleared(target.state_dir(out), count)
    out.emit({"cleared": count}, f"{count} answer{'s' * (count != 1)} forgotten.")


@gateway.group()
def journal() -> None:
    """Read and verify the journal of the state directory."""


@journal.command()
@options
@click.option("--lines", "-n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Entries.")
@click.option("--kind", default="", help="Only kinds that begin with this, for example `key.`.")
def tail(lines: int, kind: str, out: Settings) -> None:
    """Print the last entries, newest last."""
    from roadworthy.cli.state_file import entry_line, open_journal, read_payload

    with open_journal(target.state_dir(out)) as book:
        found = book.tail(lines, kind)
    data = [{"sequence": e.seq, "at": e.at, "kind": e.kind, "payload": read_payload(e), "hash": e.hash} for e in found]
    out.emit({"entries": data}, "\n".join(map(entry_line, found)))


@journal.command()
@options
@click.option("--database", is_flag=True, help="The chains of all replicas in journal.database instead.")
def verify(database: bool, out: Settings) -> None:
    """Recompute the hash chain; exit 1 when it is broken."""
    from roadworthy.cli.state_file import broken, open_journal

    if database:
        from roadworthy.cli.records import verify_database

        verify_database(out)
        return
    with open_journal(target.state_dir(out)) as book:
        found = book.verify()
    if found.first_bad_seq is not None:
        raise broken(found)
    out.emit({"whole": True, **found._asdict()}, f"The journal is whole: {found.entries} entries, head {found.head}.")


gateway.add_command(prompts)


def _closed(count: int) -> str:
    return f"{count} breaker{'s' * (count != 1)} closed."


@gateway.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the API, instead of gateway.port.")
@options
def serve(out: Settings, port: int | None) -> None:
    """Run one edge in the foreground and nothing else: no supervisor, no embedded model, no admin API."""
    import os

    from roadworthy.runtime.config.load import load
    from roadworthy.serve.single_edge import become_edge
    from roadworthy.serve.wiring import compile_edge, require_no_embedded
    from roadworthy.serve.wiring_secret import with_secrets
    from roadworthy.serve.wiring_store import require_no_database

    flags = {"gateway.port": port} if port is not None else {}
    loaded = load(out.config, flags=flags)
    for warning in loaded.warnings:
        out.say(f"warning: {warning}")
    require_no_embedded(loaded.config)
    require_no_database(loaded.config)
    become_edge(compile_edge(loaded.config, with_secrets(loaded.config, os.environ)))
