"""Circuit build-up, layer by layer."""

import pytest
from figure_samples import circuit_files, kind_of, texts

from mi import claimable

BUILD = "mi.circuits.probing:probing"


def test_one_layer_builds_nothing_up(shelf, naming, drawn):
    found = drawn(naming(shelf.put(BUILD, circuit_files())))
    assert [f.id.startswith("circuit-sizes") for f in found.figures] == [True]


def test_every_layer_is_a_point_and_none_is_a_gap(shelf, naming, only_one):
    files = circuit_files(depth=3)
    figure = only_one("circuit-buildup", naming(shelf.put(BUILD, files)))
    rows = {(r["latents per coder"], r["coders"]): r for r in figure.table() if r["shown"] == "probe accuracy"}
    assert {key for key, r in rows.items() if r["estimate"] is None} == {(5, 0), (20, 0)}
    for (k, n), row in rows.items():
        if n:
            assert row["estimate"] == sum(files["units.json"]["columns"][f"depth_k{k}_{n}"]) / 120
            assert row["latents kept"] == k * n
    assert len(kind_of(figure, "gap")) == 1
    assert {"none", "first", "first 2", "first 3"} <= set(texts(figure))


def test_lines_are_straight_from_point_to_point(shelf, naming, only_one):
    figure = only_one("circuit-buildup", naming(shelf.put(BUILD, circuit_files(depth=3))))
    lines = [e for e in kind_of(figure, "series") if e.tag == "polyline"]
    assert [len(e.get("points").split()) for e in lines] == [3, 3]
    assert len({e.get("class") for e in lines}) == 2


def test_what_later_layers_add_is_as_judged(shelf, row, only_one):
    files = circuit_files(depth=3)
    digest = shelf.put(BUILD, files)
    table = files["units.json"]
    arms = [
        claimable.Sample(table["columns"][c], table["units"], sources=[digest], params={"probe": c})
        for c in ("circuit_k20", "depth_k20_1")
    ]
    judged = row("builds", arms[0] - arms[1], above=-0.02)
    figure = only_one("circuit-buildup", judged)
    (cell,) = (r for r in figure.table() if r["shown"] == "whole circuit less this")
    assert (cell["estimate"], cell["lo"], cell["hi"]) == (judged["estimate"], judged["lo"], judged["hi"])
    assert len(kind_of(figure, "verdict-mark", judged["verdict"])) == 1 + 1
    assert len(kind_of(figure, "gap")) == 2


def test_every_mark_has_its_own_bound(shelf, row, only_one):
    files = circuit_files(depth=3)
    digest = shelf.put(BUILD, files)
    table = files["units.json"]
    arms = [
        claimable.Sample(table["columns"][c], table["units"], sources=[digest], params={"probe": c})
        for c in ("circuit_k20", "depth_k20_1")
    ]
    judged = [row(f"r{i}", arms[0] - arms[1], above=bound) for i, bound in enumerate((-0.02, 0.1))]
    figure = only_one("circuit-buildup", *judged)
    assert {"> -0.02", "> 0.1"} <= set(texts(figure))
    bounds = [e for e in kind_of(figure, "level", "bound") if e.get("x1") != "0"]
    middles = [(float(e.get("x1")) + float(e.get("x2"))) / 2 for e in bounds]
    drawn = [float(e.get("cx")) for e in kind_of(figure, "verdict-mark") if e.get("cx") != "14"]
    assert middles == pytest.approx(drawn, abs=0.11)
    low, high = (float(e.get("y1")) for e in bounds)
    assert low > high
