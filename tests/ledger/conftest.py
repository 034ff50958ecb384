"""Small claims, really judged, and run files made of them."""

import json
from typing import Any, NamedTuple

import numpy as np
import pytest

from ledger.assess import assess
from ledger.attempts import FIRST, Attempt
from ledger.claim import Claim
from ledger.row import SCHEMA_VERSION, undecided_row
from ledger.run import RunWriter, digest, line_of, scores_path
from ledger.scores import ScoresWriter
from ledger.verdict import RULES, Bound
from mi import claimable

COMMIT = "4f1c2ab90de1c0ffee00112233445566778899aa"


class Judged(NamedTuple):
    """A row, and the per-unit scores behind it."""

    row: dict[str, Any]
    stored: dict[str, Any] | None = None


def make_claim(name: str = "gap", **changes: Any) -> Claim:
    """A paired superiority claim; ``above``, ``below`` or ``within`` set another bound."""
    rule = next((r for r in RULES if r in changes), "above")
    bound = Bound(rule, float(changes.pop(rule, 0.0)))
    about = {
        "id": f"paper.{name}",
        "report": "paper",
        "statement": "Ours beats theirs on the same prompts.",
        "quantity": "accuracy",
        "unit": "prompt",
        "design": "paired",
        "bound": bound,
        "subject": "organism",
        "family": "paper",
        "where": "paper.yaml:7",
    }
    return Claim(**{**about, **changes})


def make_gap(shift: float, n: int = 40, spread: float = 0.1, seed: int = 0, **about: Any) -> claimable.Contrast:
    """A paired contrast whose differences have exactly the mean ``shift`` and the SD ``spread``."""
    rng = np.random.default_rng(seed)
    theirs, noise = rng.normal(0.5, 0.1, n), rng.normal(size=n)
    ours = theirs + shift + spread * (noise - noise.mean()) / noise.std()
    units, params = [f"prompt-{i:03d}" for i in range(n)], about.pop("params", {})
    arms = (("ours", ours), ("theirs", theirs))
    a, b = (claimable.Sample(v, units, params={"arm": arm, **params}, **about) for arm, v in arms)
    return a - b


def judge_row(claim: Claim, contrast: Any, attempt: Attempt = FIRST, index: int = 0) -> Judged:
    found = assess(claim, contrast, attempt=attempt)
    row = undecided_row(claim, nodeid_of(claim), index)
    row.update(found.fields)
    drifted = claim.expected is not None and found.verdict != claim.expected
    row["status"] = "deviated" if found.verdict is None else "drift" if drifted else "decided"
    return Judged(row, dict(found.stored))


def plain_row(claim: Claim, status: str, index: int = 0) -> Judged:
    """A row without a verdict."""
    reason = {"short": status, "detail": f"it was {status}", "fix": "Mend it"}
    return Judged({**undecided_row(claim, nodeid_of(claim), index), "status": status, "reason": reason})


def nodeid_of(claim: Claim) -> str:
    inside = "-".join([claim.subject, *(f"{k}={v}" for k, v in claim.params.items())])
    return f"claims/test_paper.py::test_{claim.id.partition('.')[2]}[{inside}]"


def make_run(folder, run_id, judged, *, sealed=True, **header):
    """Write ``<run_id>.jsonl`` with its scores as the recorder does; returns its path."""
    about = {"schema": SCHEMA_VERSION, "time": "2026-11-20T12:00:00Z", "git": {"commit": COMMIT, "dirty": False}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run_id}.jsonl"
    writer, scores = RunWriter(path, {"run": run_id, **about, **header}), ScoresWriter(scores_path(path))
    for row, stored in judged:
        kept = {**row, "run": run_id, "time": about["time"], "git": COMMIT, "dirty": False, "device": "cpu"}
        if stored is not None:
            kept["scores"] = {"data": row["data"], "file": scores.path.name}
            scores.add(row["data"], stored)
        writer.append(kept)
    if sealed:
        writer.seal({"exitstatus": 0, "seconds": 1.0})
        scores.seal()
    writer.close()
    return path


