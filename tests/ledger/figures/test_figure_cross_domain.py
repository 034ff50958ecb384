"""The cross-domain 2 x 2."""

from figure_samples import cross_files, kind_of, texts

from mi import claimable

BUILD = "mi.metrics.cross_domain:cross_domain"


def test_every_cell_has_value_and_interval_in_words(shelf, naming, only_one):
    figure = only_one("cross-domain", naming(shelf.put(BUILD, cross_files())))
    assert len(kind_of(figure, "cell")) == 4
    values = [float(t.removeprefix("FVU ")) for t in texts(figure) if t.startswith("FVU ")]
    for row in figure.table():
        assert row["lo"] < row["FVU"] < row["hi"]
        assert any(abs(value - row["FVU"]) < 5e-4 for value in values)
    assert {"evaluated on prose", "evaluated on code", "trained on prose", "trained on code"} <= set(texts(figure))


def test_the_cost_is_as_judged(shelf, row, only_one):
    files = cross_files()
    digest = shelf.put(BUILD, files)
    columns = files["units.json"]["columns"]
    prose = [i for i, b in enumerate(columns["eval_b"]) if not b]
    top, own, bottom = ([columns[c][i] for i in prose] for c in ("sse_b", "sse_a", "sst"))
    contrast = claimable.ratio_difference(top, bottom, own, bottom, prose, sources=[digest], params={"domain": "prose"})
    judged = row("costs", contrast, above=0.05)
    figure = only_one("cross-domain", judged)
    (cell,) = (r for r in figure.table() if (r["trained on"], r["evaluated on"]) == ("code", "prose"))
    assert abs(cell["cost of the change"] - judged["estimate"]) < 1e-9
    assert len(kind_of(figure, "verdict-mark", judged["verdict"])) == 1 + 1
    assert any("[" in str(t) and f"{judged['estimate']:+.2f}" in t for t in texts(figure))


def test_the_fill_is_never_darker_than_what_text_can_stand_on(shelf, naming, only_one):
    figure = only_one("cross-domain", naming(shelf.put(BUILD, cross_files())))
    fills = [float(e.get("fill-opacity")) for e in kind_of(figure, "cell")]
    assert all(0 <= fill <= 1 for fill in fills)
    assert fills[0] > 0.8
    assert fills[1] == 0
