"""Stores of hand-made artifacts, and runs whose rows rest on them."""

import pytest
from figure_samples import Shelf, run_of

from ledger.figures.found import figures_of
from mi import claimable


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / ".store")


@pytest.fixture
def row(claim, judged):
    """``row(name, contrast, ...)``: a row that was really judged."""

    def make(name, contrast, **changes):
        design = changes.pop("design", contrast.design)
        return judged(claim(name, design=design, **changes), contrast).row

    return make


@pytest.fixture
def naming(row, gap):
    """``naming(digest, ...)``: a row that rests on artifacts and speaks of none of their points."""

    def make(*artifacts, name="rests", **params):
        about = {"params": params} if params else {}
        return row(name, gap(0.123, sources=artifacts, **about))

    return make


@pytest.fixture
def drawn(shelf):
    """``drawn(*rows)``: what can be drawn of a run of these rows."""

    def make(*rows):
        return figures_of(run_of(*rows), shelf.root)

    return make


@pytest.fixture
def only_one(drawn):
    """The only figure of these rows whose id begins so."""

    def make(kind, *rows):
        found = drawn(*rows)
        figures = [f for f in found.figures if f.id.startswith(kind)]
        assert len(figures) == 1, found.absent
        return figures[0]

    return make


@pytest.fixture
def faithful():
    """``faithful(files, part, whole, ...)``: the contrast that a claim about two columns of a table is judged by."""

    def make(files, part, whole, sources, chance=0.5, key="probe", **params):
        table = files["units.json"]
        arms = [
            claimable.Sample(table["columns"][c], table["units"], sources=sources, params={key: c, **params})
            for c in (part, whole)
        ]
        return claimable.faithfulness(*arms, chance=chance)

    return make