def forge(path, edit):
    """Let ``edit`` change the records of a run, then chain and seal them anew, as a careful forger would."""
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    *body, seal = [{k: v for k, v in r.items() if k != "prev"} for r in records]
    edit(body)
    path.unlink()
    writer = RunWriter(path, {k: v for k, v in body[0].items() if k != "record"})
    for record in body[1:]:
        writer.append(record)
    writer.seal({k: v for k, v in seal.items() if k not in ("record", "rows", "sha256")})
    writer.close()


def make_mixed() -> list[Judged]:
    """One row of every kind that a table can meet."""
    pair = {"family": "main", "role": "headline", "family_size": 2}
    every = [make_claim("every", role="conjunction", params={"k": k}) for k in (8, 16)]
    binary = claimable.two_proportions(18, 20, 4, 22)
    rows = [
        judge_row(make_claim("wins", expected="pass", reported={"value": 0.11}), make_gap(0.1)),
        judge_row(make_claim("loses", expected="fail", expected_why="the known truth"), make_gap(-0.1, seed=1)),
        judge_row(make_claim("unsure", expected="inconclusive"), make_gap(0.001, seed=2)),
        judge_row(make_claim("drifts", expected="pass", expected_why="the report"), make_gap(-0.1, seed=3)),
        judge_row(make_claim("strays", measured={"k": 16}), make_gap(0.1, seed=4, params={"k": 8})),
        plain_row(make_claim("unfit", expected="refused"), "refused"),
        plain_row(make_claim("broken"), "error"),
        plain_row(make_claim("crashed"), "crashed"),
        plain_row(make_claim("idle"), "not_run"),
        judge_row(make_claim("chosen"), make_gap(0.1, seed=5, selected_on=["prompt-001"])),
        judge_row(every[0], make_gap(0.1, seed=6)),
        judge_row(every[1], make_gap(0.1, seed=7)),
        judge_row(make_claim("head-a", **pair), make_gap(0.1, seed=8)),
        judge_row(make_claim("head-b", **pair), make_gap(0.05, seed=9)),
        judge_row(make_claim("same", within=0.1, subject="gpt2"), make_gap(0.01, seed=10)),
        judge_row(make_claim("again", subject="gpt2"), make_gap(0.1, seed=11), Attempt(3, first_run="r1")),
        judge_row(make_claim("counts", subject="gpt2", design="unpaired"), binary),
    ]
    return [j._replace(row={**j.row, "index": i}) for i, j in enumerate(rows)]


@pytest.fixture(scope="session")
def claim():
    return make_claim


@pytest.fixture(scope="session")
def gap():
    return make_gap


@pytest.fixture(scope="session")
def judged():
    """Judges outside pytest; returns the row with its scores."""
    return judge_row


@pytest.fixture(scope="session")
def undecided():
    return plain_row


@pytest.fixture(scope="session")
def mixed():
    return make_mixed()


@pytest.fixture(scope="session")
def write_run():
    return make_run


@pytest.fixture(scope="session")
def forged():
    return forge


@pytest.fixture
def mixed_run(tmp_path, mixed):
    """A run of every kind of row, in the folder of local runs below ``tmp_path``."""
    return make_run(tmp_path / ".ledger/runs", "2026-11-20T120000Z-aaaaaa", mixed)


@pytest.fixture
def clean_run(tmp_path, mixed):
    """A run that any gate should let through."""
    held = [j for j in mixed if j.row["claim"] in ("paper.wins", "paper.loses", "paper.unsure", "paper.every")]
    return make_run(tmp_path / ".ledger/runs", "2026-11-21T120000Z-bbbbbb", held)


@pytest.fixture(scope="session")
def chained():
    """``chained(records)`` are the lines of a run file, each with the digest of the one before."""

    def lines(records):
        found, prev = [], ""
        for record in records:
            found.append(line_of({k: v for k, v in record.items() if k != "prev"}, prev))
            prev = digest(found[-1])
        return b"".join(found)

    return lines
