"""Probe accuracies, paired with their baselines."""

from figure_samples import SUBJECT, kind_of, probe_files, texts

from mi import claimable

BUILD = "mi.probing.probes:probes"
ARMS = {"sae": "residual-sae", "residual": "blocks.2"}


def pooled(weights="trained", seed=0):
    return {"train": ("mi.probing.pooled:pool", {"subject": {**SUBJECT, "weights": weights, "weights_seed": seed}})}


def put(shelf, files, weights="trained", arms=ARMS, seed=0):
    return shelf.put(BUILD, files, params={"arms": arms, "few": 128}, inputs=pooled(weights, seed))


def test_real_residual_and_tokens_stand_on_one_line(shelf, naming, only_one):
    files = probe_files()
    figure = only_one("probes", naming(put(shelf, files), concept="nurse"))
    rows = {(r["line"], r["probe on"]): r for r in figure.table()}
    columns = files["units.json"]["columns"]
    for arm, column in (("SAE", "sae"), ("residual stream", "residual"), ("tokens only (embedding)", "tokens")):
        found = rows["all columns, 1000 examples", arm]
        assert found["estimate"] == sum(columns[f"{column}_full"]) / 100
        assert found["lo"] < found["estimate"] < found["hi"]
    assert ("top-1 probe", "SAE") in rows
    assert ("top-1 probe", "tokens only (embedding)") not in rows
    assert "nurse" in figure.title


def test_the_axis_is_whole_and_chance_is_on_it(shelf, naming, only_one):
    figure = only_one("probes", naming(put(shelf, probe_files()), concept="nurse"))
    assert {"0", "1"} <= set(texts(figure))
    assert len(kind_of(figure, "level", "chance")) == 1 + 1
    assert "chance +0.480" in figure.sentence
    assert "Chance: the share of held-out examples in the class that most training examples have" in figure.caption


def test_a_randomised_copy_is_beside_the_trained_model(shelf, naming, only_one):
    digests = put(shelf, probe_files()), put(shelf, probe_files(level=0.6, seed=50), "reinit")
    figure = only_one("probes", naming(*digests, concept="nurse"))
    line = [r for r in figure.table() if r["line"] == "reinit, 1 × 1000 examples"]
    assert [r["probe on"] for r in line] == ["SAE", "SAE of a randomised copy", "tokens only (embedding)"]
    assert line[0]["estimate"] > line[1]["estimate"]


def test_runs_have_intervals_over_runs(shelf, row, only_one):
    def runs(weights, level, first):
        return [(probe_files(level=level, arms=("sae",), seed=first + 100 * s), weights, s) for s in range(5)]

    made = [
        (f, w, put(shelf, f, w, {"sae": f"seed{s}"}, s))
        for f, w, s in runs("trained", 0.95, 0) + runs("permute", 0.6, 7)
    ]
    samples = [
        claimable.Sample(
            [sum(f["units.json"]["columns"]["sae_few"]) / 100 for f, x, _ in made if x == weights],
            [f"run {i}" for i in range(5)],
            unit="run",
            sources=[d for _, x, d in made if x == weights],
            params={"concept": "nurse"},
        )
        for weights in ("trained", "permute")
    ]
    judged = row("beats", claimable.over_runs(*samples), above=0.05, scope="method", unit="run")
    figure = only_one("probes", judged)
    line = [r for r in figure.table() if r["line"] == "permute, 5 × 128 examples"]
    assert [r["units"] for r in line] == ["runs", "runs"]
    assert [r["interval from"] for r in line] == ["t-on-run-means"] * 2
    assert abs(line[0]["estimate"] - line[1]["estimate"] - judged["estimate"]) < 1e-12
    assert len(kind_of(figure, "verdict-mark", "pass")) == 1 + 1


def test_verdicts_stand_on_the_line_that_they_are_about(shelf, row, only_one):
    files = probe_files()
    digest = put(shelf, files)
    table = files["units.json"]
    arms = [
        claimable.Sample(table["columns"][c], table["units"], sources=[digest], params={"probe": c, "concept": "nurse"})
        for c in ("sae_few", "tokens_few")
    ]
    figure = only_one("probes", row("beyond", arms[0] - arms[1], above=0.1))
    (mark,) = (e for e in kind_of(figure, "verdict-mark") if e.get("cx") != "14")
    (name,) = (e for e in figure.svg.iter("text") if e.text == "all columns, 128 examples")
    assert abs(float(mark.get("cy")) - float(name.get("y"))) < 6


def test_concepts_and_nulls_have_figures_of_their_own(shelf, naming, drawn):
    digests = [put(shelf, probe_files(seed=s)) for s in (0, 200, 400)]
    about = [{"concept": "nurse"}, {"concept": "plural"}, {"concept": "nurse", "null": "shuffled"}]
    rows = [naming(d, name=f"r{i}", **a) for i, (d, a) in enumerate(zip(digests, about, strict=True))]
    assert [f.title for f in drawn(*rows).figures] == [
        "Probe accuracy: nurse, organism",
        "Probe accuracy: plural, organism",
        "Probe accuracy: nurse, shuffled, organism",
    ]


def test_a_copy_alone_is_not_drawn(shelf, naming, drawn):
    found = drawn(naming(put(shelf, probe_files(), "reinit"), concept="nurse"))
    assert not found.figures
    assert any("no probe of the trained model" in why for why in found.absent)
