"""Findings in a text that still grows: the same as in the whole text, whatever pieces it comes in.

How that is. A rule's match depends on the text from its beginning to the point where its pattern can go
no further. The prefixes of all rules' patterns (`prefix`) are one more pattern; where that one, read backwards from
the end of what has come, begins at the earliest, there begins the earliest match that may still grow or come to be:
all before is decided. That much follows for every rule from its pattern. What a check reads behind its candidate is not
proven but waited for (`Rule.ahead`) and tried (`_TRIES`); what it takes from before is declared (`Rule.lead`); tests
cut texts of every rule. A finding is given out once nothing of that can change it, and in the order of the text.

One thing bounds what is held: a structure that is still open after `LONGEST` bytes is judged by these, given out, and
the rest of it skipped up to its end (`Rule.rest`). Only there may the whole text be judged otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

from roadworthy.guard.text.horizon import Horizon, Rest
from roadworthy.guard.text.line import ANY, Line
from roadworthy.guard.text.literal import Literals
from roadworthy.guard.text.rule import LONGEST, Candidate, Finding, Rule
from roadworthy.guard.text.scanner import Block, Compiled, merged

_LOOK_BACK = 1_024
_TRIM = 4_096
_CHEAP = 512
_WINDOW = LONGEST + 512
"""Bytes after which a match is taken for one that is too long to wait for; what stands before a finding included."""
_TRIES = (
    b"a",
    b"0",
    b" a",
    b"0a",
    b'"',
    b"'",
    b" ",
    b"\\",
    b"@",
    b".a",
    b"-a",
    b",",
    b"}",
    b")a",
    b"]",
    b"=",
    b":a",
    b"/",
    b"<",
    b">",
    b"\n",
    b"A" * 24,
    b"***",
    b"-----END PRIVATE KEY-----",
    b"\n-----END PRIVATE KEY-----",
    b'": 1',
    b'" a',
    b"&a",
    b";",
    b"|",
    b'\\"',
    b"\xea\xb0\x80",
)
"""What may follow, as far as checks tell one thing from another."""


class _Long(NamedTuple):
    """A finding of at least `LONGEST` bytes, cut there."""

    finding: Finding
    rule: Rule


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
        self._rest: Rest | None = None
        self._due = 0  # a look is worth its price from this length on

    def feed(self, data: bytes, final: bool = False) -> list[Finding]:
        """Findings that are now decided, in places of the whole text, in order.

        Args:
            data: The next piece, of any length.
            final: Whether the text ends here.
        """
        self._trim()
        self.text = text = self.text + data
        if (self._rest is not None and not self._skip(final)) or (self.start + len(text) < self._due and not final):
            return []
        base, size = self.base, len(text)
        begin = base
        if begin == self.line > 0:
            begin -= 1  # the break before the line
        broken = begin == base or text[begin] == 0x0A
        if final or not broken or self._literals.near(text, base):
            return self._look(final)
        at = self._horizon.begun(text, begin)
        if at < 0:
            return self._look(False)
        if at < size and ANY.search(text, at):
            known = self._horizon.unit(text, at, size)  # what an unfinished escape or character means is not known
            if known < size:
                at = self._horizon.begun(text[:known], begin)
                if at < 0:
                    return self._look(False)
        at = max(base, at, size - _WINDOW)  # what is longer is looked at in no pattern
        self._due = self.start + _worth(size, at)
        self._to(at)
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
                self._to(at)
                if final:
                    self.settled = self.start + len(self.text)
                self._due = self.start + _worth(len(self.text), at)
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

    def _to(self, at: int) -> None:
        text = self.text
        line = text.rfind(b"\n", self.base, at) + 1
        if line:
            self.line, self._opened = line, False
        self.base = at
        free = _whole(text, at)
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
        self._extents: list[tuple[int, int]] = []  # which no place to go on from may stand in
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
        while (block := rule.block(self._text, position, self._end)) is not None:
            if not self._final and self._is_open(rule, block):
                begin = block.start if block.finding is None else min(block.start, block.finding.start)
                self._wait(min(begin, self._led(rule.rule, self._text, self._base, block.start)))
                return
            found, position = block.finding, block.next
            if found is None:
                self._extents.append((block.start, block.start + 1))
            elif found.end - found.start >= LONGEST:
                self._take_long(found, rule.rule)
                return
            else:
                self._found.append(found)
                self._extents.append((min(found.start, block.start), found.end))

    def _is_open(self, rule: Compiled, block: Block) -> bool:
        if self._end - block.start >= LONGEST or block.candidate is None:
            return False
        if _reads_on(rule, block.candidate):
            return True
        if block.finding is None or not rule.rule.rest_end:
            return False
        line = block.candidate.line
        behind = line.position(block.finding.end - max(0, block.start - LONGEST))
        return self._horizon.rest(rule.rule).ending(line.text[behind:])

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
        rules = list(self._horizon.scanner.matching(line))
        if not complete:
            grown = [self._horizon.grown(rule.rule)(text, begin, size) for rule in rules]
            open_at = max(min(self._horizon.open(text, begin), *grown, size), size - _WINDOW)
            open_at = max(open_at, begin)
        for rule in rules:
            open_at = self._search(rule, line, start, begin, open_at, complete)
        if not complete:
            self._wait(start + line.raw_span(open_at, open_at)[0])

    def _search(self, rule: Compiled, line: Line, offset: int, begin: int, open_at: int, complete: bool) -> int:
        """Everything of one rule that begins before `open_at`; returns where it is open from now on."""
        position, text = begin, line.text
        while (match := rule.spans(text, position)) is not None and match[0] < open_at:
            whole = match[0]
            if match[1] - whole > _WINDOW:
                match = rule.spans(text, whole, whole + _WINDOW)
            if match is None or match[0] != whole:
                position = whole + 1
                continue
            candidate = Candidate(line, match[2], match[3])
            if not complete and len(text) - whole <= _WINDOW and _reads_on(rule, candidate):
                return min(open_at, self._led(rule.rule, text, begin, whole))
            position = behind = candidate.start + 1
            found = rule.judged(candidate)
            if found is not None:
                position = max(found.end - 1, position)
                whole, behind = min(whole, found.start), max(found.end, position, match[1])
                self._take(found, line, offset, rule.rule)
            first, last = line.raw_span(whole, behind)
            self._extents.append((first + offset, last + offset))
        return open_at if match is None else min(open_at, self._led(rule.rule, text, begin, match[0]))

    def _led(self, rule: Rule, text: bytes, begin: int, at: int) -> int:
        """Where a finding of a candidate at `at` may begin."""
        lead = self._horizon.lead.get(rule.name)
        if lead is None:
            return at
        begin = max(begin, at - _LOOK_BACK)
        found = lead(text[begin:at], 0, at - begin)
        return begin + found

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


def _worth(size: int, at: int) -> int:
    """How long the text must be for the next look: a long wait is not looked at for every piece."""
    waiting = size - at
    return 0 if waiting < _CHEAP else size + waiting // 16


def _reads_on(rule: Compiled, candidate: Candidate) -> bool:
    """Whether what has not come yet could change what the candidate is.

    What is within a fixed distance is waited for. Beyond, strings and words without a bound are told by trying: a check
    that has seen where its value ends does not change its mind, whatever follows.
    """
    told = rule.rule
    if told.check is None and not told.context:
        return False
    line, start, end = candidate
    if len(line.text) - end < told.ahead:
        return True
    if told.ahead == 0:
        return False
    found = rule.judged(candidate)
    return any(rule.judged(Candidate(line.followed(more), start, end)) != found for more in _TRIES)


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
