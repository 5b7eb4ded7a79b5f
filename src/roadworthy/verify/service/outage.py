"""Chaos scenarios that take something from the edge itself: its records, its disk, its clock, its cache, every model.

What can be taken without privileges is taken from the second edge alone. Each one must be felt: a lock that delayed no
record, a limit that no write met, a clock that stayed, is not a scenario that was executed.
"""

from __future__ import annotations

import resource
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from email.utils import parsedate_to_datetime

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.double import Behaviour
from roadworthy.verify.service.drill import Drill
from roadworthy.verify.service.played import REQUESTS, Played, asked
from roadworthy.verify.service.second import free_port

JUMPS_S = (26 * 3600.0, -26 * 3600.0, 0.0)
"""The wall clock is off by so much, one after the other: past midnight both ways, and back."""
_FELT_S = 3.0
_CAUGHT_UP_S = 15.0
_DATED_S = 1.2
"""The `date` of answers is made once a second."""
_LAG = "roadworthy_journal_lag_entries"
_DROPPED = "roadworthy_journal_dropped_total"


def database_away(drill: Drill, found: Played) -> list[Reply]:
    """Every database of the edge is locked by somebody else: answers go on, records wait and are whole afterwards."""
    with databases_locked(drill):
        replies = asked(drill, REQUESTS, found.name)
        _felt(drill, found)
    _recorded(drill, found, replies)
    return replies


def disk_full(drill: Drill, found: Played) -> list[Reply]:
    """No file can grow by a byte (RLIMIT_FSIZE 0, errno EFBIG): nothing is lost without being told."""
    with no_growth(drill):
        replies = asked(drill, REQUESTS, found.name)
        _felt(drill, found)
    _recorded(drill, found, replies)
    return replies


