"""Run files for the page, written by the ledger's own writers: one of every state, and large ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import judged as made
from judged import Judged, judge, unjudged

from ledger.attempts import Attempt
from ledger.claim import Claim
from ledger.verdict import Bound
from mi import claimable

RUN = "2026-11-20T120000Z-aaaaaa"
HEADER: dict[str, Any] = {
    **made.HEADER,
    "lock": {"sha256": "2df01c17b1232401", "versions": {"python": "3.11.7", "numpy": "1.26.4"}},
    "hardware": {"system": "Linux", "machine": "x86_64", "cpu": "a CPU", "cores": 2, "device": "cpu"},
    "mi_assay": "checkout",
    "command": ["pytest", "-m", "smoke", "claims"],
}


def claim(name: str, **about: Any) -> Claim:
    """As :func:`judged.claim`, with a section and a tier."""
    return made.claim(name, **{"section": "comparison", "tier": "smoke", **about})


def gap(shift: float, n: int = 60, spread: float = 0.16, seed: int = 0, **about: Any) -> claimable.Contrast:
    """As :func:`judged.gap`, to four digits."""
    return made.gap(shift, n, spread, seed, digits=4, **about)


def every_state() -> list[Judged]:
    """Each verdict by each kind of bound, each alarm, and everything that a row can carry besides."""
    main: dict[str, Any] = {"family": "main", "role": "headline", "family_size": 5}
    changed = Attempt(
        1, first_run="2026-11-01T090000Z-000000", changed={"bound": (0.2, 0.0)}, changed_in="2026-11-01T090000Z-000000"
    )
    paper = {"title": "A paper, 2026", "url": "https://example.org/paper?a=1&b=2"}
    return [
        judge(claim("above-pass", expected="pass", reported={"value": 0.12}, source=paper), gap(0.1, seed=1)),
        judge(claim("above-fail", expected="fail", expected_why="the known truth"), gap(-0.1, seed=2)),
        judge(claim("above-unsure", above=0.02, expected="inconclusive"), gap(0.021, seed=3)),
        judge(claim("below-pass", below=0.0, quantity="loss", reported={"verdict": "pass"}), gap(-0.2, spread=0.4, seed=4)),
        judge(claim("below-fail", below=0.0, quantity="loss", expected="fail"), gap(0.3, spread=0.4, seed=5)),
        judge(claim("below-unsure", below=0.0, quantity="loss"), gap(0.01, spread=0.4, seed=6)),
        judge(claim("within-pass", within=0.1, rope=0.2), gap(0.01, seed=7)),
        judge(claim("within-fail", within=0.1, expected="fail"), gap(0.3, seed=8)),
        judge(claim("within-unsure", within=0.1), gap(0.1, seed=9)),
        judge(claim("refuted"), gap(-0.15, seed=10)),
        judge(claim("drifts", expected="pass", expected_why="the report says so"), gap(-0.1, seed=11)),
        judge(claim("drifts-far", family="far", report="far", id="far.drifts-far", expected="inconclusive"), gap(-0.1, seed=29)),
        judge(claim("drifts-wide", family="far", report="far", id="far.drifts-wide", expected="pass"), gap(0.0, seed=30)),
        judge(claim("strays-far", id="far.strays-far", report="far", family="far", expected="pass"), gap(0.1, seed=31), bound=Bound("above", 0.05)),
        judge(claim("strays", measured={"context": 1024}), gap(0.1, seed=12, params={"context": 128})),
        unjudged(claim("unfit", expected="refused"), "refused", "tokens as the independent unit", "Name documents."),
        unjudged(claim("unfit-too", expected="pass"), "refused", "a bound of 3 for a share", "Check the scale."),
        unjudged(claim("breaks"), "error", "BOS is missing in 3 of 64 documents", "Tokenise with prepend_bos=True."),
        unjudged(claim("dies"), "crashed", "the worker was killed (signal 9)", "Give it more memory."),
        unjudged(claim("idle", subject="pythia-70m"), "not_run", "the model is not here", "python -m mi.subjects fetch"),
        judge(claim("old"), gap(0.05, seed=13)),
        judge(claim("newer", supersedes="paper.old"), gap(0.05, seed=14)),
        judge(claim("newest", supersedes="paper.newer"), gap(0.06, seed=15)),
        judge(claim("leans-on-nothing", controls=("paper.absent",)), gap(0.1, seed=16)),
        judge(claim("leans-on-a-fail", controls=("paper.above-fail",)), gap(0.1, seed=17)),
        judge(claim("leans-on-a-pass", controls=("paper.above-pass",)), gap(0.1, seed=18)),
        judge(claim("head-a", **main), gap(0.1, seed=19)),
        judge(claim("head-b", **main), gap(0.05, seed=20)),
        judge(claim("head-c", **main), gap(0.0, seed=21)),
        judge(claim("moved"), gap(0.1, seed=22), changed),
        judge(claim("again", reported={"words": "clearly better", "value": None}), gap(0.1, seed=23), Attempt(2, first_run="r1")),
        judge(claim("chosen"), gap(0.1, seed=24, selected_on=["prompt-001"])),
        judge(claim("counts", subject="gpt2", design="unpaired"), claimable.two_proportions(18, 20, 4, 22)),
        judge(claim("above-pass", subject="gpt2"), gap(0.02, seed=25)),
        judge(claim("every", role="conjunction", family_size=2, params={"k": 8}), gap(0.1, seed=26)),
        judge(claim("every", role="conjunction", family_size=2, params={"k": 16}), gap(0.2, seed=27)),
        judge(claim("sourced", report="other", section=None, family="other"), gap(0.2, seed=28, sources=["ab" * 32, "cd" * 32])),
    ]  # fmt: skip


def many(rows: int, units: int = 200) -> Iterator[Judged]:
    """``rows`` really judged rows of three subjects and four quantities, each on scores of its own."""
    subjects, quantities = ("organism", "gpt2", "pythia-70m"), ("accuracy", "loss", "recovery", "cosine")
    for k in range(rows):
        about = claim(
            f"claim-{k // 20}",
            params={"k": k % 20, "layer": k % 7},
            subject=subjects[k % 3],
            quantity=quantities[k % 4],
            section=f"section {k // 200}",
            statement=f"Statement number {k // 20}: ours is more accurate than theirs on the same prompts.",
            family_size=rows,
            expected="pass" if k % 50 == 0 else None,
        )
        yield judge(about, gap((k % 11 - 3) / 40, n=units, seed=k))


def write_run(folder: Path, judged: Iterable[Judged], run_id: str = RUN, header: Mapping[str, Any] = HEADER) -> Path:
    """As :func:`judged.write_run`, the rows numbered in this order."""
    numbered = (j._replace(row={**j.row, "index": index}) for index, j in enumerate(judged))
    return made.write_run(folder, run_id, numbered, **header)


def changed(judged: Judged, edit: Callable[[dict[str, Any]], object]) -> Judged:
    """A copy of a row after ``edit``."""
    row = copy.deepcopy(judged.row)
    edit(row)
    return Judged(row, judged.stored)
