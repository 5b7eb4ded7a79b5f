"""The embedded model as a process: llama.cpp's own HTTP server on a loopback port, OpenAI-shaped.

    python -m roadworthy.serve.model_process --settings-fd N      settings as JSON through a pipe
    python -m roadworthy.serve.model_process --port 8088          the packaged model by hand

llama.cpp answers `GET /health` with 503 while it loads and 200 when it serves; a request longer than the context gets
400 `exceed_context_size_error`. What llama.cpp writes to its streams is thrown away once the model is loaded, because
its messages may quote requests.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from roadworthy.core.errors import ConfigError, RoadworthyError
from roadworthy.serve.model_file import MODEL_NAME, check_model_file, check_model_server, find_model_file, how_to_mend
from roadworthy.serve.weights import Weights, weights

if TYPE_CHECKING:
    from xllamacpp import Server


SPIN_COUNT = "500"
"""Turns that llama.cpp's threads (GNU OpenMP) wait for each other busily before they sleep.

The default is millions: when another program keeps one core busy, the thread on the other core then burns its time
waiting. Measured on 2 cores: 118, 1 and 4 tokens per second beside 0, 1 and 2 busy programs; with 500: 113, 35 and 24.
"""

REPEAT_PENALTY = 1.1
"""How much less likely a word of the last 64 becomes (Keskar et al. 2019, CTRL, section 4.1); 1 changes nothing."""


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the model process needs to know.

    Attributes:
        port: TCP port on 127.0.0.1.
        file: Path of a GGUF file; None for the packaged model.
        name: Name that the server answers with as `model`.
        context_tokens: Tokens of request and answer together, for each slot.
        parallel: Slots: requests worked on at the same time; more wait in line.
        threads: Threads that compute; None for one per core.
        api_key: Key that requests must carry as bearer token; None for none.
    """

    port: int
    file: str | None = None
    name: str = MODEL_NAME
    context_tokens: int = 4096
    parallel: int = 4
    threads: int | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"ModelSettings(port={self.port}, file={self.file!r}, name={self.name!r}, api_key=***)"

    def path(self) -> Path:
        """The model file; see `find_model_file` for what it raises."""
        return Path(self.file) if self.file else find_model_file()


def load(settings: ModelSettings) -> Server:
    """Load the model and start its HTTP server; the server runs until the object is deleted or the process ends.

    The digest of what was loaded is a tag of the model in the server's `/v1/models`; see `Weights`.

    Raises:
        ConfigError: `extra_missing` without xllamacpp; `model_file_invalid` when llama.cpp refuses the file or
            somebody writes to it; `port_in_use` when the port is taken.
    """
    check_model_server()
    path = settings.path()
    check_model_file(path)
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    import xllamacpp

    with weights(path) as opened, tempfile.TemporaryFile() as messages:
        parameters = _parameters(xllamacpp.CommonParams(), settings, opened)
        # Mapped, the weights would be those of the file: whoever wrote to it would change them under the process.
        parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
        _native_output_to(messages.fileno())
        try:
            return xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise _refused(settings, path, messages) from error


def _parameters(parameters: Any, settings: ModelSettings, opened: Weights) -> Any:
    parameters.model.path = opened.path
    parameters.model_alias = {settings.name}
    parameters.model_tags = {opened.digest} if opened.digest else set()
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = settings.port
    # The supervisor keeps the port reserved with the same option, so that nobody takes it between two starts.
    parameters.reuse_port = True
    parameters.n_parallel = settings.parallel
    parameters.n_ctx = settings.context_tokens * settings.parallel
    parameters.cpuparams.n_threads = settings.threads or len(os.sched_getaffinity(0))
    parameters.n_threads_http = settings.parallel + 4
    # Small models run in circles; OpenAI's API has no such parameter, so that callers could not ask for it.
    parameters.sampling.penalty_repeat = REPEAT_PENALTY
    # Prompts of old requests kept in memory: up to 8 GiB by default.
    parameters.cache_ram_mib = 0
    parameters.cache_idle_slots = False
    parameters.ui = False
    parameters.endpoint_slots = False
    # A page in a browser must not be able to talk to the model.
    parameters.cors_origins = "http://127.0.0.1"
    parameters.verbosity = 1
    if settings.api_key:
        parameters.api_keys = [settings.api_key]
    return parameters


def _refused(settings: ModelSettings, path: Path, messages: BinaryIO) -> ConfigError:
    messages.seek(0)
    text = messages.read(65_536).decode("utf-8", "replace")
    if "error loading model" not in text:
        return ConfigError(
            f"The model server cannot listen on 127.0.0.1:{settings.port}.",
            "Another process may hold the port.",
            code="port_in_use",
        )
    reason = text.partition("error loading model: ")[2].partition("\n")[0]
    return ConfigError(
        f"llama.cpp refuses the model file {path}.",
        f"It says: {reason}." if reason else "",
        how_to_mend(path),
        code="model_file_invalid",
    )


def _native_output_to(descriptor: int) -> None:
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _read_settings(argv: Sequence[str] | None) -> ModelSettings:
    parser = argparse.ArgumentParser(prog="python -m roadworthy.serve.model_process", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--settings-fd", type=int, help="file descriptor to read the settings from, as JSON")
    source.add_argument("--port", type=int, help="port to serve the packaged model on")
    arguments = parser.parse_args(argv)
    if arguments.settings_fd is None:
        return ModelSettings(port=arguments.port)
    with open(arguments.settings_fd, "rb") as pipe:
        return msgspec.json.decode(pipe.read(), type=ModelSettings)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends the process.

    Returns:
        Exit code of the error when serving could not begin (3 for a bad model file); does not return otherwise.
    """
    settings = _read_settings(argv)
    # There is nothing to save: a signal ends the process at once, even in the middle of loading.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The edge shares the cores; it must not wait behind a long answer.
    os.nice(5)
    own_stderr = os.fdopen(os.dup(2), "w", buffering=1)
    try:
        server = load(settings)
    except RoadworthyError as error:
        print(f"model: {error} {error.mend}", file=own_stderr)
        return int(error.spec.exit_code)
    with open(os.devnull, "wb") as nowhere:
        _native_output_to(nowhere.fileno())
    print(f"model: {settings.name} serves on {server.listening_address}", file=own_stderr)
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
