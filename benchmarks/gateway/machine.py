"""The machine under the measurement: cores, counters of the kernel, pinned processes, an empty network."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORES = os.cpu_count() or 1
LOAD_CORE = 0
GATEWAY_CORE = CORES - 1
INSTALL = {
    "wrk": "apt-get install wrk",
    "nginx": "apt-get install nginx",
    "gcc": "apt-get install gcc",
    "taskset": "apt-get install util-linux",
}


def default_home() -> Path:
    """Where compiled tools, the peer's virtual environment, logs and results live."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roadworthy-bench"


def missing(tool: str) -> str | None:
    """What to say when a tool is not there, None when it is."""
    # nginx lies in /usr/sbin, which an ordinary user's PATH leaves out
    if shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        return None
    return f"{tool} is not installed; install it with: {INSTALL[tool]}"


def where(tool: str) -> str:
    """Path of a tool that is there."""
    return shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or tool


def compile_tools(home: Path) -> None:
    """Compile the upstream and the stream client into `home`, anew when the source is newer.

    Raises:
        subprocess.CalledProcessError: gcc refused the source.
    """
    for name in ("upstream", "stream_load"):
        source, made = HERE / f"{name}.c", home / name
        if made.exists() and made.stat().st_mtime > source.stat().st_mtime:
            continue
        fresh = home / f"{name}.new"
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(fresh), str(source)], check=True)
        fresh.replace(made)


def isolate() -> bool:
    """Move this process into a network of its own that has nothing but loopback.

    Nothing measured can then reach the outside or be reached, and no port collides with other programs.

    Returns:
        False where the system does not allow it (it needs root); the run then uses the machine's own loopback.
    """
    clone_newnet, get_flags, set_flags, up = 0x40000000, 0x8913, 0x8914, 1
    if ctypes.CDLL(None, use_errno=True).unshare(clone_newnet):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = struct.unpack("16sh", fcntl.ioctl(s, get_flags, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(s, set_flags, struct.pack("16sh", b"lo", flags | up))
    return True


@dataclass(frozen=True)
class Usage:
    """What the processes of one program have used so far: seconds on a core, resident megabytes, how many."""

    cpu_s: float
    rss_mb: float
    processes: int


def family(root: int) -> list[int]:
    """`root`, everything in its session and all their descendants."""
    parent, session = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                # the name in parentheses may hold spaces: fields are counted after its end
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                parent[int(entry)], session[int(entry)] = int(fields[1]), int(fields[3])
    members = {root} | {pid for pid, leader in session.items() if leader == root}
    grown = True
    while grown:
        more = {pid for pid, father in parent.items() if father in members} - members
        members |= more
        grown = bool(more)
    return sorted(members)


def usage(root: int) -> Usage:
    """Counters of a program: every thread of every process of its family (nanosecond counters of schedstat)."""
    nanoseconds = kilobytes = 0
    pids = family(root)
    for pid in pids:
        # a process or thread that ends between two looks takes its counter with it
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):
                    nanoseconds += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    kilobytes += int(line.split()[1])
    return Usage(nanoseconds / 1e9, kilobytes / 1024, len(pids))


def busy_s() -> float:
    """Seconds that all cores together have been busy since boot (ticks of 10 ms)."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def on_core(core: int, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` on one core only; taskset turns into it, no process stays between."""
    return ["taskset", "-c", str(core), *argv]


class Pinned:
    """A program on one core, in a session of its own, its output in a file. Ends with the `with` block."""

    def __init__(self, argv: Sequence[str], core: int, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        self.started = time.monotonic()
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                on_core(core, argv),
                env={**os.environ, **(env or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def __enter__(self) -> Pinned:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(6)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def usage(self) -> Usage:
        """Counters of the program and its children now."""
        return usage(self.pid)

    def last_words(self) -> str:
        """The end of its output, for a message about a failed start."""
        return self.log.read_bytes()[-600:].decode(errors="replace").strip()


def wait_for_port(port: int, seconds: float) -> bool:
    """Whether something accepts connections at 127.0.0.1:`port` within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.01)
    return False


def description() -> dict[str, str | int]:
    """What a reader must know of the machine to judge the figures."""
    model = "unknown"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "cpu": model,
        "cores": CORES,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": _output(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]),
        "nginx": _output([where("nginx"), "-v"]).rpartition("/")[2],
    }


def _output(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10)
    except OSError:
        return "unknown"
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else "unknown"


def stop(what: str, why: str, mend: str, code: int) -> None:
    """End the command with a plain message on stderr."""
    print(f"{what}\n  why:  {why}\n  mend: {mend}", file=sys.stderr)
    raise SystemExit(code)
