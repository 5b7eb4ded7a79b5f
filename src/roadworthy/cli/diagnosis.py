"""What `doctor` looks at. Every check says what it saw; what cannot be looked at is `not checked`, never ok."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.cli.finding import Finding, State
from roadworthy.cli.state_file import STATE_FILE, open_journal, read_keys
from roadworthy.core.errors import Exit, RoadworthyError

if TYPE_CHECKING:
    from roadworthy.runtime.config.load import Loaded
    from roadworthy.runtime.config.tree import Config

NATIVE = ("httptools", "msgspec", "re2", "uvloop")
LOW_DISK_BYTES = 1024**3
FULL_DISK_BYTES = 64 * 1024**2
MAX_SKEW_S = 5.0


def examine(path: Path | None, url: str | None, environ: Mapping[str, str]) -> list[Finding]:
    """Run every check.

    Args:
        path: Configuration file; None for the usual search.
        url: Address of a gateway to reach; None for that of the configuration, if one runs.
        environ: The environment.
    """
    from roadworthy.cli.diagnosis_store import source_findings, store_findings

    found = [check_python(), check_native()]
    if found[-1].state == "bad":
        return [*found, Finding("everything else", "not checked", "It needs the native modules.", unknown=True)]
    loaded, told = check_config(path, environ)
    found += told
    if loaded is None:
        names = ("secrets", "embedded model", "state directory", "disk", "ports", "journal", "admin key")
        found += [Finding(name, "not checked", "The configuration is not valid.") for name in names]
    else:
        from roadworthy.serve.wiring_secret import with_secrets

        environ = with_secrets(loaded.config, environ)
        config, folder = loaded.config, Path(loaded.config.gateway.state_dir)
        found += [*source_findings(config, environ), *check_secrets(config, environ), *store_findings(config, environ)]
        found += [check_model(config), check_state_dir(folder), check_disk(folder)]
        found += [*check_ports(config), check_journal(folder), check_admin_key(folder)]
    found.append(check_gateway(loaded.config if loaded else None, url, environ))
    return found


def exit_code(found: list[Finding]) -> Exit:
    """3 when something is bad, else 4 when something could not be found out, else 0."""
    if any(one.state == "bad" for one in found):
        return Exit.CONFIGURATION
    return Exit.COULD_NOT_FIND_OUT if any(one.unknown for one in found) else Exit.GOOD


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python 3.11 or newer."""
    evidence = f"{platform.python_implementation()} {'.'.join(map(str, version))} on {platform.machine()}"
    if version < (3, 11):
        return Finding("python", "bad", evidence, "Use Python 3.11 or newer.")
    return Finding("python", "ok", evidence)


def check_native(names: tuple[str, ...] = NATIVE) -> Finding:
    """The compiled modules can be loaded on this machine."""
    failed = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            failed.append(f"{name} ({type(error).__name__})")
    if failed:
        return Finding(
            "native modules",
            "bad",
            f"Cannot be loaded: {', '.join(failed)}.",
            "Install roadworthy again for this Python and this machine.",
        )
    return Finding("native modules", "ok", ", ".join(names))


def check_config(path: Path | None, environ: Mapping[str, str]) -> tuple[Loaded | None, list[Finding]]:
    """The configuration is valid, and every ROADWORTHY_* variable means something."""
    from roadworthy.runtime.config.layer import unknown_variables
    from roadworthy.runtime.config.load import load

    try:
        loaded = load(path, environ=environ)
    except RoadworthyError as error:
        unknown = unknown_variables(environ)
        return None, [
            Finding("configuration", "bad", _text(error), error.mend),
            *_variables([str(one) for one in unknown]),
        ]
    where = loaded.path or "built-in defaults"
    config = loaded.config
    evidence = f"{where}, version {config.version}, profile {config.profile}"
    about_variables = [str(one) for one in loaded.warnings if one.where.startswith("environment variable")]
    others = [str(one) for one in loaded.warnings if str(one) not in about_variables]
    found = [Finding("configuration", "ok", evidence)]
    found += [Finding("configuration", "warn", text, "Correct it if it is not meant.") for text in others]
    return loaded, found + _variables(about_variables)


