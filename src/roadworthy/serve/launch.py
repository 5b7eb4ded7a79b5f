"""From a checked configuration to children ready to start: ports taken, model file checked, secrets resolved."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from roadworthy.gateway.settings import EdgeSettings
from roadworthy.runtime.config.tree import Config
from roadworthy.serve.console_wanted import first_page, targets_of, wanted
from roadworthy.serve.model_file import MODEL_NAME, check_digest, check_model_file, check_model_server
from roadworthy.serve.model_process import ModelSettings
from roadworthy.serve.rundir import reserve
from roadworthy.serve.supervisor import ChildSpec
from roadworthy.serve.wiring import compile_edge, embedded_provider
from roadworthy.serve.wiring_application import compile_applications
from roadworthy.serve.wiring_store import database, job_store

RECORDS_MODULE = "roadworthy.serve.records_process"
EDGE_MODULE = "roadworthy.serve.edge_process"
CONSOLE_MODULE = "roadworthy.console.process"
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared with, not bound


class Plan(NamedTuple):
    """What `up` will run.

    Attributes:
        edge: Settings of every edge worker; holds secrets.
        children: All children, in starting order.
        url: Root of the public API as seen from this machine.
        admin_url: Root of the admin API, None when it is off.
        model: Settings of the model process, None when no chain uses the embedded model.
        console_url: Root of the console, None when it does not run.
        page: Address of the console's page to begin with; None for its first one.
    """

    edge: EdgeSettings
    children: tuple[ChildSpec, ...]
    url: str
    admin_url: str | None
    model: ModelSettings | None
    console_url: str | None = None
    page: str | None = None


def prepare(config: Config, environ: Mapping[str, str], held: ExitStack) -> Plan:
    """Find out everything that could stop the start, before anything starts.

    Args:
        config: A checked configuration.
        environ: Where `env:` references are looked up.
        held: Gets the sockets that keep the ports taken for as long as it is open.

    Raises:
        ConfigError: `port_in_use`, `secret_missing`, `extra_missing`, `model_file_invalid`, `config_invalid`.
    """
    model = _model(config, held)
    url = f"http://127.0.0.1:{model.port}/v1" if model else None
    edge = compile_edge(config, environ, embedded_url=url, embedded_key=model.api_key if model else None)
    state_dir = str(Path(edge.state_dir).absolute())
    applications = compile_applications(config) if config.jobs.enabled else {}
    edge = msgspec.structs.replace(edge, state_dir=state_dir, applications=tuple(applications))
    held.enter_context(reserve(edge.host, edge.port, "gateway.port"))
    children = []
    if model is not None:
        content = msgspec.json.encode(model)
        children.append(ChildSpec("model", "roadworthy.serve.model_process", settings=content, last=True))
    content = msgspec.json.encode(edge)
    children += [
        ChildSpec(f"edge-{worker}", EDGE_MODULE, ("--worker", str(worker)), content) for worker in range(edge.workers)
    ]
    if config.jobs.enabled:
        children.append(_worker(config, state_dir, environ, applications))
    if config.journal.database is not None:
        told = {"state_dir": state_dir, "database": database(config, environ), "log_level": edge.log_level}
        children.append(ChildSpec("records", RECORDS_MODULE, settings=msgspec.json.encode(told), last=True))
    admin_url = None
    if config.control.enabled:
        children.append(_control(config, edge, held))
        admin_url = root_url(config.control.host, config.control.port)
    console_url = None
    if admin_url is not None and wanted(config.console):
        children.append(_console(config, edge, admin_url, held))
        console_url = root_url(config.console.host, config.console.port)
    page = first_page(config.applications)
    return Plan(edge, tuple(children), root_url(edge.host, edge.port), admin_url, model, console_url, page)


def _model(config: Config, held: ExitStack) -> ModelSettings | None:
    """Settings of the model process on a free port, its file checked to the last byte where that is known."""
    used = embedded_provider(config)
    if used is None:
        return None
    name, provider = used
    check_model_server()
    socket_ = held.enter_context(reserve("127.0.0.1", 0, "port of the embedded model"))
    settings = ModelSettings(
        port=socket_.getsockname()[1],
        file=str(Path(provider.file).absolute()) if provider.file else None,
        name=_model_name(config, name),
        context_tokens=provider.context_tokens,
        parallel=provider.parallel,
        threads=provider.threads,
        # Other users of this machine can reach the port too.
        api_key=secrets.token_urlsafe(32),
    )
    check_model_file(settings.path())
    check_digest(settings.path())
    return settings


def _model_name(config: Config, provider: str) -> str:
    """What the embedded model answers as `model`: its first name in a chain."""
    gateway = config.gateway
    chains = [route.chain for route in gateway.routes.values()]
    chains += [chain for mode in gateway.modes.values() for chain in mode.roles.values()]
    targets = [target.partition("/") for chain in chains for target in chain]
    return next((model for name, _, model in targets if name == provider and model != "*"), MODEL_NAME)


def _control(config: Config, edge: EdgeSettings, held: ExitStack) -> ChildSpec:
    # Imported by the child, not here: uvicorn and starlette would double the supervisor's memory.
    told = {
        "host": config.control.host,
        "port": config.control.port,
        "state_dir": edge.state_dir,
        "workers": edge.workers,
        "profile": edge.profile,
        "budget": edge.budget.default,
        "state": edge.state,
        "targets": targets_of(edge),
    }
    held.enter_context(reserve(config.control.host, config.control.port, "control.port"))
    return ChildSpec("control", "roadworthy.serve.control", settings=msgspec.json.encode(told))


def _console(config: Config, edge: EdgeSettings, admin_url: str, held: ExitStack) -> ChildSpec:
    console = config.console
    told = {
        "host": console.host, "port": console.port, "names": console.names, "profile": edge.profile,
        "gateway_url": root_url(edge.host, edge.port), "admin_url": admin_url, "route": edge.default_route,
        "verify_dir": str(Path(console.verify_dir).absolute()),
    }  # fmt: skip
    held.enter_context(reserve(console.host, console.port, "console.port"))
    return ChildSpec("console", CONSOLE_MODULE, settings=msgspec.json.encode(told))


def _worker(
    config: Config, state_dir: str, environ: Mapping[str, str], applications: Mapping[str, Mapping[str, Any]]
) -> ChildSpec:
    # As with control: what the worker imports is not imported here.
    jobs = config.jobs
    told = {
        "state_dir": state_dir, "store": job_store(config, environ),
        "max_queued": jobs.max_queued, "max_attempts": jobs.max_attempts, "concurrency": jobs.concurrency,
        "batch_parallel": jobs.batch_parallel, "max_file_bytes": jobs.max_file_bytes,
        "max_stored_bytes": jobs.max_stored_bytes, "profile": config.profile, "applications": applications,
    }  # fmt: skip
    return ChildSpec("worker", "roadworthy.serve.worker_process", settings=msgspec.json.encode(told))


def root_url(host: str, port: int) -> str:
    """Where a server that listens on `host` and `port` is reached from this machine."""
    name = _ANY.get(host, host)
    try:
        socket.inet_pton(socket.AF_INET6, name)
    except OSError:
        return f"http://{name}:{port}"
    return f"http://[{name}]:{port}"
