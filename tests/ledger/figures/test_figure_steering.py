"""Steering sweep: nothing joined over a refused point, nothing hidden, one test interval per arm."""

from figure_samples import coin, kind_of, sweep_files, texts

BUILD = "mi.steering.sweep:sweep"


def figure_of(shelf, naming, only_one, **about):
    return only_one("steering-sweep", naming(shelf.put(BUILD, sweep_files(**about))))


def points(element):
    return [tuple(map(float, p.split(","))) for p in element.get("points").split()]


def centre(element):
    xs, ys = zip(*points(element), strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def test_no_line_joins_a_refused_point(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    lines = [points(e) for e in kind_of(figure, "series") if e.tag == "polyline"]
    # dom is fluent at .5 and 1, refused at 2, fluent again at 4: one stretch of two points in each panel, no more
    assert sorted(map(len, lines)) == [2, 2]
    hollow = [centre(e)[0] for e in kind_of(figure, "mark", "hollow")]
    assert not any(abs(x - refused) < 3 for line in lines for x, _ in line for refused in hollow)


def test_every_coefficient_is_drawn_refused_ones_hollow(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    assert len(kind_of(figure, "mark", "hollow")) == 2 * 2 + 1
    # 6 conditions in 2 panels; 2 tested arms; the legend's two arms and one hollow mark
    assert len(kind_of(figure, "mark")) == 12 + 2 + 3
    assert {"0.5", "1", "2", "4"} <= set(texts(figure))
    assert "2 conditions were refused as not fluent" in figure.sentence


def test_what_lies_beyond_the_axis_has_an_arrowhead(shelf, naming, only_one):
    assert len(kind_of(figure_of(shelf, naming, only_one), "beyond")) == 1
    rows = {("dom", 1.0): (0.8, 1.6, True)}
    assert not kind_of(figure_of(shelf, naming, only_one, rows=rows, arms=("dom",), chosen={"dom": 1.0}), "beyond")


def test_the_chosen_coefficient_is_ringed(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    rings = [(float(e.get("cx")), float(e.get("cy"))) for e in kind_of(figure, "chosen") if e.get("cx") != "14"]
    filled = [centre(e) for e in kind_of(figure, "mark") if "hollow" not in e.get("class")]
    assert len(rings) == 2 * 2
    assert all(any(abs(x - a) < 1 and abs(y - b) < 2 for a, b in filled) for x, y in rings)
    chosen = {(r["arm"], r["coefficient"]) for r in figure.table() if r["chosen on validation"] == "yes"}
    assert chosen == {("dom", 1.0), ("latent", 0.5)}


def test_intervals_are_of_test_prompts_at_the_chosen_coefficient_only(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    with_interval = [(r["arm"], r["coefficient"], r["split"]) for r in figure.table() if r["success lo"] is not None]
    assert with_interval == [("baseline", 0.0, "test"), ("dom", 1.0, "test"), ("latent", 0.5, "test")]
    # two caps and a bar for each, and the unsteered estimate's tick
    assert len(kind_of(figure, "interval")) == 3 * 3 + 1
    exact = sum(coin(0.8, 60, 2)) / 60
    assert f"difference of means at 1 {exact:+.3f}" in figure.sentence


def test_baseline_and_cap_are_levels_in_both_panels(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    assert len(kind_of(figure, "level", "baseline")) == 3 + 1
    assert len(kind_of(figure, "level", "bound")) == 1 + 1
    assert "fluency cap: 1.95" in texts(figure)


def test_arms_differ_by_shape_and_dash(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one)
    lines = [e.get("class").split() for e in kind_of(figure, "series") if e.tag == "line"]
    assert len({next(c for c in kinds if c.startswith("dash-")) for kinds in lines}) == 2
    first = [e for e in kind_of(figure, "mark") if "hollow" not in e.get("class")][:2]
    assert len(points(first[0])) != len(points(first[1]))


def test_arms_have_the_fields_words_and_the_table_their_names(shelf, naming, only_one):
    names = ("dom", "caa", "latent", "random", "random-latent", "mine")
    rows = {(name, 1.0): (0.8, 1.6, True) for name in names}
    figure = figure_of(shelf, naming, only_one, rows=rows, arms=names, chosen=dict.fromkeys(names, 1.0))
    words = ("difference of means", "CAA", "SAE latent", "random direction", "random latent", "mine")
    assert {*words, *(f"{w} at 1" for w in words)} <= set(texts(figure))
    assert not {*names[:-1], "dom at 1"} & set(texts(figure))
    assert {r["arm"] for r in figure.table()} == {"baseline", *names}


def test_an_undecided_arm_is_named_with_the_reason(shelf, naming, only_one):
    figure = figure_of(shelf, naming, only_one, chosen={"dom": 1.0})
    assert "SAE latent: none of 2 coefficients leaves the text fluent" in figure.caption
    assert not any(r["chosen on validation"] == "yes" for r in figure.table() if r["arm"] == "latent")


def test_one_sign_is_said_to_be_one(shelf, naming, only_one):
    assert "Only one sign of the coefficient was swept" in figure_of(shelf, naming, only_one).caption
    rows = {("dom", -1.0): (0.2, 1.4, True), ("dom", 1.0): (0.8, 1.6, True)}
    both = figure_of(shelf, naming, only_one, rows=rows, arms=("dom",), chosen={"dom": 1.0})
    assert "Only one sign" not in both.caption
    assert {"-1", "1"} <= set(texts(both))


def test_without_headroom_there_is_no_figure_but_a_reason(shelf, naming, drawn):
    files = sweep_files()
    files["units.json"]["facts"] |= {"arms": {}, "measurable": False, "not_measurable_because": ["no headroom at all"]}
    found = drawn(naming(shelf.put(BUILD, files)))
    assert not found.figures
    assert any("nothing was steered: no headroom at all" in why for why in found.absent)
