"""Artifact trees: every artifact and every tree once, whatever names them."""

from dataclasses import replace
from itertools import pairwise

import pytest

from ledger.report.artifact_trees import DEEPEST, MOST, artifact_trees
from ledger.ruling import rulings
from ledger.run import read_run


def origin(label, *inputs):
    return {"label": label, "builder": "m:f", "inputs": [d[:12] for d in inputs], "bytes": 999_950, "seconds": 2.0}


A, B, C = ("ab" * 32, "cd" * 32, "ef" * 32)
KNOWN = {A: origin("a", B, C), B: origin("b", C), C: origin("c")}


@pytest.fixture
def trees(mixed_run):
    found = rulings(read_run(mixed_run).rows)

    def of(known, *artifacts):
        named = [*artifacts, *([] for _ in found)]
        return artifact_trees(
            known, [replace(r, row={**r.row, "artifacts": a}) for r, a in zip(found, named, strict=False)]
        )

    return of


def names(made, key="name"):
    kind, values, *where = made["named"]["columns"][key]
    length = made["named"]["length"]
    return [values] * length if kind == "same" else [values[i] for i in where[0]] if where else values


def test_rows_of_the_same_artifacts_share_a_tree(trees):
    made = trees(KNOWN, [A], [C], [A])
    assert made["of"][:4] == [0, 1, 0, None]
    assert len(made["trees"]) == 2
    assert names(made) == ["ab" * 6, "cd" * 6, "ef" * 6]
    assert made["trees"][0] == {"branches": [[0, 0, [2]], [1, 1, []], [2, 2, []]], "left": 0}
    assert names(made, "facts") == ["m:f · 1.0 MB · 2 s"] * 3


def test_what_is_no_digest_keeps_its_name(trees):
    published = "tables.json@sha256:2cfe4a733bc3878d"
    made = trees({}, [published, "__proto__", "0" * 64])
    assert names(made) == [published, "__proto__", "0" * 12]
    assert names(made, "facts") == ["published data file", "origin not known", "origin not known"]


def test_a_long_chain_is_neither_deep_nor_endless(trees):
    chain = [f"{k:012x}".ljust(64, "0") for k in range(6001)]
    made = trees({a: origin("x", b) for a, b in pairwise(chain)}, chain[:1])
    (tree,) = made["trees"]
    assert (len(tree["branches"]), tree["left"]) == (MOST, 6001 - MOST)
    assert max(depth for _, depth, _ in tree["branches"]) == DEEPEST