def check_secrets(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every secret of every provider in use is where its reference says; values are never shown."""
    from roadworthy.serve.wiring import secret_references
    from roadworthy.serve.wiring_secret import resolve

    references = secret_references(config)
    if not references:
        yield Finding("secrets", "ok", "None is needed.")
    for provider, reference in references:
        try:
            resolve(reference, environ)
        except RoadworthyError as error:
            yield Finding("secrets", "bad", f"{reference.text} of provider {provider}: {error.why}", error.mend)
        else:
            yield Finding("secrets", "ok", f"{reference.text} of provider {provider} is there.")


def check_model(config: Config) -> Finding:
    """The embedded model's server and file are there and whole; a file of the package matches its digest."""
    from roadworthy.serve import model_file
    from roadworthy.serve.wiring import embedded_provider

    embedded = embedded_provider(config)
    if embedded is None:
        return Finding("embedded model", "not checked", "No route uses it.")
    try:
        model_file.check_model_server()
        path = Path(embedded[1].file) if embedded[1].file else model_file.find_model_file()
        model_file.check_model_file(path)
        model_file.check_digest(path)
    except RoadworthyError as error:
        return Finding("embedded model", "bad", _text(error), error.mend)
    return Finding("embedded model", "ok", f"{path.name}, {path.stat().st_size / 1e6:.0f} MB, whole")


def check_state_dir(folder: Path) -> Finding:
    """The state directory, or the nearest folder in which it would be made, can be written."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        mend = "Correct its rights, or set gateway.state_dir to another path."
        return Finding("state directory", "bad", f"{place} cannot be written: {error.strerror}.", mend)
    if place != folder.absolute():
        return Finding("state directory", "ok", f"{folder} will be made at the first start.")
    if stat.S_IMODE(place.stat().st_mode) & 0o077:
        return Finding("state directory", "warn", f"{folder} is open to other users.", f"Run `chmod 700 {folder}`.")
    return Finding("state directory", "ok", f"{folder} can be written.")


def check_disk(folder: Path, usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> Finding:
    """There is room for the journal to grow."""
    free = usage(_existing(folder))[2]
    evidence = f"{free / 1e9:.1f} GB free"
    if free >= LOW_DISK_BYTES:
        return Finding("disk", "ok", evidence)
    state: State = "warn" if free >= FULL_DISK_BYTES else "bad"
    return Finding("disk", state, evidence, "Make room, or set gateway.state_dir to another disk.")


def check_ports(config: Config) -> Iterator[Finding]:
    """Each port is free, or held by this gateway."""
    from roadworthy.serve.rundir import read_run_record, reserve

    record = read_run_record(Path(config.gateway.state_dir))
    wanted = [(config.gateway.host, config.gateway.port, "gateway.port")]
    if config.control.enabled:
        wanted.append((config.control.host, config.control.port, "control.port"))
    for host, port, key in wanted:
        try:
            reserve(host, port, key).close()
        except RoadworthyError as error:
            if error.code == "port_in_use" and record is not None and _alive(record.pid):
                yield Finding("ports", "ok", f"{key} {port}: in use while the gateway runs (process {record.pid}).")
            else:
                yield Finding("ports", "bad", f"{key} {port}: {error.what}", error.mend)
        else:
            yield Finding("ports", "ok", f"{key} {port}: free")


def check_journal(folder: Path) -> Finding:
    """The journal's hash chain holds."""
    if not os.path.isfile(folder / STATE_FILE):
        return Finding("journal", "not checked", "There is none yet.")
    try:
        with open_journal(folder) as journal:
            found = journal.verify()
    except RoadworthyError as error:
        state: State = "bad" if error.code == "journal_corrupt" else "not checked"
        return Finding("journal", state, _text(error), error.mend, unknown=state != "bad")
    if found.first_bad_seq is not None:
        mend = "Keep the file for investigation; see `roadworthy gateway journal verify`."
        return Finding("journal", "bad", f"The chain is broken at entry {found.first_bad_seq}.", mend)
    return Finding("journal", "ok", f"{found.entries} entries, chain whole")


def check_admin_key(folder: Path) -> Finding:
    """A valid admin key exists; there is no default one."""
    import time

    now = time.time()
    try:
        keys = [key for key in read_keys(folder) if key.state(now) == "active" and "admin" in key.scopes]
    except RoadworthyError as error:
        return Finding("admin key", "not checked", _text(error), error.mend, unknown=True)
    if not keys:
        mend = "Run `roadworthy key create NAME --scope admin` if you want the admin API."
        return Finding("admin key", "warn", "None: the admin API answers 403.", mend)
    return Finding("admin key", "ok", f"{len(keys)} of scope admin: {', '.join(key.name for key in keys)}")


def check_gateway(config: Config | None, url: str | None, environ: Mapping[str, str]) -> Finding:
    """A running gateway answers, is ready, and its clock is near ours. A gateway that was named must answer."""
    from roadworthy.cli.target import KEY_VARIABLE, address
    from roadworthy.client.gateway import GatewayClient
    from roadworthy.serve.rundir import read_run_record

    if url is None:
        record = read_run_record(Path(config.gateway.state_dir)) if config else None
        if config is None or record is None or not _alive(record.pid):
            return Finding("gateway", "not checked", "None runs with this configuration.", "Start it: `roadworthy up`.")
        url = address(config.gateway.host, config.gateway.port)
    try:
        with GatewayClient(url, environ.get(KEY_VARIABLE) or None, timeout_s=5.0) as client:
            ready = client.ready()
    except RoadworthyError as error:
        return Finding("gateway", "not checked", _text(error), error.mend, unknown=True)
    skew = ready.clock_skew_s
    clock = "clock not checked" if skew is None else f"clock {skew:+.0f} s from ours"
    evidence = f"{url} {'is ready' if ready.ok else f'is not ready (status {ready.status})'}, {clock}"
    if not ready.ok:
        return Finding("gateway", "warn", evidence, "See `roadworthy gateway status`.")
    if skew is not None and abs(skew) > MAX_SKEW_S:
        return Finding("gateway", "warn", evidence, "Set both clocks by NTP; keys expire by the gateway's clock.")
    return Finding("gateway", "ok", evidence)


def _variables(unknown: list[str]) -> list[Finding]:
    if not unknown:
        return [Finding("variables", "ok", "No unknown ROADWORTHY_* variable is set.")]
    return [Finding("variables", "warn", text, "Correct its name or unset it.") for text in unknown]


def _existing(folder: Path) -> Path:
    place = folder.absolute()
    while not os.path.exists(place):  # unlike Path.exists, False where we may not look
        place = place.parent
    return place


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _text(error: RoadworthyError) -> str:
    return f"{error.what} {error.why}".strip()
