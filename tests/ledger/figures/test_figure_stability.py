"""Seed stability against its nulls."""

from figure_samples import kind_of, stability_files, texts

from mi import claimable

BUILD = "mi.metrics.stability:stability"


def test_every_null_is_drawn_over_the_histogram(shelf, naming, only_one):
    figure = only_one("seed-stability", naming(shelf.put(BUILD, stability_files())))
    outlines = [
        e.get("class")
        for e in kind_of(figure, "outline")
        if "dash-2" not in e.get("class") or "arm-1" not in e.get("class")
    ]
    assert len(outlines) == len(set(outlines)) == 3
    assert {"null: isotropic", "null: like the decoders", "null: like activations"} <= set(texts(figure))
    assert all(f"null: {n}" in figure.sentence for n in ("isotropic", "like the decoders", "like activations"))


def test_the_histogram_counts_every_pair(shelf, naming, only_one):
    files = stability_files()
    figure = only_one("seed-stability", naming(shelf.put(BUILD, files)))
    medians = [r for r in figure.table() if r["shown"] == "median, live latents" and "|" in r["pair of seeds"]]
    assert [r["estimate"] for r in medians] == files["pairs/units.json"]["columns"]["live_median"]


def test_without_a_null_nothing_is_drawn(shelf, naming, drawn):
    found = drawn(naming(shelf.put(BUILD, stability_files(nulls=()))))
    assert not found.figures
    assert any("has no null" in why for why in found.absent)


def test_thresholds_and_shares(shelf, naming, only_one):
    figure = only_one("seed-stability", naming(shelf.put(BUILD, stability_files())))
    assert len(kind_of(figure, "level", "bound")) == 3 + 1
    shares = [r["estimate"] for r in figure.table() if r["shown"].startswith("share of live latents")]
    assert len(shares) == 4
    assert abs(sum(shares) - 1) < 1e-12
    assert {"below 0.5", "0.5 to 0.7", "0.7 to 0.9", "0.9 and above"} <= set(texts(figure))


def test_the_median_has_an_interval_over_seeds(shelf, naming, only_one):
    figure = only_one("seed-stability", naming(shelf.put(BUILD, stability_files())))
    row = next(r for r in figure.table() if r["shown"] == "median, live latents")
    assert (row["pair of seeds"], row["interval from"]) == ("mean over seeds", "t-on-run-means")
    assert row["lo"] < row["estimate"] < row["hi"]


def test_excess_over_a_null_is_as_judged(shelf, row, only_one):
    files = stability_files()
    digest = shelf.put(BUILD, files)
    table = files["units.json"]
    sample = claimable.Sample(table["columns"]["excess_decoder"], table["units"], unit="seed", sources=[digest])
    judged = row("agrees", claimable.over_runs(sample), above=0.0, scope="method", unit="seed")
    figure = only_one("seed-stability", judged)
    (cell,) = (r for r in figure.table() if r["interval from"] == "paper.agrees")
    assert cell["shown"] == "median less null: like the decoders"
    assert (cell["lo"], cell["hi"]) == (judged["lo"], judged["hi"])
    assert len(kind_of(figure, "verdict-mark", "pass")) == 1 + 1
