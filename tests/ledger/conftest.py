"""Claims, rows and run files for the tests of the ledger."""

import json

import judged as made
import pytest
from judged import Judged

from ledger.attempts import Attempt
from ledger.run import RunWriter, digest, line_of
from mi import claimable


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
    every = [made.claim("every", role="conjunction", params={"k": k}) for k in (8, 16)]
    binary = claimable.two_proportions(18, 20, 4, 22)
    rows = [
        made.judge(made.claim("wins", expected="pass", reported={"value": 0.11}), made.gap(0.1)),
        made.judge(made.claim("loses", expected="fail", expected_why="the known truth"), made.gap(-0.1, seed=1)),
        made.judge(made.claim("unsure", expected="inconclusive"), made.gap(0.001, seed=2)),
        made.judge(made.claim("drifts", expected="pass", expected_why="the report"), made.gap(-0.1, seed=3)),
        made.judge(made.claim("strays", measured={"k": 16}), made.gap(0.1, seed=4, params={"k": 8})),
        made.unjudged(made.claim("unfit", expected="refused"), "refused"),
        made.unjudged(made.claim("broken"), "error"),
        made.unjudged(made.claim("crashed"), "crashed"),
        made.unjudged(made.claim("idle"), "not_run"),
        made.judge(made.claim("chosen"), made.gap(0.1, seed=5, selected_on=["prompt-001"])),
        made.judge(every[0], made.gap(0.1, seed=6)),
        made.judge(every[1], made.gap(0.1, seed=7)),
        made.judge(made.claim("head-a", **pair), made.gap(0.1, seed=8)),
        made.judge(made.claim("head-b", **pair), made.gap(0.05, seed=9)),
        made.judge(made.claim("same", within=0.1, subject="gpt2"), made.gap(0.01, seed=10)),
        made.judge(made.claim("again", subject="gpt2"), made.gap(0.1, seed=11), Attempt(3, first_run="r1")),
        made.judge(made.claim("counts", subject="gpt2", design="unpaired"), binary),
    ]
    return [j._replace(row={**j.row, "index": i}) for i, j in enumerate(rows)]


@pytest.fixture(scope="session")
def claim():
    return made.claim


@pytest.fixture(scope="session")
def gap():
    return made.gap


@pytest.fixture(scope="session")
def judged():
    """Judges outside pytest; returns the row with its scores."""
    return made.judge


@pytest.fixture(scope="session")
def undecided():
    return made.unjudged


@pytest.fixture(scope="session")
def mixed():
    return make_mixed()


@pytest.fixture(scope="session")
def write_run():
    return made.write_run


@pytest.fixture(scope="session")
def forged():
    return forge


@pytest.fixture
def mixed_run(tmp_path, mixed):
    """A run of every kind of row, in the folder of local runs below ``tmp_path``."""
    return made.write_run(tmp_path / ".ledger/runs", "2026-11-20T120000Z-aaaaaa", mixed)


@pytest.fixture
def clean_run(tmp_path, mixed):
    """A run that any gate should let through."""
    held = [j for j in mixed if j.row["claim"] in ("paper.wins", "paper.loses", "paper.unsure", "paper.every")]
    return made.write_run(tmp_path / ".ledger/runs", "2026-11-21T120000Z-bbbbbb", held)


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
