"""A figure is refused where its artifact's numbers are not those that a row was judged on."""

import pytest
from figure_samples import circuit_files, kept_files, kind_of

from mi import claimable

BUILD = "mi.circuits.probing:probing"
REFUSED = "its numbers are not those that row paper.keeps was judged on"


def paired(files, part, whole, sources):
    table = files["units.json"]
    arms = [
        claimable.Sample(table["columns"][c], table["units"], sources=sources, params={"probe": c})
        for c in (part, whole)
    ]
    return arms[0] - arms[1]


def rebuilt(files, column):
    """The same with one unit's number another one."""
    table = files["units.json"]
    first, *rest = table["columns"][column]
    changed = {**table, "columns": {**table["columns"], column: [1 - first, *rest]}}
    return {**files, "units.json": changed}


@pytest.mark.parametrize("here", ["as judged", "another"])
def test_shares_are_those_of_the_row_or_not_drawn(shelf, row, faithful, drawn, here):
    files = circuit_files()
    digest = shelf.put(BUILD, files if here == "as judged" else rebuilt(files, "circuit_k20"))
    found = drawn(row("keeps", faithful(files, "circuit_k20", "full", [digest])))
    if here == "as judged":
        assert len(kind_of(found.figures[0], "verdict-mark")) == 2
    else:
        assert not found.figures
        assert REFUSED in found.absent[0]


def test_shares_of_the_running_model_too(shelf, row, faithful, drawn):
    files = kept_files()
    digest = shelf.put("mi.circuits.causal:causal", rebuilt(files, "kept_k20_kept"))
    judged = row("keeps", faithful(files, "kept_k20_kept", "headroom_kept", [digest], chance=0.0, key="column"))
    assert REFUSED in drawn(judged).absent[0]


@pytest.mark.parametrize("here", ["as judged", "another"])
def test_differences_are_those_of_the_row_or_not_drawn(shelf, row, drawn, here):
    files = circuit_files(depth=3)
    digest = shelf.put(BUILD, files if here == "as judged" else rebuilt(files, "depth_k20_1"))
    found = drawn(row("keeps", paired(files, "circuit_k20", "depth_k20_1", [digest])))
    assert len(found.figures) == (2 if here == "as judged" else 0)
    assert [REFUSED in why for why in found.absent[:2]] == [here == "another"] * 2


@pytest.mark.parametrize("other", ["of the same builder", "not here"])
def test_a_row_that_other_artifacts_may_explain_refuses_nothing(shelf, row, faithful, drawn, other):
    files = circuit_files()
    mine = shelf.put(BUILD, rebuilt(files, "circuit_k20"))
    digest = shelf.put(BUILD, files) if other == "of the same builder" else "ab" * 32
    found = drawn(row("keeps", faithful(files, "circuit_k20", "full", [mine, digest])))
    assert any(mine in figure.artifacts for figure in found.figures)


def test_a_difference_of_columns_is_not_drawn_as_a_share(shelf, row, only_one):
    files = circuit_files()
    digest = shelf.put(BUILD, files)
    figure = only_one("circuit-sizes", row("keeps", paired(files, "circuit_k20", "full", [digest]), above=-0.1))
    assert not kind_of(figure, "verdict-mark")
    assert "paper.keeps" not in {r["interval from"] for r in figure.table()}
