"""What a probe is: a function from a context to an outcome, next to a probe.yaml that says what it checks.

    def probe(context: Context) -> Outcome: ...

A probe runs in a process of its own. It may raise `NotMeasured` anywhere; whatever else it raises makes the check an
`error`. What it returns is settled by the runner: a pass without coverage or without evidence is not a pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from roadworthy.core.ports import SecretFinder
from roadworthy.verify import tool, tree
from roadworthy.verify.definition import Definition
from roadworthy.verify.evidence import EvidenceStore, Item
from roadworthy.verify.instant import instant
from roadworthy.verify.outcome import NotMeasured, Outcome


class Progress(Protocol):
    """Told how far a probe is."""

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None:
        """One line; with numbers where there are some."""
        ...


class EvidenceWriter:
    """Keeps what a probe saw, and remembers what was kept.

    Args:
        store: Masks and writes.
        clock: Seconds since the Unix epoch.
    """

    def __init__(self, store: EvidenceStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self.items: list[Item] = []

    def write(
        self,
        content: bytes,
        label: str,
        *,
        media_type: str = "text/plain; charset=utf-8",
        argv: Sequence[str] = (),
        exit_code: int | None = None,
        started: float | None = None,
        tool: str = "roadworthy",
        tool_version: str = "",
        covers: Sequence[str] = (),
    ) -> str:
        """Keep bytes, masked.

        Args:
            content: At most `evidence.LARGEST_BYTES`.
            label: What it is, in a few words.
            media_type: What the bytes are.
            argv: The command that produced them.
            exit_code: Of the command.
            started: Seconds since the Unix epoch; now when None. The end is now.
            tool: What produced them.
            tool_version: Its version.
            covers: Digests or names of what it is about.

        Returns:
            SHA-256 of what was kept.

        Raises:
            StorageError: `store_unavailable`.
        """
        now = self._clock()
        digest, size = self._store.put(content)
        shown = self._store.shown
        item = Item(
            sha256=digest,
            bytes=size,
            media_type=media_type,
            label=shown(label),
            argv=tuple(shown(tree.shown(word)) for word in argv),
            exit_code=exit_code,
            started=instant(now if started is None else started),
            ended=instant(now),
            tool=tool,
            tool_version=tool_version,
            covers=tuple(shown(tree.shown(each)) for each in covers),
        )
        self.items.append(item)
        return digest

    def content(self, sha256: str) -> bytes:
        """What is kept under a digest, as it is kept."""
        return (self._store.folder / sha256).read_bytes()

    def write_json(self, value: object, label: str, *, covers: Sequence[str] = ()) -> str:
        """Keep a value as JSON with sorted keys; see `write`."""
        content = msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1)
        return self.write(content, label, media_type="application/json", covers=covers)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a probe is given.

    Attributes:
        definition: Of the check.
        root: The subject's folder, resolved. Nothing outside of it belongs to the subject.
        settings: The policy's section for this check, with the defaults filled in.
        service: URL of the running service; None when there is none.
        scratch: An empty folder, removed afterwards.
        evidence: Where to keep what was seen.
        progress: To be told now and then.
        deadline: `time.monotonic()` at which the process is killed.
        secrets: Finds credentials and personal data; None where nobody provides it.
        left_out: Names of folders that do not belong to the subject.
        apart: Paths that do not belong to the subject, such as our own output.
        out: Folder of the run's output; earlier reports lie there.
        policy: Bytes of the policy; empty for the defaults.
        run_key: Known to the processes of this run alone; empty where nothing is shared between them.
    """

    definition: Definition
    root: Path
    settings: Mapping[str, Any]
    service: str | None
    scratch: Path
    evidence: EvidenceWriter
    progress: Progress
    deadline: float
    secrets: SecretFinder | None = None
    left_out: tuple[str, ...] = tree.LEFT_OUT
    apart: tuple[Path, ...] = ()
    out: Path | None = None
    policy: bytes = b""
    run_key: bytes = b""

    @property
    def check(self) -> str:
        """Id of the check."""
        return self.definition.id

    def files(self) -> Iterator[tree.Node]:
        """Every entry of the subject; see `tree.walk`."""
        return tree.walk(self.root, self.left_out, self.apart)

    def remaining_s(self) -> float:
        """Seconds left."""
        return max(0.0, self.deadline - time.monotonic())

    def needs_service(self) -> str:
        """URL of the service.

        Raises:
            NotMeasured: There is none.
        """
        if self.service is None:
            raise NotMeasured("No running service was named; give its address with --service.")
        return self.service

    def run(
        self, argv: Sequence[str], *, label: str = "", cwd: Path | None = None, of_subject: bool = False, **extra: Any
    ) -> tool.Ran:
        """Run a tool and keep what it printed as evidence.

        Args:
            argv: The command; looked up on PATH, then next to our Python. A relative path is one in the subject.
            of_subject: Whether it may be the subject's own, because the policy asks for it; else nothing that lies in
                the subject is started under the name of a tool.
            label: What it is; the command's name when empty.
            cwd: The subject's root when None.
            extra: `env`, `timeout_s`, `version_argv`; see `tool.run`.

        Raises:
            NotMeasured: The tool is not installed, or did not end in time.
        """
        timeout_s = extra.pop("timeout_s", None) or max(1.0, self.remaining_s() - 2.0)
        apart = None if of_subject else self.root
        command = [str(self.root / argv[0]), *argv[1:]] if of_subject and "/" in argv[0] else argv
        ran = tool.run(command, cwd=cwd or self.root, home=self.scratch, timeout_s=timeout_s, apart=apart, **extra)
        self.evidence.write(
            ran.output,
            label or Path(argv[0]).name,
            argv=argv,
            exit_code=ran.exit_code,
            started=ran.started,
            tool=Path(argv[0]).name,
            tool_version=ran.version,
        )
        return ran


class Probe(Protocol):
    """Implements one check: the function `probe` of a module `probe`."""

    def __call__(self, context: Context) -> Outcome:
        """Look at the subject; return what was found out.

        Raises:
            NotMeasured: It cannot be found out.
        """
        ...
