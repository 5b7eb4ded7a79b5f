"""Pipelines: each planted fault is found with its line, each clean twin is quiet, and no file can do harm."""

from __future__ import annotations

import textwrap

import pytest

from roadworthy.verify.supply.fault import Fault
from roadworthy.verify.supply.github_workflow import faults, is_workflow
from roadworthy.verify.supply.gitlab_pipeline import faults as gitlab_faults
from roadworthy.verify.supply.gitlab_pipeline import is_pipeline
from roadworthy.verify.supply.image import dockerfile_faults, is_dockerfile, unpinned_image
from roadworthy.verify.supply.yaml_node import parsed

SHA = "0123456789" * 4
DIGEST = "@sha256:" + "ab" * 32
HEAD = "on: {on}\npermissions: {{}}\njobs:\n  one:\n    runs-on: x\n    steps:\n"


def _of(text: str) -> list[Fault]:
    return [fault for document in parsed(text.encode()) for fault in faults(".github/workflows/ci.yml", document)]


def _step(body: str, on: str = "push") -> str:
    return HEAD.format(on=on) + textwrap.indent(textwrap.dedent(body), "      ")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("github.event.issue.title", "github.event.issue.title"),
        ("github.event.pull_request.head.ref", "github.event.pull_request.head.ref"),
        ("github.event.comment.body", "github.event.comment.body"),
        ("github.event.commits[0].message", "github.event.commits.0.message"),
        ("github.event.commits.*.author.name", "github.event.commits.author.name"),
        ("github['event']['issue']['body']", "github.event.issue.body"),
        ("github . event . issue . title", "github.event.issue.title"),
        ("GITHUB.EVENT.ISSUE.TITLE", "github.event.ISSUE.TITLE"),
        ("format('x {0}', github.event.review.body)", "github.event.review.body"),
        ("toJSON(github.event)", "github.event"),
        ("toJSON(github)", "toJSON(github)"),
        ("github.head_ref", "github.head_ref"),
        ("github.event.discussion.title || 'x'", "github.event.discussion.title"),
        ("github.event.pull_request.number", None),
        ("github.event.pull_request.head.sha", None),
        ("github.event_name", None),
        ("github.sha", None),
        ("github.ref", None),
        ("github.actor", None),
        ("secrets.TOKEN", None),
        ("steps.x.outputs.y", None),
        ("matrix.version", None),
    ],
)
def test_input_of_strangers_in_scripts(expression: str, found: str | None) -> None:
    for body in (
        f'- run: echo "${{{{ {expression} }}}}"\n',
        f"- run: |\n    true\n    echo ${{{{{expression}}}}}\n",
        f"- uses: actions/github-script@{SHA}\n  with:\n    script: console.log(`${{{{ {expression} }}}}`)\n",
    ):
        seen = _of(_step(body))
        assert [fault.rule for fault in seen] == (["untrusted_input"] if found else []), seen
        if found:
            assert found in seen[0].message
            assert "${{" in _step(body).splitlines()[(seen[0].line or 0) - 1]
        # the same in the environment, quoted where it is used, is how it should be done
    assert _of(_step(f'- env: {{X: "${{{{ {expression} }}}}"}}\n  run: echo "$X"\n')) == []


@pytest.mark.parametrize("level", ["workflow", "job", "step"])
def test_input_through_env_is_followed(level: str) -> None:
    env = "env: {X: '${{ github.event.issue.title }}', Y: fine}\n"
    text = _step("- run: echo ${{ env.X }} ${{ env.Y }}\n" + (f"  {env}" if level == "step" else ""))
    if level == "workflow":
        text = env + text
    if level == "job":
        text = text.replace("    steps:", f"    {env}    steps:")
    (fault,) = _of(text)
    assert (fault.rule, "env.X" in fault.message) == ("untrusted_input", True)


@pytest.mark.parametrize(
    ("top", "job", "rules"),
    [
        ("permissions: {}\n", "", []),
        ("permissions: read-all\n", "", []),
        ("permissions: {contents: read}\n", "permissions: {packages: write}\n", []),
        ("", "permissions: {contents: read}\n", []),
        ("", "", ["permissions"]),
        ("permissions: write-all\n", "", ["permissions"]),
        ("permissions: {contents: write}\n", "", ["permissions"]),
        ("permissions: {}\n", "permissions: write-all\n", ["permissions"]),
    ],
)
def test_permissions(top: str, job: str, rules: list[str]) -> None:
    text = f"on: push\n{top}jobs:\n  one:\n    runs-on: x\n"
    text += f"    {job}" if job else ""
    assert [fault.rule for fault in _of(text)] == rules


CHECKOUT = "- uses: actions/checkout@" + SHA + "\n  with: {{ref: '${{{{ {ref} }}}}'}}\n"


@pytest.mark.parametrize(
    ("on", "body", "rules"),
    [
        ("pull_request_target", CHECKOUT.format(ref="github.event.pull_request.head.sha"), ["foreign_checkout"]),
        ("[push, pull_request_target]", CHECKOUT.format(ref="github.head_ref"), ["foreign_checkout"]),
        ("{workflow_run: {workflows: [a]}}", CHECKOUT.format(ref="github.event.workflow_run.head_sha"),
         ["foreign_checkout"]),
        ("pull_request_target", "- run: gh pr checkout 7\n", ["foreign_checkout"]),
        ("issue_comment", "- run: |\n    git fetch origin pull/7/head\n", ["foreign_checkout"]),
        ("pull_request", CHECKOUT.format(ref="github.event.pull_request.head.sha"), []),
        ("pull_request_target", CHECKOUT.format(ref="github.base_ref"), []),
        ("pull_request_target", f"- uses: actions/checkout@{SHA}\n", []),
    ],
)  # fmt: skip
def test_strangers_code(on: str, body: str, rules: list[str]) -> None:
    assert [fault.rule for fault in _of(_step(body, on))] == rules


