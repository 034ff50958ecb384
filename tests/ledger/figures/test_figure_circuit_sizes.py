"""Circuit sizes: gaps instead of zeros, random sets, ceiling and chance, what was kept."""

from figure_samples import circuit_files, kind_of, texts

BUILD = "mi.circuits.probing:probing"


def placed(shelf, **about):
    files = circuit_files(**about)
    return files, shelf.put(BUILD, files)


def test_the_empty_circuit_is_a_gap_and_no_zero(shelf, naming, only_one):
    _, digest = placed(shelf)
    figure = only_one("circuit-sizes", naming(digest))
    empty = [row for row in figure.table() if row["asked for per coder"] == "none"]
    assert [row["estimate"] for row in empty] == [None, None]
    assert all("cannot be measured" in row["why not"] for row in empty)
    assert len(kind_of(figure, "gap")) == 2
    assert texts(figure).count("cannot be measured") == 2
    assert "The empty circuit cannot be measured" in figure.sentence


def test_accuracies_are_those_of_the_artifact(shelf, naming, only_one):
    files, digest = placed(shelf)
    table = only_one("circuit-sizes", naming(digest)).table()
    columns = files["units.json"]["columns"]
    for k in (5, 20):
        (row,) = (r for r in table if r["shown"] == "probe accuracy" and r["asked for per coder"] == k)
        assert row["estimate"] == sum(columns[f"circuit_k{k}"]) / 120
        assert row["lo"] < row["estimate"] < row["hi"]
        assert (row["level"], row["interval from"]) == (0.95, "clopper-pearson")


def test_random_sets_are_a_band_with_its_median(shelf, naming, only_one):
    _, digest = placed(shelf)
    figure = only_one("circuit-sizes", naming(digest))
    # one sample of each in the legend
    assert len(kind_of(figure, "band", "matched")) == len(kind_of(figure, "band", "any")) == 2 + 1
    assert len(kind_of(figure, "median")) == 2 * 2 + 2
    rows = [r for r in figure.table() if r["shown"].startswith("random sets")]
    assert len(rows) == 4
    assert all(r["lo"] < r["estimate"] < r["hi"] and "30 random sets" in r["interval from"] for r in rows)


def test_ceiling_and_chance_are_drawn(shelf, naming, only_one):
    figure = only_one("circuit-sizes", naming(placed(shelf)[1]))
    assert len(kind_of(figure, "level", "ceiling")) == len(kind_of(figure, "level", "chance")) == 1 + 1


def test_kept_is_told_where_it_is_not_what_was_asked_for(shelf, naming, only_one):
    one, several = placed(shelf)[1], placed(shelf, depth=3)[1]
    figure = only_one("circuit-sizes", naming(one))
    assert {"5", "20"} <= set(texts(figure))
    assert not any("kept" in str(t) for t in texts(figure))
    figure = only_one("circuit-sizes", naming(several))
    assert {"5 (15 kept)", "20 (60 kept)"} <= set(texts(figure))
    assert {row["kept"] for row in figure.table() if row["asked for per coder"] == 20} == {60}


def test_a_claim_gives_interval_bound_and_verdict(shelf, row, faithful, only_one):
    files, digest = placed(shelf)
    judged = row("keeps", faithful(files, "circuit_k5", "full", [digest]), above=0.9)
    figure = only_one("circuit-sizes", judged)
    (cell,) = (r for r in figure.table() if r["shown"] == "faithfulness" and r["asked for per coder"] == 5)
    assert (cell["estimate"], cell["lo"], cell["hi"]) == (judged["estimate"], judged["lo"], judged["hi"])
    assert cell["interval from"] == "paper.keeps"
    assert judged["verdict"] == "fail"
    assert len(kind_of(figure, "verdict-mark", "fail")) == 1 + 1
    assert len(kind_of(figure, "level", "bound")) == 1 + 1
    assert "claimed > 0.9" in texts(figure)
    assert "> 0.9, fail" in figure.sentence


def test_faithfulness_to_nothing_cannot_be_measured(shelf, naming, only_one):
    _, digest = placed(shelf, full=0.5, accuracy=(0.5, 0.5))
    figure = only_one("circuit-sizes", naming(digest))
    shares = [r for r in figure.table() if r["shown"] == "faithfulness"]
    assert [r["estimate"] for r in shares] == [None] * 3
    assert len(kind_of(figure, "gap")) == 2 + 2


def test_points_that_are_not_fewer_than_one_by_one_the_ceiling_have_no_interval(shelf, naming, only_one):
    files = circuit_files()
    files["units.json"]["columns"]["circuit_k20"] = files["units.json"]["columns"]["full"]
    figure = only_one("circuit-sizes", naming(shelf.put(BUILD, files)))
    (row,) = (r for r in figure.table() if r["shown"] == "faithfulness" and r["asked for per coder"] == 20)
    assert (row["estimate"], row["lo"], row["hi"]) == (1.0, None, None)
    assert "the same answers" in row["why not"]
