"""What several checks of one run need is made once: the first makes it, the others wait for it and read it.

It lies in the run's output for as long as the run lasts, with a code that only the run's own processes can make: the
tests of the subject run at the same time and could write there too.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from roadworthy.verify import regular
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.output import put
from roadworthy.verify.probe import Context

FOLDER = "shared"
"""Below the output; removed when a run begins and ends."""
START_S = 20.0
"""So long is waited for a check that is to hand something over to begin."""
MOST_BYTES = 512 * 1024 * 1024
_STEP_S = 0.05
_CODE_BYTES = 32


def shared(context: Context, name: str, key: bytes, make: Callable[[], bytes]) -> bytes:
    """What `make` gives, made by the first process of the run that asks for it.

    Args:
        context: Of the probe.
        name: What it is, as a name of a file.
        key: What it was made from; something made from anything else is not taken.
        make: Makes it.

    Raises:
        NotMeasured: The check that makes it did not end in time.
    """
    if context.out is None or not context.run_key:
        return make()
    folder = context.out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{hashlib.sha256(key).hexdigest()[:32]}"
    handle = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _locked(handle, context)
        found = _read(file, context.run_key, key)
        if found is None:
            found = make()
            put(file, _code(context.run_key, key, found) + found, mode=0o600)
        return found
    finally:
        os.close(handle)


@contextmanager
def handing_over(context: Context, name: str) -> Iterator[Callable[[bytes], None]]:
    """What a check of this run has for another: call it with the bytes; who waits is let in when the block ends.

    Args:
        context: Of the probe.
        name: What it is, as a name of a file.
    """
    if context.out is None:
        yield lambda content: None
        return
    folder = context.out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file, mine = folder / name, folder / f"{name}.{os.getpid()}"
    file.unlink(missing_ok=True)
    handle = os.open(mine, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        mine.rename(folder / f"{name}.lock")  # it is there only once it is locked
        key = name.encode()
        yield lambda content: put(file, _code(context.run_key, key, content) + content, mode=0o600)
    finally:
        os.close(handle)


def handed_over(context: Context, name: str, by: str) -> bytes:
    """What another check of this run handed over; waits for its end.

    Args:
        context: Of the probe.
        name: As in `handing_over`.
        by: The other check, for people.

    Raises:
        NotMeasured: It did not run in this run, did not end in time, or had nothing.
    """
    if context.out is None:
        raise NotMeasured("There is no folder to hand results over in.")
    lock, begun = context.out / FOLDER / f"{name}.lock", time.monotonic()
    while not lock.exists():
        if time.monotonic() - begun > min(START_S, context.remaining_s() - 1.0):
            raise NotMeasured(f"{by} was not part of this run.")
        time.sleep(_STEP_S)
    handle = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _locked(handle, context)
    finally:
        os.close(handle)
    found = _read(context.out / FOLDER / name, context.run_key, name.encode())
    if found is None:
        raise NotMeasured(f"{by} measured nothing in this run.")
    return found


@contextmanager
def alone(context: Context) -> Iterator[None]:
    """One load at a time: two checks that load the machine and time it would time each other."""
    if context.out is None:
        yield
        return
    folder = context.out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "load-alone.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _locked(handle, context)
        yield
    finally:
        os.close(handle)


def _locked(handle: int, context: Context) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if context.remaining_s() < 2.0:
                raise NotMeasured("Another check that is waited for did not end in time.") from None
            time.sleep(_STEP_S)


def _read(file: Path, run_key: bytes, key: bytes) -> bytes | None:
    try:
        content = regular.read(file, MOST_BYTES)
    except OSError:
        return None
    code, found = content[:_CODE_BYTES], content[_CODE_BYTES:]
    return found if hmac.compare_digest(code, _code(run_key, key, found)) else None


def _code(run_key: bytes, key: bytes, content: bytes) -> bytes:
    return hmac.digest(run_key, hashlib.sha256(key).digest() + content, "sha256")