@pytest.mark.parametrize(
    ("uses", "rules"),
    [
        (f"actions/checkout@{SHA}", []),
        (f"actions/checkout@{SHA}  # v5", []),
        ("./local", []),
        (f"docker://alpine{DIGEST}", []),
        ("actions/checkout@v5", ["action"]),
        ("actions/checkout@main", ["action"]),
        ("actions/checkout", ["action"]),
        (f"actions/checkout@{SHA[:12]}", ["action"]),
        ("docker://alpine:3", ["image"]),
    ],
)
def test_actions(uses: str, rules: list[str]) -> None:
    assert [fault.rule for fault in _of(_step(f"- uses: {uses}\n"))] == rules
    job = f"on: push\npermissions: {{}}\njobs:\n  one:\n    uses: {uses}\n"
    assert [fault.rule for fault in _of(job)] == rules
    action = f"name: x\nruns:\n  using: composite\n  steps:\n  - uses: {uses}\n"
    assert [fault.rule for fault in _of(action)] == rules


def test_containers() -> None:
    text = _step("- run: true\n").replace(
        "    runs-on: x\n", f"    runs-on: x\n    container: python:3\n    services:\n      db: {{image: pg{DIGEST}}}\n"
        "      mq: {image: 'rabbit:4'}\n",
    )  # fmt: skip
    assert [fault.message.split("the image ")[1].split()[0] for fault in _of(text)] == ["python:3", "rabbit:4"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n",
        "text",
        "on: push\n",
        "jobs: [a]\n",
        "a: [",
        "\t- x",
        "a: &a [*a]\n",
        "jobs: &j\n  one: *j\n",
        "x: " + "[" * 5000,
        "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "#" * ((1 << 20) + 1),
        "a: \x00",
    ],
)
def test_what_is_no_workflow(text: str) -> None:
    with pytest.raises(ValueError, match=r"it |its "):
        _of(text) or list(faults("w.yml", None))


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (f"image: python{DIGEST}\njob:\n  script: [make]\n", []),
        ("image: python:3\njob:\n  script: [make]\n", ["image"]),
        ("default: {image: {name: 'python:3'}}\n", ["image"]),
        (f"job:\n  image: python:3\n  services: [pg:17, {{name: mq{DIGEST}}}]\n  script: [x]\n", ["image", "image"]),
        ("job:\n  image: $IMAGE\n  script: [x]\n", ["image"]),
        ("include: {project: a/b, file: x.yml}\n", ["include"]),
        ("include: [{project: a/b, ref: main, file: x.yml}]\n", ["include"]),
        (f"include: [{{project: a/b, ref: {SHA}, file: x.yml}}, {{local: y.yml}}]\n", []),
        ("include: https://example.com/x.yml\n", ["include"]),
        ("include: {remote: 'https://example.com/x.yml', integrity: sha256-x}\n", []),
        ('job:\n  script:\n  - eval "echo $CI_COMMIT_MESSAGE"\n', ["untrusted_input"]),
        ('job:\n  before_script:\n  - |\n    true\n    bash -c "x ${CI_MERGE_REQUEST_TITLE}"\n', ["untrusted_input"]),
        ('job:\n  script: [\'echo "$CI_COMMIT_MESSAGE"\', "eval $(opam env)"]\n', []),
        ("variables: {image: a}\nstages: [a]\n", []),
    ],
)
def test_gitlab(text: str, rules: list[str]) -> None:
    seen = [fault for document in parsed(text.encode()) for fault in gitlab_faults(".gitlab-ci.yml", document)]
    assert [fault.rule for fault in seen] == rules


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"FROM python{DIGEST}\n", []),
        ("FROM python:3\nRUN x\n", [1]),
        (f"FROM --platform=x python{DIGEST} AS build\nFROM build\nFROM scratch\nCOPY --from=build a b\n", []),
        ("# FROM a\nfrom python:3 as b\nFROM b\n", [2]),
        (f"ARG BASE=python{DIGEST}\nFROM $BASE\n", []),
        ("ARG BASE=python:3\nFROM ${BASE}\n", [2]),
        ("ARG BASE\nFROM ${BASE}\n", [2]),
        (f"FROM python{DIGEST}\nCOPY --chown=1 --from=nginx:1 a b\nCOPY --from=0 c d\n", [2]),
        ("FROM \\\n  python:3\n", [1]),
    ],
)
def test_dockerfiles(text: str, lines: list[int]) -> None:
    assert [fault.line for fault in dockerfile_faults("Dockerfile", text)] == lines


def test_a_dockerfile_without_an_image() -> None:
    with pytest.raises(ValueError, match="no FROM"):
        list(dockerfile_faults("Dockerfile", "RUN x\n"))


@pytest.mark.parametrize(
    ("image", "said"),
    [(f"a/b{DIGEST}", ""), ("a:1", "not pinned"), ("a@sha256:12", "not pinned"), ("$X", "variable"), ("", "")],
)
def test_images(image: str, said: str) -> None:
    why = unpinned_image(image)
    assert said in why
    assert bool(why) is bool(said)


def test_names() -> None:
    assert is_workflow(".github/workflows/a.yml")
    assert is_workflow("tools/action.yaml")
    assert not is_workflow(".github/workflows/deep/a.yml")
    assert not is_workflow("workflows/a.yml")
    assert is_pipeline(".gitlab-ci.yml")
    assert not is_pipeline("ci.yml")
    assert all(map(is_dockerfile, ("Dockerfile", "a/Dockerfile.dev", "x.dockerfile", "Containerfile")))
    assert not is_dockerfile("Dockerfile.d/x")
