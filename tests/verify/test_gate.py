"""The gate: GO only for an untouched, complete, signed report on exactly what is deployed; else the right refusal."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rig.verification import START, Run, good
from roadworthy.core.errors import Exit, RoadworthyError
from roadworthy.verify import history
from roadworthy.verify.gate import Asked, Ruling, gate
from roadworthy.verify.outcome import Coverage, Outcome, finding, judged, not_measured
from roadworthy.verify.report.files import sign_earlier, written
from roadworthy.verify.report.record import Report, encoded
from roadworthy.verify.signing import opened, signed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
DAY = 86_400.0
FULL = Coverage(examined=1, existing=1, how_counted="by hand")


class Made(NamedTuple):
    """A run on disk."""

    subject: Path
    out: Path
    report: Report


@pytest.fixture(scope="module")
def first() -> list[Made]:
    """Where the first test that needs a run leaves it for the others to copy."""
    return []


@pytest.fixture
def made(
    tmp_path: Path, subject: Path, tmp_path_factory: pytest.TempPathFactory, inspected: Run, first: list[Made]
) -> Made:
    """A signed GO."""
    if not first:
        folder = tmp_path_factory.mktemp("first")
        good, out = folder / "subject", folder / "out"
        (good / "model").mkdir(parents=True)
        (good / "app.py").write_text("answer = 42\n")
        (good / "model" / "weights.bin").write_bytes(bytes(1000))
        report = inspected(good, out)
        written(report, out, KEY)
        first.append(Made(good, out, report))
    shutil.copytree(first[0].subject, subject, dirs_exist_ok=True)
    shutil.copytree(first[0].out, tmp_path / "out")
    return Made(subject, tmp_path / "out", first[0].report)


def ruled(made: Made, **changes: Any) -> Ruling:
    asked = Asked(made.out, [KEY.public_key()], made.subject, None, None, START + 60)
    return gate(asked._replace(**changes))


def refused(made: Made, said: str, **changes: Any) -> None:
    with pytest.raises(RoadworthyError) as caught:
        ruled(made, **changes)
    assert caught.value.code == "integrity_mismatch"
    assert caught.value.spec.exit_code == Exit.CONFIGURATION == 3
    assert said in str(caught.value), str(caught.value)


def test_a_good_run_is_let_through(made: Made) -> None:
    ruling = ruled(made)
    assert (ruling.decision, ruling.reported, ruling.score, ruling.number) == ("GO", "GO", 100.0, 1)


def test_the_digest_alone_is_enough(made: Made) -> None:
    digest = made.report.subject[0].digest["sha256"]
    assert ruled(made, deployed=f"sha256:{digest}").decision == "GO"
    refused(made, "not what was verified", deployed=f"sha256:{'0' * 64}")


@pytest.mark.parametrize(
    ("said", "decision"),
    [
        ({"ART-04": judged("Bad.", coverage=FULL, findings=[finding("ART-04", "r", "Bad.", key=("x",))])}, "NO-GO"),
        ({"ART-04": not_measured("No data.")}, "INCOMPLETE"),
        ({"ART-05": not_measured("No data.")}, "GO"),
        ({"QUA-05": judged("Bad.", coverage=FULL, passed=False)}, "NO-GO"),  # the only check of its category
    ],
)
def test_bad_and_unknown_are_told_apart(
    said: dict[str, Outcome], decision: str, tmp_path: Path, subject: Path, inspected: Run
) -> None:
    (subject / "app.py").write_text("answer = 42\n")
    report = inspected(subject, tmp_path / "out", said)
    written(report, tmp_path / "out", KEY)
    assert ruled(Made(subject, tmp_path / "out", report)).decision == decision == report.verdict.decision


def test_the_gate_tells_what_the_policy_chose(tmp_path: Path, subject: Path, inspected: Run) -> None:
    (subject / "app.py").write_text("answer = 42\n")
    report = inspected(
        subject, tmp_path / "out", content=b"probes: {SEC-01: {not_secret: {src: all of it is made up}}}"
    )
    written(report, tmp_path / "out", KEY)
    ruling = ruled(Made(subject, tmp_path / "out", report))
    assert [(each.where, each.text) for each in ruling.choices] == [
        ("probes.SEC-01.not_secret", "src: all of it is made up")
    ]


def test_subject_changed(made: Made) -> None:
    (made.subject / "app.py").write_text("answer = 43\n")
    refused(made, "not what was verified")


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "mode", "link"])
def test_subject_changed_in_other_ways(made: Made, change: str) -> None:
    app = made.subject / "app.py"
    if change == "added":
        (made.subject / "extra").write_text("")
    elif change == "removed":
        app.unlink()
    elif change == "renamed":
        app.rename(made.subject / "ap.py")
    elif change == "mode":
        app.chmod(0o755)
    else:
        (made.subject / "link").symlink_to("app.py")
    refused(made, "not what was verified")


def test_every_flipped_byte_is_refused(made: Made, tmp_path: Path) -> None:
    """In the report, the envelope, the head of the chain, and evidence of every kind."""
    records = {each.record for each in made.report.checks} | {made.report.policy.sha256}
    raw = {item.sha256 for each in made.report.checks for item in each.evidence}
    chosen = random.Random(7)
    names = ["report.json", "readiness.intoto.jsonl", "history/head.json"]
    names += [f"evidence/{sha}" for sha in chosen.sample(sorted(records), 5) + chosen.sample(sorted(raw), 5)]
    tried = 0
    for name in names:
        file = made.out / name
        good_bytes = file.read_bytes()
        file.chmod(0o644)
        for place in chosen.sample(range(len(good_bytes)), min(6, len(good_bytes))):
            bad = bytearray(good_bytes)
            bad[place] ^= chosen.randrange(1, 256)
            file.write_bytes(bad)
            # A flip in the hint of the key's name in the envelope proves nothing and changes nothing.
            allowed = {"integrity_mismatch", "GO"} if name == "readiness.intoto.jsonl" else {"integrity_mismatch"}
            assert _code(made) in allowed, name
            tried += 1
        file.write_bytes(good_bytes)
    assert tried >= 70
    assert ruled(made).decision == "GO"


def _code(made: Made) -> str:
    try:
        return ruled(made).decision
    except RoadworthyError as error:
        return error.code


def test_evidence_removed(made: Made) -> None:
    (made.out / "evidence" / made.report.checks[0].evidence[0].sha256).unlink()
    refused(made, "cannot be read")


def test_signature_of_another_key(made: Made) -> None:
    refused(made, "No trusted key", keys=[OTHER.public_key()])
    written(made.report, made.out, OTHER)
    refused(made, "No trusted key")


def test_no_signature(made: Made) -> None:
    (made.out / "readiness.intoto.jsonl").unlink()
    refused(made, "cannot be read")


def test_envelope_of_another_report(made: Made, tmp_path: Path, inspected: Run) -> None:
    envelope = (made.out / "readiness.intoto.jsonl").read_bytes()
    again = inspected(made.subject, made.out, at=START + 10)
    written(again, made.out, None)
    (made.out / "readiness.intoto.jsonl").write_bytes(envelope)
    refused(made, "another report")


def _forged(made: Made, **changes: Any) -> None:
    """A report with other numbers, signed with the right key: what a careless or false tool would write."""
    report = msgspec.structs.replace(made.report, **changes)
    shutil.rmtree(made.out / "history")
    written(report, made.out, KEY)


def test_numbers_that_evidence_does_not_bear_out(made: Made, tmp_path: Path, subject: Path, inspected: Run) -> None:
    failed = {"ART-04": judged("Bad.", coverage=FULL, findings=[finding("ART-04", "r", "Bad.", key=("x",))])}
    bad = inspected(subject, tmp_path / "bad", failed)
    for changes in (
        {"verdict": made.report.verdict},
        {"score": made.report.score},
        {"verdict": made.report.verdict, "score": made.report.score, "checks": made.report.checks},
    ):
        shutil.rmtree(tmp_path / "bad" / "history", ignore_errors=True)
        written(msgspec.structs.replace(bad, **changes), tmp_path / "bad", KEY)
        refused(Made(subject, tmp_path / "bad", bad), "")


def test_a_check_left_out(made: Made) -> None:
    _forged(made, checks=made.report.checks[1:])
    refused(made, "not those of the catalogue")


def test_a_check_weighed_otherwise(made: Made) -> None:
    checks = [msgspec.structs.replace(each, blocker=False) for each in made.report.checks]
    _forged(made, checks=tuple(checks))
    refused(made, "than its evidence")


def test_lower_thresholds(made: Made) -> None:
    lower = msgspec.structs.replace(made.report.policy.thresholds, category=10.0)
    _forged(made, policy=msgspec.structs.replace(made.report.policy, thresholds=lower))
    refused(made, "thresholds")


def test_a_pinned_policy_must_hold(made: Made) -> None:
    assert ruled(made, policy=b"").decision == "GO"
    refused(made, "another policy", policy=b"name: strict\n")


@pytest.mark.parametrize(
    ("days", "decision"),
    [(1, "GO"), (6.9, "INCOMPLETE"), (31, "INCOMPLETE")],
)
def test_evidence_expires(made: Made, days: float, decision: str) -> None:
    """After 26 hours the nightly regression is no longer known, after 7 days the advisories, after 30 the rest."""
    assert ruled(made, now=START + days * DAY).decision == decision


def test_future_and_reversed_times(made: Made) -> None:
    refused(made, "future", now=START - 3600)
    _forged(made, finished="2027-01-01T00:00:00.000Z")
    refused(made, "", now=START + 60)


def test_a_newer_run_exists(made: Made, inspected: Run) -> None:
    """The older GO cannot be shown in the place of the newer NO-GO."""
    old = {name: (made.out / name).read_bytes() for name in ("report.json", "readiness.intoto.jsonl")}
    failed = {"ART-04": judged("Bad.", coverage=FULL, passed=False)}
    written(inspected(made.subject, made.out, failed, at=START + 10), made.out, KEY)
    assert ruled(made).decision == "NO-GO"
    for name, content in old.items():
        (made.out / name).write_bytes(content)
    refused(made, "not the newest run")


def test_a_bad_run_dropped_from_the_chain(made: Made, inspected: Run) -> None:
    bad = inspected(made.subject, made.out, {"ART-04": judged("Bad.", coverage=FULL, passed=False)}, at=START + 10)
    dropped = written(bad, made.out, KEY)
    written(inspected(made.subject, made.out, at=START + 20), made.out, KEY)
    assert ruled(made).decision == "GO"  # mended, and the bad run is still in the chain
    (made.out / "history" / f"{dropped}.json").unlink()
    refused(made, "is gone")


def test_a_bad_run_replaced_by_a_retold_chain(made: Made, inspected: Run, tmp_path: Path) -> None:
    """Whoever holds the key begins the chain again without the bad run: a gate that saw the bad run refuses."""
    seen = tmp_path / "seen.json"
    written(
        inspected(made.subject, made.out, {"ART-04": judged("Bad.", coverage=FULL, passed=False)}, at=START + 10),
        made.out, KEY,
    )  # fmt: skip
    assert ruled(made, seen=seen).decision == "NO-GO"
    shutil.rmtree(made.out)
    written(inspected(made.subject, made.out, at=START + 20), made.out, KEY)
    assert ruled(made).decision == "GO"
    refused(made, "a run was dropped", seen=seen)
    seen.write_bytes(b"{")
    refused(made, "damaged", seen=seen)


def test_a_chain_that_goes_on_is_remembered(made: Made, inspected: Run, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    for minute in (10, 20, 30):
        written(inspected(made.subject, made.out, at=START + minute), made.out, KEY)
        assert ruled(made, seen=seen).number == json.loads(seen.read_bytes())["number"] == minute // 10 + 1


def test_the_gate_measures_what_is_deployed(tmp_path: Path, subject: Path, inspected: Run) -> None:
    """A run cannot know what will be deployed; a gate can."""
    (subject / "app.py").write_text("answer = 42\n")
    report = inspected(subject, tmp_path / "out", deployed=None)
    assert report.verdict.decision == "INCOMPLETE"
    assert report.verdict.blockers == ("SUP-07",)
    written(report, tmp_path / "out", KEY)
    assert ruled(Made(subject, tmp_path / "out", report)).decision == "GO"


@pytest.mark.parametrize("deployed", [None, "folder"])
def test_nothing_is_never_deployed(deployed: str | None, tmp_path: Path, subject: Path, inspected: Run) -> None:
    """Every probe says pass, and there is no subject."""
    report = inspected(subject, tmp_path / "out", deployed=subject.resolve() if deployed else None)
    assert report.verdict.decision == "INCOMPLETE"
    written(report, tmp_path / "out", KEY)
    assert ruled(Made(subject, tmp_path / "out", report)).decision == "INCOMPLETE"


def test_a_waiver_that_ended_since(tmp_path: Path, subject: Path, inspected: Run) -> None:
    found = finding("SUP-04", "licence", "Unknown.", key=("x",))
    said = {"SUP-04": judged("Bad.", coverage=FULL, findings=[found])}
    policy = f"""
