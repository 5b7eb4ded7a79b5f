"""ART-02: the key that the policy pins signed the manifest, before this run began."""

from __future__ import annotations

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify import tree
from roadworthy.verify.integrity import baseline
from roadworthy.verify.integrity.subject import manifest, place
from roadworthy.verify.outcome import Coverage, NotMeasured, Outcome, Severity, finding, judged, not_measured
from roadworthy.verify.probe import Context
from roadworthy.verify.signing import key_id, opened, public_key


def probe(context: Context) -> Outcome:
    """Check the signature and the time of the manifest."""
    at = place(context)
    if isinstance(at, Outcome):
        return at
    pinned = context.settings["key_id"]
    if not pinned:
        raise NotMeasured("The policy pins no key; set probes.ART-02.key_id.")
    if not at.manifest.is_file():
        raise NotMeasured("There is no manifest.")
    path = tree.inside(context.root, str(context.settings["public_key"]))
    if path is None or not path.is_file():
        raise NotMeasured("The public key is not there.")
    started, created, problem = baseline.now(), None, ""
    try:
        key = public_key(path)
        if key_id(key) != pinned:
            problem = "The public key is not the one that the policy pins."
        else:
            created = manifest(at, lambda envelope: opened(envelope, [key])[0]).manifest.created
    except RoadworthyError as refused:
        problem = str(refused)
    context.evidence.write_json(
        {"key_id": pinned, "created": created.isoformat() if created else None, "problem": problem},
        "signature of the manifest",
    )
    if not problem and (created is None or created >= started):
        why = "does not say when it was made" if created is None else "was made by this run, or in the future"
        return not_measured(f"The manifest {why}.")
    return judged(
        problem or f"Signed by the pinned key; made {created:%Y-%m-%d %H:%M} UTC.",
        coverage=Coverage(examined=1, existing=1, how_counted="The manifest."),
        findings=[finding(context.check, "signature", problem, key=("manifest",), severity=Severity.CRITICAL)]
        if problem
        else [],
    )
