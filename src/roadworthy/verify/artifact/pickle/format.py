"""A file, or a member, that is a pickle or may be one."""

from __future__ import annotations

from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.pickle.walk import Walked, only_padding, walk_stream
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Source


def begins(head: bytes) -> bool:
    """Whether the bytes say that they are a pickle: `PROTO` and a protocol that exists."""
    return len(head) >= 2 and head[0] == 0x80 and head[1] <= 5


def judge(source: Source, inspection: Inspection, *, torchscript: bool = False) -> None:
    """Judge bytes that begin like a pickle.

    Raises:
        BudgetSpent: It is too long.
    """
    inspection.recognise("pickle")
    walked = walk_stream(source, inspection, torchscript=torchscript)
    _judge_end(source, inspection, walked)


def attempt(source: Source, inspection: Inspection, *, alone: bool) -> bool:
    """Judge bytes that may be a pickle of protocol 0 or 1, which have no beginning of their own.

    Args:
        source: The bytes.
        inspection: Gets the findings when they are one.
        alone: Nothing else recognises them. Else only what is not clean counts.

    Returns:
        Whether they are one: the walk reaches a `STOP`, or breaks off after it called something by a name that could
        be one, or after it imported a name that attacks are known to use; chance does none of it.
    """
    trial = inspection.trial()
    walked = walk_stream(source, trial)
    unsafe = trial.verdict is Verdict.UNSAFE
    known = any(reason.rule == "pickle.import.dangerous" for reason in trial.reasons)
    if not walked.plausible or not (walked.pickles or (walked.calls and unsafe) or known):
        return False
    if not alone and not unsafe:
        return False
    inspection.recognise("pickle")
    inspection.take(trial)
    _judge_end(source, inspection, walked)
    return True


def _judge_end(source: Source, inspection: Inspection, walked: Walked) -> None:
    broken = walked.broken
    if walked.torch:
        inspection.recognise("torch-legacy")
        expected = walked.storages.raw_bytes()
        left = source.size - walked.end
        if broken is None and left and expected != left:
            what = f"{left:,} bytes follow the pickles; the storages that they name take another number."
            inspection.find("file.trailing", what, walked.end)
    if broken is None:
        return
    if walked.pickles == 0 or broken.offset is None or broken.offset > walked.end or walked.torch:
        if walked.pickles == 0 or not only_padding(source, walked.end):
            inspection.find("pickle.broken", broken.what, broken.offset)
    elif not only_padding(source, walked.end):
        inspection.find("file.trailing", "Something that is no pickle follows.", walked.end)