waivers:
  - {{check: SUP-04, fingerprint: "{found.fingerprint}", owner: Dana, approver: Kim, created: 2027-01-10,
     expires: 2027-01-15, reason: "Asked the authors; an answer is due."}}
""".encode()
    (subject / "app.py").write_text("answer = 42\n")
    report = inspected(subject, tmp_path / "out", said, policy)
    assert {each.id: each.status for each in report.checks}["SUP-04"] == "waived"
    written(report, tmp_path / "out", KEY)
    one = Made(subject, tmp_path / "out", report)
    assert ruled(one).decision == "INCOMPLETE"  # its category is below 70: a waiver earns nothing
    assert ruled(one, now=START + 23 * 3600).decision == "NO-GO"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\x00", b"nonsense"])
def test_a_report_that_is_none(made: Made, content: bytes) -> None:
    (made.out / "report.json").write_bytes(content)
    refused(made, "")


def test_a_chain_cannot_be_read_when_it_is_damaged(made: Made) -> None:
    (made.out / history.FOLDER / "head.json").unlink()
    refused(made, "head is gone")
    assert encoded(made.report).endswith(b"}\n")
    assert good().status == "pass"


def _chain(made: Made, inspected: Run, *, key: Ed25519PrivateKey | None = KEY) -> list[str]:
    """Two more runs, of which the first is signed by `key`; gives the digests of all, the oldest first."""
    first = hashlib.sha256((made.out / "report.json").read_bytes()).hexdigest()
    failed = {"ART-04": judged("Bad.", coverage=FULL, passed=False)}
    second = written(inspected(made.subject, made.out, failed, at=START + 10), made.out, key)
    return [first, second, written(inspected(made.subject, made.out, at=START + 20), made.out, KEY)]


@pytest.mark.parametrize("run", [0, 1])
@pytest.mark.parametrize("how", ["removed", "emptied", "of another run", "by another key", "a folder"])
def test_an_earlier_run_without_its_signature(run: int, how: str, made: Made, inspected: Run) -> None:
    digests = _chain(made, inspected)
    assert ruled(made).decision == "GO"
    envelope = made.out / "history" / f"{digests[run]}.intoto.jsonl"
    kept = envelope.read_bytes()
    envelope.unlink()
    if how == "emptied":
        envelope.write_bytes(b"")
    elif how == "of another run":
        envelope.write_bytes((made.out / "history" / f"{digests[1 - run]}.intoto.jsonl").read_bytes())
    elif how == "by another key":
        envelope.write_bytes(signed(opened(kept, [KEY.public_key()])[0], OTHER))
    elif how == "a folder":
        envelope.mkdir()
    refused(made, f"No trusted key signed run {run + 1}")


@pytest.mark.parametrize("key", [None, OTHER])
def test_an_earlier_run_that_no_trusted_key_ever_signed(
    key: Ed25519PrivateKey | None, made: Made, inspected: Run
) -> None:
    _chain(made, inspected, key=key)
    refused(made, "No trusted key signed run 2")
    if key is not None:
        assert ruled(made, keys=[KEY.public_key(), OTHER.public_key()]).decision == "GO"


@pytest.mark.parametrize("left", ["report", "envelope"])
def test_two_chains_side_by_side(left: str, made: Made, inspected: Run, tmp_path: Path) -> None:
    """The bad run is taken back by showing the head of before, and another one is told in its place."""
    before = tmp_path / "before"
    shutil.copytree(made.out, before)
    bad = _chain(made, inspected)[1]
    end = {"report": ".json", "envelope": ".intoto.jsonl"}[left]
    written(inspected(made.subject, before, at=START + 20), before, KEY)
    assert ruled(made._replace(out=before)).decision == "GO"
    shutil.copy(made.out / "history" / f"{bad}{end}", before / "history")
    refused(made._replace(out=before), "outside of its chain")


def test_a_new_chain_sets_the_old_one_aside(made: Made, inspected: Run) -> None:
    digests = _chain(made, inspected)
    newest = inspected(made.subject, made.out, at=START + 30, new_chain=True)
    digest = written(newest, made.out, KEY)
    assert ruled(made).number == 1
    aside = made.out / "history" / f"until-{digest[:12]}"
    assert {f"{each}.json" for each in digests} < {each.name for each in aside.iterdir()}


def test_a_chain_told_in_another_order(made: Made, inspected: Run) -> None:
    digests = _chain(made, inspected)
    history_folder = made.out / "history"
    first, second = (history_folder / f"{each}.json" for each in digests[:2])
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    refused(made, "was changed")
    first.write_bytes(one)
    second.write_bytes(two)
    (history_folder / "head.json").write_bytes(json.dumps({"report": digests[1], "number": 2}).encode())
    refused(made, "not the newest")
    (made.out / "report.json").write_bytes(two)
    refused(made, "another report")
    (made.out / "readiness.intoto.jsonl").write_bytes((history_folder / f"{digests[1]}.intoto.jsonl").read_bytes())
    refused(made, "outside of its chain")  # cut off behind the bad run: what came later still lies there


def test_earlier_runs_are_signed_later(made: Made, inspected: Run) -> None:
    _chain(made, inspected, key=None)
    refused(made, "No trusted key signed run 2")
    assert (sign_earlier(made.out, KEY), sign_earlier(made.out, KEY)) == (1, 0)
    assert ruled(made).decision == "GO"
    assert sign_earlier(made.out, OTHER) == 2
    refused(made, "No trusted key signed run 2")  # a signature takes the place of the one before
    assert sign_earlier(made.out, KEY) == 2
    (made.out / "history" / "head.json").unlink()
    with pytest.raises(RoadworthyError, match="head is gone"):
        sign_earlier(made.out, KEY)
