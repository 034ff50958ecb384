"""The workflows: what they may do, and that nobody else's text is run as a command or trusted."""

import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
HEAD_SHA = "4f1c2ab90de1c0ffee00112233445566778899aa"
GH = """#!/usr/bin/env bash
# Answers as GitHub would, from what the test says, and notes what it is asked.
printf '%s\\n' "$*" >> "$GH_LOG"
case "$*" in
  *-X\\ PATCH*|*--silent*) cp comment.md "$GH_LOG.body" ;;
  *pulls/*) printf '%s\\n' "$GH_PULL" ;;
  *comments*) printf '%s' "$GH_COMMENTS" ;;
esac
"""


def workflow(name):
    return yaml.safe_load((ROOT / ".github/workflows" / name).read_text("utf-8"))


def steps(name):
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def step(name, called):
    (found,) = (s for s in steps(name) if s.get("name") == called)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_from_an_event_is_pasted_into_a_command(path):
    assert {"claims.yml", "comment.yml"} <= {p.name for p in FILES}
    for found in steps(path.name):
        assert "${{" not in str(found.get("run", "")), found
        assert "github-script" not in found.get("uses", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_checkouts_leave_no_token_behind(path):
    checkouts = [s for s in steps(path.name) if s.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(s["with"]["persist-credentials"] is False for s in checkouts)


def test_a_pull_request_can_only_read():
    found = workflow("claims.yml")
    assert found["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in found["jobs"].values())
    assert set(found[True]) == {"pull_request", "push"}  # YAML reads `on` as true; never pull_request_target
    assert "secrets." not in (ROOT / ".github/workflows/claims.yml").read_text("utf-8")


def test_what_may_write_runs_the_default_branch_and_nothing_else():
    found = workflow("comment.yml")
    assert found[True] == {"workflow_run": {"workflows": [workflow("claims.yml")["name"]], "types": ["completed"]}}
    assert found["permissions"] == {}
    (job,) = found["jobs"].values()
    assert job["permissions"] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    assert job["if"] == "${{ github.event.workflow_run.event == 'pull_request' }}"
    used = [s["uses"].partition("@")[0] for s in steps("comment.yml") if "uses" in s]
    assert used == ["actions/checkout", "actions/setup-python"]
    assert steps("comment.yml")[0]["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    text = (ROOT / ".github/workflows/comment.yml").read_text("utf-8")
    assert not re.search(r"head_branch|refs/pull|gh pr checkout|git (fetch|checkout)|pip install|make ", text)


def test_both_halves_speak_of_the_same_artifact():
    kept = step("claims.yml", "Keep what the comment is made of")
    assert kept["with"]["name"] == "verdicts"
    assert '.name == "verdicts"' in step("comment.yml", "What the run uploaded")["run"]
    made = step("claims.yml", "What changed against the base branch")["run"]
    assert set(re.findall(r"verdicts/(\S+)", made)) == {"before.jsonl", "after.jsonl", "number"}


def test_the_browser_is_required_where_the_tests_run():
    runs = [s.get("run", "") for s in workflow("claims.yml")["jobs"]["test"]["steps"]]
    assert runs.index(".ci/browser required") < runs.index("make test PYTHON=python")
    (found,) = (s for s in steps("claims.yml") if "make test" in s.get("run", ""))
    assert found["env"] == {"MI_ASSAY_BROWSER": "required"}
    assert os.access(ROOT / ".ci/browser", os.X_OK)


# ---- the step that posts, run for real with a GitHub that is not there ------------------------------


@pytest.fixture
def poster(tmp_path):
    """Runs the posting step; returns the calls of ``gh`` that would write, and the comment."""
    tools, log = tmp_path / "bin", tmp_path / "gh.log"
    tools.mkdir()
    for name, text in (("gh", GH), ("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    def post(number, runs, *, pull=f"org/repo {HEAD_SHA}", comments=""):
        with zipfile.ZipFile(tmp_path / "verdicts.zip", "w") as archive:
            for name, content in (("number", number), ("before.jsonl", runs[0]), ("after.jsonl", runs[1])):
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(info, content)
        log.write_text("")
        env = {
            **os.environ,
            **{"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            **{"REPO": "org/repo", "HEAD_REPO": "org/repo", "HEAD_SHA": HEAD_SHA, "RUN_URL": "https://x.example/1"},
            **{"GH_LOG": str(log), "GH_PULL": pull, "GH_COMMENTS": comments},
        }
        run = step("comment.yml", "Say it under the pull request")["run"]
        done = subprocess.run(["bash", "-e", "-c", run], cwd=tmp_path, env=env, capture_output=True, text=True)
        writes = [line for line in log.read_text().splitlines() if "--silent" in line]
        body = Path(f"{log}.body")
        return done, writes, body.read_text("utf-8") if body.exists() else None

    return post


def run_bytes(shift):
    """A run of one claim."""
    from ledger.claim import Claim
    from ledger.row import undecided_row
    from ledger.run import digest, line_of
    from ledger.verdict import Bound

    claim = Claim(
        id="paper.gap",
        report="paper",
        statement="Ours beats theirs @everyone.",
        quantity="accuracy",
        unit="prompt",
        design="paired",
        bound=Bound("above", 0.0),
        subject="organism",
        family="paper",
        where="paper.yaml:7",
        expected="pass",
    )
    status, verdict = ("decided", "pass") if shift > 0 else ("drift", "fail")
    judged = {"status": status, "verdict": verdict, "estimate": shift, "lo": shift - 0.01, "hi": shift + 0.01, "n": 9}
    judged |= {
        "level": 0.95,
        "method": "t",
        "run": "r",
        "attempt": 1,
        "alpha_spent": 0.025,
        "p_pass": 0.0,
        "p_fail": 1.0,
    }
    judged |= {"mde": 0.1, "units_needed": None, "data": str(shift), "executed_hash": None, "limited_by": "prompts"}
    judged |= {"artifacts": [], "counts": {}, "extra": {}, "measured": {}, "unconfirmed": [], "adjusted": None}
    judged |= {"promise_changed": None, "seen_before": None}
    lines, prev = [], ""
    for record in (
        {"record": "run", "run": f"r{shift}", "schema": 1, "git": {}},
        {**undecided_row(claim, "t", 0), **judged},
    ):
        lines.append(line_of(record, prev))
        prev = digest(lines[-1])
    return b"".join(lines)


REFUSED = "::notice::The uploaded verdicts cannot be read: nothing is said.\n"
GOOD, BAD = run_bytes(0.1), run_bytes(-0.1)


def test_a_change_is_posted_once_and_then_replaced(poster):
    done, writes, body = poster("7\n", (GOOD, BAD))
    assert (done.returncode, done.stderr) == (0, "")
    assert writes == ["api repos/org/repo/issues/7/comments -F body=@comment.md --silent"]
    assert body.startswith("<!-- mi-assay -->\n### What changes in the verdicts\n\n**1 pass → fail · 1 drift new")
    assert "@everyone" not in body
    assert "(https://x.example/1#artifacts)" in body
    _, writes, _ = poster("7\n", (GOOD, BAD), comments="99\n101\n")
    assert writes == ["api -X PATCH repos/org/repo/issues/comments/99 -F body=@comment.md --silent"]


def test_nothing_is_posted_when_nothing_changed(poster):
    done, writes, _ = poster("7\n", (GOOD, GOOD))
    assert (done.returncode, writes) == (0, [])
    _, writes, body = poster("7\n", (GOOD, GOOD), comments="99\n")
    assert len(writes) == 1
    assert body == "<!-- mi-assay -->\nNo verdict differs from the base branch any more.\n"


@pytest.mark.parametrize("pull", ["org/repo 0000", f"evil/repo {HEAD_SHA}", "", f"org/repo {HEAD_SHA} x"])
def test_nothing_is_posted_where_the_pull_request_stands_elsewhere(poster, pull):
    done, writes, _ = poster("8\n", (GOOD, BAD), pull=pull)
    assert (done.returncode, writes) == (0, [])
    assert "nothing is said" in done.stdout


@pytest.mark.parametrize("number", ["1; touch pwned", "$(touch pwned)", "../../issues/1", "1\n2", "@everyone", "", "0"])
def test_a_forged_number_stops_before_github_is_asked(poster, tmp_path, number):
    done, writes, _ = poster(number, (GOOD, BAD))
    assert (done.returncode, done.stdout) == (0, REFUSED)
    assert "digits only" in done.stderr or "bytes" in done.stderr
    assert writes == []
    assert (tmp_path / "gh.log").read_text() == ""
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "run", [b"", BAD.replace(b'"verdict":"fail"', b'"verdict":"great"'), b"{}\n", BAD.replace(b"-0.1,", b"NaN,")]
)
def test_a_forged_run_stops_before_github_is_asked(poster, tmp_path, run):
    done, writes, _ = poster("7", (GOOD, run))
    assert (done.returncode, done.stdout) == (0, REFUSED)
    assert "verdicts.zip" in done.stderr
    assert writes == []
    assert (tmp_path / "gh.log").read_text() == ""


def test_a_fault_of_this_branch_is_red(poster, tmp_path):
    """Only what the command itself refuses ends quietly."""
    (tmp_path / "ledger.py").write_text("raise SystemExit(1)\n")
    done, writes, _ = poster("7\n", (GOOD, BAD))
    assert (done.returncode, writes) == (1, [])


def test_actions_of_the_job_that_may_write_are_to_be_pinned():
    assert "pin both actions by the commit" in (ROOT / ".github/workflows/comment.yml").read_text("utf-8")
