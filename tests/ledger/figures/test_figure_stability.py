"""Seed stability against its nulls."""

import pytest
from figure_samples import kind_of, stability_files, texts

from mi import claimable

BUILD = "mi.metrics.stability:stability"
BIN = 0.02


def figure_of(shelf, naming, only_one, **about):
    return only_one("seed-stability", naming(shelf.put(BUILD, stability_files(**about))))


def test_every_null_is_drawn_over_the_histogram(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    outlines = {frozenset(e.get("class").split()) for e in kind_of(figure, "outline") if e.get("points").count(" ") > 4}
    dashes = {next(c for c in kinds if c.startswith("dash-")) for kinds in outlines}
    assert len(outlines) == len(dashes) == 1 + 3
    assert {"null: isotropic", "null: like the decoders", "null: like activations"} <= set(texts(figure))
    assert all(f"null: {n}" in figure.sentence for n in ("isotropic", "like the decoders", "like activations"))


def test_bars_are_the_shares_of_live_latents(shelf, naming, only_one):
    files = stability_files()
    figure = only_one("seed-stability", naming(shelf.put(BUILD, files)))
    counts = files["histogram.json"]["counts"]["live"]
    first = next(i for i, n in enumerate(counts) if n)
    bars = [float(e.get("height")) for e in kind_of(figure, "bar") if e.tag == "rect"][1:]  # the first is the legend's
    inside = counts[first : first + len(bars)]
    assert sum(inside) == sum(counts)
    scale = max(bars) / max(inside)
    assert bars == pytest.approx([scale * n for n in inside], abs=0.11)


def test_the_outline_of_all_latents_has_their_shares(shelf, naming, only_one):
    files = stability_files()
    figure = only_one("seed-stability", naming(shelf.put(BUILD, files)))
    counts = files["histogram.json"]["counts"]
    (line,) = (e for e in kind_of(figure, "outline", "arm-1") if e.get("points").count(" ") > 4)
    points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
    highest = points[0][1] - min(y for _, y in points)
    bars = max(float(e.get("height")) for e in kind_of(figure, "bar"))
    # one scale for both, each set by its own number of latents
    ratio = (max(counts["all"]) / sum(counts["all"])) / (max(counts["live"]) / sum(counts["live"]))
    assert highest / bars == pytest.approx(ratio, abs=0.01)


def test_the_table_has_every_count(shelf, naming, only_one):
    files = stability_files()
    figure = only_one("seed-stability", naming(shelf.put(BUILD, files)))
    counts = files["histogram.json"]["counts"]
    for name, words in (("live", "live latents"), ("all", "all latents"), ("null_decoder", "null: like the decoders")):
        rows = [r for r in figure.table() if r["shown"] == f"histogram, {words}"]
        assert [n for n in counts[name] if n] == [r["matched latents"] for r in rows if r["matched latents"]]
        assert sum(r["estimate"] for r in rows) == pytest.approx(1)
        low = float(rows[0]["cosines"].split(" to ")[0])
        assert counts[name][round(low / BIN) + 50] == rows[0]["matched latents"]


def test_without_a_null_nothing_is_drawn(shelf, naming, drawn):
    found = drawn(naming(shelf.put(BUILD, stability_files(nulls=()))))
    assert not found.figures
    assert any("has no null" in why for why in found.absent)


def test_an_artifact_of_an_older_version_says_what_to_do(shelf, naming, drawn):
    files = stability_files()
    del files["histogram.json"]
    found = drawn(naming(shelf.put(BUILD, files)))
    assert not found.figures
    assert "built by an older version; run the claim again" in found.absent[0]
    assert found.absent[0].startswith("seed stability of organism (paper.rests): ")


@pytest.mark.parametrize(
    "damage",
    [
        {"edges": [0.0, 0.5, 0.5]},
        {"edges": [0.0, 1.0]},
        {"counts": {"live": [-1] * 100}},
        {"counts": {"live": [0.5] * 100}},
        {"counts": {"live": [0] * 100}},
        {"counts": {"live": [True] * 100}},
        {"counts": 7},
    ],
)
def test_what_is_no_histogram_is_a_reason(shelf, naming, drawn, damage):
    files = stability_files()
    files["histogram.json"] |= damage
    found = drawn(naming(shelf.put(BUILD, files)))
    assert not found.figures
    assert "histogram.json" in found.absent[0] or "another form" in found.absent[0]


def test_a_threshold_that_is_no_edge_is_a_reason(shelf, naming, drawn):
    files = stability_files()
    files["histogram.json"]["edges"] = [e + 0.005 for e in files["histogram.json"]["edges"]]
    found = drawn(naming(shelf.put(BUILD, files)))
    assert "the threshold 0.5 is no edge of a bin" in found.absent[0]


def test_thresholds_stand_with_the_share_above(shelf, naming, only_one):
    files = stability_files()
    figure = only_one("seed-stability", naming(shelf.put(BUILD, files)))
    assert len(kind_of(figure, "level", "bound")) == 3 + 1
    for t in (0.5, 0.7, 0.9):
        (row,) = (
            r for r in figure.table() if (r["shown"], r["cosines"]) == ("share, live latents", f"{t:g} and above")
        )
        values = files["units.json"]["columns"][f"live_share_{round(100 * t)}"]
        assert row["estimate"] == pytest.approx(sum(values) / len(values))
        assert row["lo"] < row["estimate"] < row["hi"]
        assert row["matched latents"] == sum(files["histogram.json"]["counts"]["live"][50 + round(t / BIN) :])
        assert f"≥ {t:g}:" in texts(figure)
        assert f"{100 * row['estimate']:.1f} % live" in texts(figure)
        assert f"{100 * row['estimate']:.1f} % at or above {t:g}" in figure.sentence


def test_the_median_has_an_interval_over_seeds(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    row = next(r for r in figure.table() if r["shown"] == "median, live latents")
    assert row["interval from"] == "t-on-run-means"
    assert row["lo"] < row["estimate"] < row["hi"]


@pytest.mark.parametrize(("centre", "anchor"), [(0.48, "end"), (0.3, None), (0.55, None)])
def test_no_threshold_runs_through_the_words_of_the_median(shelf, naming, only_one, centre, anchor):
    files = stability_files()
    files["units.json"]["columns"]["live_median"] = [centre + d / 1000 for d in range(-3, 3)]
    figure = only_one("seed-stability", naming(shelf.put(BUILD, files)))
    (words,) = (e for e in figure.svg.iter("text") if e.text == "median, live")
    assert words.get("text-anchor") == anchor


def test_excess_over_a_null_is_as_judged(shelf, row, only_one):
    files = stability_files()
    digest = shelf.put(BUILD, files)
    table = files["units.json"]
    sample = claimable.Sample(table["columns"]["excess_decoder"], table["units"], unit="seed", sources=[digest])
    judged = row("agrees", claimable.over_runs(sample), above=0.0, scope="method", unit="seed")
    figure = only_one("seed-stability", judged)
    (cell,) = (r for r in figure.table() if r["interval from"] == "paper.agrees")
    assert cell["shown"] == "median of live latents less null: like the decoders"
    assert (cell["lo"], cell["hi"]) == (judged["lo"], judged["hi"])
    assert len(kind_of(figure, "verdict-mark", "pass")) == 1 + 1
