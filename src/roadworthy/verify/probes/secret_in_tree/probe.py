"""SEC-01: no credential lies in the tree or in any commit; found with file and line, never shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from roadworthy.core.errors import ConfigError, SubjectError
from roadworthy.core.ports import FoundSecret, SecretFinder
from roadworthy.verify.credential.doubt import doubtful
from roadworthy.verify.credential.history import blobs, committed, object_ids
from roadworthy.verify.credential.subject_text import decoded, sort_out
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown

LEAST_REASON = 15


class _Looked:
    """What was looked at so far, and what was found."""

    def __init__(self, context: Context, finder: SecretFinder) -> None:
        self.context, self.finder = context, finder
        self.findings: list[Finding] = []
        self.missing: list[Missing] = []
        self.examined = self.existing = 0
        self.doubtful_in_history = 0
        self.excused = _excused(context.settings["not_secret"])
        self.made_up = {place: Counter[str]() for place in self.excused}
        self.seen: set[str] = set()

    def add(self, name: str, found: Sequence[FoundSecret], content: bytes, object_id: str = "") -> None:
        """Keep what was found in one file or object; of an object of the history only what is sure."""
        self.examined += 1
        secrets = [each for each in found if each.secret]
        lines = decoded(content).split("\n") if secrets else []
        place = next((each for each in self.excused if _below(name, each)), None)
        # Numbered and not by line: lines move, and a hash of the value would tell a weak one.
        for number, each in enumerate(secrets):
            line = lines[each.line - 1] if each.line <= len(lines) else ""
            doubt = doubtful(each, name, line)
            if place is not None:
                self.made_up[place].update([] if doubt else [each.kind])
                continue
            if doubt and object_id:
                self.doubtful_in_history += 1
                continue
            where = f" in the history (object {object_id[:12]})" if object_id else ""
            said = f"A word where a {each.kind} may stand." if doubt else f"A secret of the kind {each.kind}{where}."
            self.findings.append(
                finding(
                    self.context.check, "doubtful" if doubt else each.kind.lower(), said,
                    key=(name, object_id, each.rule, str(number)),
                    severity=Severity.NOTE if doubt else Severity.CRITICAL,
                    location=Location(path=shown(name), line=each.line),
                )
            )  # fmt: skip

    def told(self) -> list[Finding]:
        """A note for each place whose values the policy says are made up: looked through, counted, and not held against
        the subject."""
        made = []
        for place, reason in self.excused.items():
            kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.made_up[place].items())) or "none"
            said = f"The policy says that values in {shown(place)} are made up ({shown(reason)}). Found there: {kinds}."
            where = Location(path=shown(place))
            made.append(finding(
                self.context.check, "made-up", said, key=(place,), severity=Severity.NOTE, location=where
            ))  # fmt: skip
        return made


def _excused(places: Mapping[str, object]) -> dict[str, str]:
    """The places of the policy, with their reasons.

    Raises:
        ConfigError: `config_invalid`: one covers the whole subject, or gives no reason.
    """
    for place, reason in places.items():
        if not place.strip("./*\\ "):
            raise ConfigError(f"The policy's SEC-01.not_secret names {place!r}, which is everything.")
        if len(str(reason).strip()) < LEAST_REASON:
            raise ConfigError(f"The policy's SEC-01.not_secret gives no reason for {shown(place)}.")
    return {place: str(reason) for place, reason in places.items()}


def _below(name: str, place: str) -> bool:
    return name == place or name.startswith(place.rstrip("/") + "/")


def probe(context: Context) -> Outcome:
    """Look through the tree, then through every commit."""
    if context.secrets is None:
        raise NotMeasured("Nobody provides a finder of secrets.")
    looked = _Looked(context, context.secrets)
    _tree(looked)
    if context.settings["history"]:
        _history(looked)
    else:
        looked.existing += 1
        looked.missing.append(Missing(name="the history; the policy leaves it out"))
    context.evidence.write_json(
        {"existing": looked.existing, "examined": looked.examined, "findings": len(looked.findings),
         "doubtful_in_history": looked.doubtful_in_history,
         "made_up": {shown(place): dict(sorted(kinds.items())) for place, kinds in looked.made_up.items()},
         "left_out": [{"name": each.name, "reason": each.reason} for each in looked.missing]},
        "what was looked through",
    )  # fmt: skip
    coverage = Coverage(
        examined=looked.examined, existing=looked.existing, missing=tuple(looked.missing),
        how_counted="Existing: files of a walk, and objects of git rev-list. Examined: texts read to their end.",
    )  # fmt: skip
    sure = sum(each.severity is Severity.CRITICAL for each in looked.findings)
    unsure = len(looked.findings) - sure + looked.doubtful_in_history
    made_up = sum(kinds.total() for kinds in looked.made_up.values())
    return judged(
        f"{sure} secrets, {made_up} values that the policy says are made up and {unsure} doubtful words in "
        f"{looked.examined} texts of tree and history.",
        coverage=coverage, findings=(*looked.findings, *looked.told()),
    )  # fmt: skip


def _tree(looked: _Looked) -> None:
    found = sort_out(looked.context.files(), {})
    looked.existing += found.existing
    looked.missing += found.missing
    for number, node in enumerate(found.texts):
        looked.context.progress("tree", number, len(found.texts))
        try:
            content = node.path.read_bytes()
            looked.add(node.name, looked.finder.in_file(node.path), content)
            looked.seen.update(object_ids(content))
        except OSError as problem:
            looked.missing.append(Missing(name=f"{shown(node.name)}: {problem.strerror}"))
        except SubjectError as problem:
            reason = "binary" if "binary" in problem.what else ""
            looked.missing.append(Missing(name=f"{shown(node.name)}: {problem.what}", reason=reason))


def _history(looked: _Looked) -> None:
    root = looked.context.root
    if not (root / ".git").exists():
        looked.existing += 1
        looked.missing.append(Missing(name="history", reason="the subject is no git repository; it has none"))
        return
    names = committed(root)
    wanted = [object_id for object_id in names if object_id not in looked.seen]
    kept = 0
    for number, blob in enumerate(blobs(root, wanted, names)):
        looked.context.progress("history", number, len(wanted))
        looked.existing += 1
        if blob.content is None:
            looked.missing.append(Missing(name=f"{shown(blob.name)} (object {blob.id[:12]}): too large or not there"))
        elif b"\0" in blob.content[:8192]:
            kept += 1
        else:
            looked.add(blob.name, looked.finder.in_text(blob.content), blob.content, blob.id)
    if kept:
        looked.missing.append(Missing(name="objects of the history", reason="binary", count=kept))
