"""How fast model files are scanned, and in how much memory: our scanner, `pickletools.genops`, and plain reading.

    python benchmarks/verify/scan.py [--tensor-mib 1024]

Each figure is the processor time of a process of its own (other jobs do not count) and its peak memory as
the kernel counts it (VmHWM). All come from the same run on the same files, which are made in a temporary folder.
"""

from __future__ import annotations

import argparse
import io
import pickle
import platform
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FLOOD_BYTES = 46_000_000
_TOOLS = {
    "roadworthy": """
from roadworthy.runtime.executor import InlineExecutor
from roadworthy.verify.artifact.tree import find, scan
def work(path):
    (report,) = scan(find([path]), InlineExecutor())
    return report.verdict.value
""",
    "pickletools.genops": """
import pickletools
def work(path):
    with path.open("rb") as file:
        return sum(1 for _ in pickletools.genops(file))
""",
    "read": """
def work(path):
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    return "read"
""",
}
_RUN = """
import re, sys, time
from pathlib import Path
{tool}
path = Path(sys.argv[1])
start = time.process_time()
said = work(path)
spent = max(time.process_time() - start, 0.0001)
peak = int(re.search("VmHWM:\\\\s+(\\\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(said, spent, peak)
"""


def main() -> None:
    """Make the files, run the tools over them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tensor-mib", type=int, default=256)
    asked = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, files in the page cache")
    print(f"{'file':28} {'tool':20} {'said':>14} {'cpu s':>8} {'MB/s':>9} {'MiB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for path, tools in _files(Path(folder), asked.tensor_mib << 20):
            for tool in tools:
                _measure(path, tool)
            path.unlink()


def _files(folder: Path, tensor: int) -> list[tuple[Path, list[str]]]:
    pickled = list(_TOOLS)
    made = [
        (folder / "flood-literals.pkl", b"\x80\x04", b"K\x010N0", b"N."),
        (folder / "flood-lists.pkl", b"\x80\x04]", b"(" + b"K\x01M\x01\x02" * 500 + b"e", b"."),
        (folder / "flood-calls.pkl", b"\x80\x04ccollections\nOrderedDict\nq\x00", b"h\x00)R0", b"."),
        (folder / "flood-then-call.pkl", b"\x80\x04", b"K\x010N0", b"cos\nsystem\n(S'x'\ntR."),
    ]
    files = []
    for path, head, body, tail in made:
        path.write_bytes(head + body * (FLOOD_BYTES // len(body)) + tail)
        files.append((path, pickled if not files else ["roadworthy"]))
    words = folder / "vocabulary.pkl"
    words.write_bytes(pickle.dumps({f"word{index}": index for index in range(1_000_000)}, 4))
    files.append((words, ["roadworthy", "read"]))
    bytes_file = folder / "one-bytes-object.pkl"
    bytes_file.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", tensor) + bytes(tensor) + b".")
    files.append((bytes_file, ["roadworthy", "read"]))
    torch = folder / "tensors.pt"
    torch.write_bytes(_torch(tensor))
    files.append((torch, ["roadworthy", "read"]))
    return files


def _torch(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}.")
        archive.writestr("m/data/0", bytes(size))
        archive.writestr("m/version", b"3\n")
    return file.getvalue()


def _measure(path: Path, tool: str) -> None:
    command = [sys.executable, "-c", _RUN.format(tool=_TOOLS[tool]), str(path)]
    said, spent, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    speed = path.stat().st_size / 1e6 / float(spent)
    print(f"{path.name:28} {tool:20} {said:>14} {float(spent):8.2f} {speed:9,.0f} {float(peak):6.0f}")


if __name__ == "__main__":
    main()
