"""Findings in a text that still grows: the same as in the whole text, whatever pieces it comes in.

What is proven, and how. A rule's match depends on the text from its beginning to the point where its pattern can go
no further. The prefixes of all rules' patterns (`prefix`) are one more pattern; where that one, read backwards from
the end of what has come, begins at the earliest, there begins the earliest match that may still grow or come to be:
all before is decided. What a check reads behind its candidate is declared by the rule (`ahead`, `reach`) and waited
for. So a finding is given out once no further text can change it, and in the order of the text.

One thing bounds what is held: a structure that is still open after `LONGEST` bytes is judged by these, given out, and
the rest of it skipped up to its end (`Rule.rest`). Texts with lines or structures as long as that are always looked at
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import re2

from roadworthy.guard.text.line import ANY, UNIT, Line
from roadworthy.guard.text.literal import Literals
from roadworthy.guard.text.prefix import prefixes
from roadworthy.guard.text.rule import LONGEST, Candidate, Finding, Rule
from roadworthy.guard.text.scanner import Compiled, Scanner, merged, options

_LOOK_BACK = 1_024
_TRIM = 4_096
_CHEAP = 512
_WINDOW = LONGEST + 512
"""Bytes after which a match is taken for one that is too long to wait for; what stands before a finding included."""
_ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
Search = Callable[[bytes, int, int], int]
"""From a text, a beginning and an end to where the first match begins; -1 when there is none."""


class _Long(NamedTuple):
    """A finding of at least `LONGEST` bytes, cut there."""

    finding: Finding
    rule: Rule


class Horizon:
    """What the rules of a scanner may still grow into. Shared by all texts; safe for threads.

    Args:
        scanner: Has the rules.
    """

    def __init__(self, scanner: Scanner) -> None:
        lines, blocks = [each.rule for each in scanner.rules], [each.rule for each in scanner.blocks]
        every = [*lines, *blocks]
        units = prefixes(UNIT)
        self.scanner = scanner
        self.reach = {rule.name: re.compile(rule.reach.encode()) for rule in every if rule.reach}
        self.lead = {rule.name: _search(f"(?:{rule.lead})", True) for rule in every if rule.lead}
        self.ahead = {rule.name: rule.ahead if rule.check or rule.context else 0 for rule in every}
        self.gate = _search("|".join([rule.trigger for rule in every] + [UNIT]), False)
        self.unit = _search(units, True)
        self.line = _search("|".join(_growing(rule, rule.before) for rule in lines) or "[^\0-\xff]", True)
        self.block = _search("|".join(_growing(rule, rule.before) for rule in blocks) or "[^\0-\xff]", True)
        self.all = _search("|".join([_growing(rule, rule.before) for rule in every] + [units]), True)
        self.cores = _search("|".join([_growing(rule, "") for rule in every] + [units]), True)
        self._rests: dict[str, _Rest] = {}

    def rest(self, rule: Rule) -> _Rest:
        """What a long finding of this rule goes on with."""
        found = self._rests.get(rule.name)
        if found is None:
            found = self._rests[rule.name] = _Rest(rule)
        return found


class _Rest:
    """Reads what follows the first `LONGEST` bytes of a finding."""

    def __init__(self, rule: Rule) -> None:
        def anchored(pattern: str) -> Callable[[bytes], re2._Match | None]:
            match: Callable[[bytes], re2._Match | None]
            match = re2.compile(rf"(?s)\A(?:{pattern})".encode(), options()).match
            return match

        self._run = anchored(f"(?:{rule.rest})*")
        self._end = anchored(rule.rest_end)
        self._begun = anchored(f"(?:{prefixes(f'{rule.rest}|{rule.rest_end}')})\\z")

    def end(self, text: bytes, final: bool) -> tuple[int, bool]:
        """How far it goes, and whether it ends there."""
        run = self._run(text)
        at = 0 if run is None else run.end()
        tail = text[at:]
        if not final and self._begun(tail) is not None:
            return at, False
        end = self._end(tail)
        return at + (0 if end is None else end.end()), True


class Progress:
    """One text on its way.

    Args:
        horizon: What to look for.
        literals: Known values.

    Attributes:
        text: What is kept of the text, its last part included.
        start: Where in the whole text that begins.
        settled: Place in the whole text up to which everything is decided and given out.
        hidden: Place in the whole text up to which the last finding goes on, where that is longer than `LONGEST`.
    """

    def __init__(self, horizon: Horizon, literals: Literals) -> None:
        self._horizon = horizon
        self._literals = literals
        self.text = b""
        self.start = self.settled = self.hidden = 0
        self.base = 0  # no match that is not given out begins before
        self.line = 0  # where the line of the base begins, as far as it is kept
        self._opened = False  # whether what is kept of that line begins inside a JSON string
        self._rest: _Rest | None = None
        self._due = 0  # a look is worth its price from this length on

    def feed(self, data: bytes, final: bool = False) -> list[Finding]:
        """Findings that are now decided, in places of the whole text, in order.

        Args:
            data: The next piece, of any length.
            final: Whether the text ends here.
        """
        self._trim()
        self.text = text = self.text + data
        if (self._rest is not None and not self._skip(final)) or (len(text) < self._due and not final):
            return []
        base, size = self.base, len(text)
        begin = base
        if begin == self.line > 0:
            begin -= 1  # the break before the line
        broken = begin == base or text[begin] == 0x0A
        if final or not broken or self._horizon.gate(text, begin, size) >= 0 or self._literals.near(text, base):
            return self._look(final)
        self._due = 0
        horizon = self._horizon
        at = free = max(base, horizon.all(text, begin, size))
        if at < size:
            # what an unfinished escape or character means is not known
            known = horizon.unit(text, at, size) if ANY.search(text, at) else size
            if known < size:
                seen = text[:known]
                at = max(base, horizon.all(seen, begin, known))
                free = horizon.cores(seen, at, known)
            else:
                free = horizon.cores(text, at, size)
        self._to(at, free)
        return []

    def current(self, end: int) -> Line:
        """The line of the base as far as it is kept, up to `end`."""
        return Line(self.text[self.line : end], self._opened)

    # -- a closer look

    def _look(self, final: bool) -> list[Finding]:
        given: list[Finding] = []
        while True:
            view = _View(self, self._horizon, self._literals, final)
            at, found, longest = view.decided()
            given += [each._replace(start=each.start + self.start, end=each.end + self.start) for each in found]
            if longest is None:
                self._to(at, at)
                if final:
                    self.settled = self.start + len(self.text)
                waiting = len(self.text) - at
                self._due = 0 if waiting < _CHEAP else len(self.text) + waiting // 16
                return given
            self.base = longest.finding.end
            self._opened = False
            self._rest = self._horizon.rest(longest.rule)
            over = self._skip(final)
            given[-1] = given[-1]._replace(end=self.hidden)
            if not over:
                return given

    def _skip(self, final: bool) -> bool:
        """Go over what a long finding goes on with; whether that ends. What follows is taken for a line of its own."""
        assert self._rest is not None
        end, over = self._rest.end(self.text[self.base :], final)
        self.base += end
        self.line = self.base
        self.settled = self.hidden = self.start + self.base
        if over:
            self._rest = None
        return over

    # -- bookkeeping

    def _to(self, at: int, free: int) -> None:
        text = self.text
        line = text.rfind(b"\n", self.base, at) + 1
        if line:
            self.line, self._opened = line, False
        self.base = at
        free = _whole(text, free)
        if free and text[free - 1] == 0x2D:
            free -= 1  # a sign goes with the number that it stands before
        self.settled = max(self.settled, self.start + free)

    def _trim(self) -> None:
        """Forget what no rule looks back to."""
        keep = min(self.base, self.settled - self.start) - _LOOK_BACK
        if keep < _TRIM:
            return
        if keep > self.line:
            line = self.current(self.base)
            raw, self._opened = line.cut(max(0, line.position(keep - self.line)))
            keep = self.line = self.line + raw
        self.text = self.text[keep:]
        self.start += keep
        self.base -= keep
        self.line -= keep


class _View:
    """One closer look at what is not given out yet. Places are those of `Progress.text`."""

    def __init__(self, progress: Progress, horizon: Horizon, literals: Literals, final: bool) -> None:
        self._progress = progress
        self._horizon = horizon
        self._text = text = progress.text
        self._base = progress.base
        self._final = final
        self._found: list[Finding] = []
        self._extents: list[tuple[int, int]] = []  # of every match, also those that the check refused
        self._long: _Long | None = None
        self._end = len(text) if final else horizon.unit(text, self._base, len(text))
        self._open = self._end  # what begins here or behind may still change
        for rule in horizon.scanner.blocks:
            self._blocks(rule)
        if not final and horizon.scanner.blocks:
            self._wait(horizon.block(text[: self._end], self._base, self._end))
        self._lines([(each.start, each.end) for each in self._found])
        self._known(literals)

    def _wait(self, at: int) -> None:
        self._open = min(self._open, at)

    def _blocks(self, rule: Compiled) -> None:
        position = self._base
        while (found := rule.block(self._text, position, self._end)) is not None:
            if found.end - found.start >= LONGEST:
                self._take_long(found, rule.rule)
                return
            text = Line(self._text[found.start : self._end]).text
            if not self._final and self._horizon.block(text, 0, len(text)) == 0:
                self._wait(found.start)
                return
            self._found.append(found)
            self._extents.append((found.start, found.end))
            position = found.end

    def _known(self, literals: Literals) -> None:
        for each in literals.scan(self._text, self._base):
            self._found.append(each)
            self._extents.append((each.start, each.end))
        if not self._final:
            self._wait(literals.growing(self._text, self._base))

    def _lines(self, blocks: list[tuple[int, int]]) -> None:
        """The line of the base, those behind it that the gate points at, and the last one."""
        text, start = self._text, self._progress.line
        end = text.find(b"\n", self._base)
        if end >= 0:
            self._line(start, end, True)
            last = text.rfind(b"\n") + 1
            for start, stop in self._horizon.scanner.lines(text, end):
                if start < last and not any(first <= start and stop <= behind for first, behind in blocks):
                    self._line(start, stop, True)
            start = last
        self._line(start, max(start, self._end), self._final)

    def _line(self, start: int, end: int, complete: bool) -> None:
        """Findings of one line; where it is not complete, also what of it is still open."""
        progress = self._progress
        first = start == progress.line
        line = progress.current(end) if first else Line(self._text[start:end])
        begin = line.position(self._base - start) if first else 0
        text, size = line.text, len(line.text)
        open_at = size + 1
        if not complete:
            open_at = max(self._horizon.line(text, begin, size), size - _WINDOW)
        for rule in self._horizon.scanner.matching(text):
            open_at = self._search(rule, line, start, begin, open_at, complete)
        if not complete:
            self._wait(start + line.raw_span(open_at, open_at)[0])

    def _search(self, rule: Compiled, line: Line, offset: int, begin: int, open_at: int, complete: bool) -> int:
        """Everything of one rule that begins before `open_at`; returns where it is open from now on."""
        position = begin
        while (match := rule.search(line.text, position)) is not None and match.start() < open_at:
            whole = match.start()
            if match.end() - whole > _WINDOW:
                match = rule.search(line.text, whole, whole + _WINDOW)
            if match is None or match.start() != whole:
                position = whole + 1
                continue
            start, end = match.span(1)
            if not complete and len(line.text) - whole <= _WINDOW and self._reads_on(rule.rule, line.text, end):
                return min(open_at, self._led(rule.rule, line.text, begin, whole))
            position = behind = start + 1
            found = rule.judged(Candidate(line, start, end))
            if found is not None:
                position = max(found.end, position)
                whole, behind = min(whole, found.start), max(position, match.end())
                self._take(found, line, offset, rule.rule)
            first, last = line.raw_span(whole, behind)
            self._extents.append((first + offset, last + offset))
        return open_at if match is None else min(open_at, self._led(rule.rule, line.text, begin, match.start()))

    def _reads_on(self, rule: Rule, text: bytes, end: int) -> bool:
        """Whether the check would read what has not come yet."""
        if len(text) - end < self._horizon.ahead[rule.name]:
            return True
        reach = self._horizon.reach.get(rule.name)
        return reach is not None and reach.fullmatch(text, end) is not None

    def _led(self, rule: Rule, text: bytes, begin: int, at: int) -> int:
        """Where a finding of a candidate at `at` may begin."""
        lead = self._horizon.lead.get(rule.name)
        if lead is None:
            return at
        begin = max(begin, at - _LOOK_BACK)
        found = lead(text[begin:at], 0, at - begin)
        return at if found < 0 else begin + found

    def _take(self, found: Finding, line: Line, offset: int, rule: Rule) -> None:
        first, last = line.raw_span(found.start, found.end)
        found = found._replace(start=first + offset, end=last + offset)
        if last - first >= LONGEST:
            self._take_long(found, rule)
        else:
            self._found.append(found)

    def _take_long(self, found: Finding, rule: Rule) -> None:
        if self._long is None or found.start < self._long.finding.start:
            self._long = _Long(found._replace(end=found.start + LONGEST), rule)

    def decided(self) -> tuple[int, list[Finding], _Long | None]:
        """Up to where all is decided, the findings before that, and the long one with which it ends, if one does."""
        at, longest = self._open, self._long
        if longest is not None:
            start = longest.finding.start
            if at >= start:
                found = merged([each for each in self._found if each.start < start] + [longest.finding])
                return found[-1].end, found, _Long(found[-1], longest.rule)
            self._extents.append((start, len(self._text) + 1))
        crossing = True
        while crossing:
            crossing = False
            for first, last in self._extents:
                if first < at < last:
                    at, crossing = first, True
        at = max(at, self._base)
        return at, [each for each in merged(self._found) if each.end <= at], None


def _growing(rule: Rule, before: str) -> str:
    """What a finding of the rule may begin with, as a pattern."""
    lead = f"(?:{rule.lead})?" if rule.lead else ""
    return prefixes(f"{before}{lead}(?:{rule.core}){rule.after}".encode().decode("latin-1"))


def _search(pattern: str, at_end: bool) -> Search:
    chosen = options()
    chosen.never_capture = True
    raw = pattern.encode() if pattern.isascii() else pattern.encode("latin-1" if at_end else "utf-8")
    match = re2.compile(b"(?:%b)\\z" % raw if at_end else raw, chosen)._regexp.Match
    return lambda text, start, end: int(match(_ANYWHERE, text, start, end)[0][0])


def _whole(text: bytes, at: int) -> int:
    """The place, or the beginning of the character in whose middle it is; also when the rest has not come yet."""
    for back in range(1, min(4, at + 1)):
        lead = text[at - back]
        if lead >= 0xC0:
            length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return at - back if length > back else at
        if lead < 0x80:
            break
    return at