def clock_jump(drill: Drill, found: Played) -> list[Reply]:
    """The wall clock jumps while requests are under way: none is late, lost or refused for it."""
    line, replies, seen = drill.lines[0], list[Reply](), list[float]()
    with _clock(drill) as set_clock:
        for jump in JUMPS_S:
            drill.doubles.all("answer", delay_s=0.2 * line.deadline_s)
            with drill.meanwhile(lambda: asked(drill, REQUESTS // 3, found.name)) as under_way:
                time.sleep(0.1 * line.deadline_s)
                set_clock(jump)
            replies += under_way
            drill.doubles.all()
            time.sleep(_DATED_S)
            last = asked(drill, 2, found.name)
            replies += last
            seen += [_off(each) for each in last if each.status == 200]
        verified = drill.edge.chain_whole()
        found.timeline.append({"what": "clock seen in answers, seconds off", "off": [round(each) for each in seen]})
    if not any(abs(each) > 3600 for each in seen):
        found.harmless = "no answer showed that the clock had jumped"
    if not verified:
        found.problems.append("the chain of records is broken")
    refused = sum(each.status != 200 for each in replies)
    if refused:
        found.problems.append(f"{refused} requests were refused although every provider was well")
    return replies


def cache_away(drill: Drill, found: Played) -> list[Reply]:
    """The server that replicas share does not answer: the edge starts and serves from what it has itself."""
    if "state.url" not in drill.copy.changed:
        found.inapplicable = (
            "The configuration names no state.url: answers are kept in the memory of each worker, and nothing else can "
            "go away; that memory goes with worker_killed."
        )
        return []
    state = drill.copy.data["state"]
    drill.copy.environ["VERIFY_STATE_URL"] = f"valkey://127.0.0.1:{free_port()}/0"
    state["url"] = "env:VERIFY_STATE_URL"
    try:
        _again(drill)
        replies = asked(drill, REQUESTS, found.name)
        if not all(each.status == 200 for each in replies):
            found.problems.append("it does not serve from its own state while the shared one is away")
    finally:
        state["url"] = None
        _again(drill)
    return replies


def full_degradation(drill: Drill, found: Played) -> list[Reply]:
    """The models fail one after the other, from the first choice to the last: what is left serves, until none is."""
    line = next((each for each in drill.lines if each.mode), max(drill.lines, key=lambda each: len(each.targets)))
    names = list(dict.fromkeys(str(target) for each in drill.lines for target in each.targets))
    order = [str(target) for target in line.targets] + [name for name in names if name not in map(str, line.targets)]
    replies: list[Reply] = []
    for gone, name in enumerate(order, 1):
        drill.doubles.behaviour[name] = Behaviour("refuse")
        texts = [f"{found.name} {gone} {at}" for at in range(6)]
        questions = [Question(line.name, text, headers={"cache-control": "no-store"}) for text in texts]
        got = drill.ask(questions, parallel=2, timeout_s=20.0)
        replies += got
        served = sum(each.status == 200 for each in got)
        found.timeline.append({"what": f"{gone} of {len(order)} models gone", "served": served, "of": len(got)})
        if gone < len(line.targets) and served < len(got):
            left = len(line.targets) - gone
            found.problems.append(f"{len(got) - served} requests were not served with {left} models of the chain left")
    return replies


OUTAGES: dict[str, Callable[[Drill, Played], list[Reply]]] = {
    "cache_away": cache_away,
    "database_away": database_away,
    "disk_full": disk_full,
    "clock_jump": clock_jump,
    "full_degradation": full_degradation,
}


@contextmanager
def databases_locked(drill: Drill) -> Iterator[None]:
    """Somebody else holds every database of the second edge.

    Raises:
        NotMeasured: It keeps none, or one cannot be locked.
    """
    files = sorted(drill.edge.state_dir.glob("*.db"))
    if not files:
        raise NotMeasured("The second edge keeps no database.")
    with ExitStack() as stack:
        for file in files:
            held = stack.enter_context(closing(sqlite3.connect(file, timeout=5.0, isolation_level=None)))
            try:
                held.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as problem:
                raise NotMeasured(f"The database {file.name} of the second edge cannot be locked: {problem}.") from None
            stack.callback(held.execute, "ROLLBACK")
        yield


@contextmanager
def no_growth(drill: Drill) -> Iterator[None]:
    """No process of the second edge can make a file longer."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in drill.edge.pids}
    try:
        for pid, (_, hard) in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        yield
    finally:
        # Those that were started meanwhile took the limit over.
        soft = next(iter(before.values()), None)
        for pid in drill.edge.pids:
            if limit := before.get(pid, soft):
                _limit(pid, limit)


def _limit(pid: int, limit: tuple[int, int]) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


def _felt(drill: Drill, found: Played) -> None:
    """Records wait, or were dropped and counted: the edge met the fault."""

    def met() -> bool:
        scrape = drill.scrape()
        return scrape.total(_LAG) > 0 or scrape.total(_DROPPED) > 0

    if not drill.until(met, _FELT_S):
        found.harmless = "no record had to wait for it"
    scrape = drill.scrape()
    found.timeline.append(
        {"what": "records", "waiting": scrape.total(_LAG), "dropped": scrape.total(_DROPPED)}
    )  # fmt: skip


def _recorded(drill: Drill, found: Played, replies: list[Reply]) -> None:
    """Each answer is in the records by and by, or the edge tells how many are not."""
    answered = {each.headers.get("x-request-id", "") for each in replies if each.status == 200}
    drill.until(lambda: drill.scrape().total(_LAG) == 0, _CAUGHT_UP_S)
    lost = len(answered - drill.recorded())
    told = drill.scrape().total(_DROPPED)
    found.timeline.append({"what": "afterwards", "answered": len(answered), "not_recorded": lost, "told": told})
    if lost > told:
        found.problems.append(f"{lost} answered requests are in no record, and it tells of {told:.0f}")
    if not drill.edge.chain_whole():
        found.problems.append("the chain of records is broken")


@contextmanager
def _clock(drill: Drill) -> Iterator[Callable[[float], None]]:
    file = drill.edge.folder / "clock"

    def set_clock(seconds: float) -> None:
        with file.open("r+b") as held:
            held.write(struct.pack("<d", seconds))

    file.write_bytes(bytes(8))
    drill.edge.clock = file
    try:
        _again(drill)
        yield set_clock
    finally:
        drill.edge.clock = None
        _again(drill)


def _again(drill: Drill) -> None:
    """Start the second edge again, with its configuration as it is now."""
    drill.edge.kill()
    drill.edge.write()
    drill.edge.start()


def _off(reply: Reply) -> float:
    """Seconds that the clock of an answer is off."""
    try:
        return parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()
    except (KeyError, ValueError):
        return 0.0
