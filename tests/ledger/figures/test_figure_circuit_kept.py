"""Circuits kept alone in the running model."""

from figure_samples import kept_files, kind_of, texts

BUILD = "mi.circuits.causal:causal"


def test_shares_and_the_gap(shelf, naming, only_one):
    files = kept_files()
    figure = only_one("circuit-kept", naming(shelf.put(BUILD, files)))
    columns = files["units.json"]["columns"]
    for row in figure.table():
        if row["shown"] != "circuit" or row["asked for per coder"] in ("none", "all"):
            continue
        error = row["error"].removeprefix("error ")
        k = row["asked for per coder"]
        expected = sum(columns[f"kept_k{k}_{error}"]) / sum(columns[f"headroom_{error}"])
        assert abs(row["estimate"] - expected) < 1e-12
        assert row["lo"] < expected < row["hi"]
    empty = [row for row in figure.table() if row["asked for per coder"] == "none"]
    assert [row["estimate"] for row in empty] == [None, None]
    assert len(kind_of(figure, "gap")) == 1
    assert "cannot be measured" in texts(figure)


def test_random_sets_lie_on_the_same_scale(shelf, naming, only_one):
    files = kept_files()
    figure = only_one("circuit-kept", naming(shelf.put(BUILD, files)))
    (row,) = (r for r in figure.table() if r["shown"] == "random sets")
    columns = files["units.json"]["columns"]
    drawn = files["random/only_matched_k20/units.json"]["columns"]
    empty, headroom = (sum(columns[c]) / 40 for c in ("all_kept", "headroom_kept"))
    shares = sorted((sum(v) / 40 - empty) / headroom for v in drawn.values())
    assert shares[14] <= row["estimate"] <= shares[15]
    assert len(kind_of(figure, "band")) == 1 + 1


def test_every_claim_about_a_point_has_its_mark_and_bound(shelf, row, faithful, only_one):
    files = kept_files(ks=(5, 20, 36))
    digest = shelf.put(BUILD, files)
    contrast = faithful(files, "kept_k36_kept", "headroom_kept", [digest], chance=0.0, key="column")
    above, below = row("drives", contrast, above=0.5), row("overshoots", contrast, below=0.2)
    figure = only_one("circuit-kept", above, below)
    assert {"claimed > 0.5", "claimed < 0.2"} <= set(texts(figure))
    assert len(kind_of(figure, "verdict-mark", "pass")) == len(kind_of(figure, "verdict-mark", "fail")) == 1 + 1
    assert figure.claims == ("paper.drives", "paper.overshoots")


def test_nothing_is_drawn_of_another_concepts_questions(shelf, row, faithful, drawn):
    files = kept_files()
    digest = shelf.put(BUILD, files)
    contrast = faithful(files, "kept_k5_kept", "headroom_kept", [digest], chance=0.0, key="column", other="plural")
    assert not drawn(row("spares", contrast, above=0.5)).figures
