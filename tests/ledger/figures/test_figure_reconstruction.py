"""Reconstruction of every coder of a subject."""

from figure_samples import SUBJECT, kind_of, reconstruction_files, texts, units

from mi import claimable

BUILD, LOSS = "mi.metrics.reconstruction:reconstruction", "mi.metrics.loss_recovered:loss_recovered"
TRAINED = ("mi.coders.train_sparsify:train", {"subject": SUBJECT})
CONTROL = ("mi.coders.controls:l0_matched_random", {})
COPY = ("mi.coders.train_sparsify:train", {"subject": {**SUBJECT, "weights": "reinit"}})


def test_trained_coders_controls_and_copies_are_told_apart(shelf, naming, only_one):
    made = [(TRAINED, 0.1), (CONTROL, 0.6), (COPY, 0.2)]
    digests = [shelf.put(BUILD, reconstruction_files(fvu=fvu), inputs={"coders": coder}) for coder, fvu in made]
    figure = only_one("reconstruction", naming(*digests))
    kinds = {row["coder"]: row["kind"] for row in figure.table()}
    assert kinds == {
        "sae": "trained coder",
        "sae, l0 matched random": "control coder",
        "sae, reinit": "coder of a randomised copy",
    }
    assert len({e.get("class") for e in kind_of(figure, "mark")}) == 3
    assert set(figure.artifacts) == set(digests)


def test_a_claim_gives_interval_bound_and_verdict(shelf, row, only_one):
    files = reconstruction_files()
    digest = shelf.put(BUILD, files, inputs={"coders": TRAINED})
    table = files["units.json"]
    contrast = claimable.ratio_of_sums(
        table["columns"]["sse"], table["columns"]["sst"], table["units"], sources=[digest]
    )
    judged = row("explains", contrast, below=0.2)
    figure = only_one("reconstruction", judged)
    (cell,) = figure.table()
    assert (cell["lo"], cell["hi"], cell["interval from"]) == (judged["lo"], judged["hi"], "paper.explains")
    assert "claimed < 0.2" in texts(figure)
    assert "< 0.2, pass" in figure.sentence


def test_loss_recovered_is_of_the_same_coder(shelf, naming, only_one):
    digest = shelf.put(BUILD, reconstruction_files(), inputs={"coders": TRAINED})
    columns = {
        "recovered_mean": [0.9 + 0.01 * i for i in range(20)],
        "headroom_mean": [1.0 + 0.02 * (i % 3) for i in range(20)],
    }
    share = sum(columns["recovered_mean"]) / sum(columns["headroom_mean"])
    same, other = ({"units.json": units(columns, {"coder": coder})} for coder in ("sae", "transcoder"))
    rows = naming(digest), naming(shelf.put(LOSS, other, inputs={"coders": TRAINED}), name="other")
    assert only_one("reconstruction", *rows).table()[0]["loss recovered"] is None
    rows = naming(digest), naming(shelf.put(LOSS, same, inputs={"coders": TRAINED}), name="same")
    assert abs(only_one("reconstruction", *rows).table()[0]["loss recovered"] - share) < 1e-12


def test_subjects_are_never_drawn_together(shelf, row, gap, drawn):
    digests = [shelf.put(BUILD, reconstruction_files(fvu=fvu), inputs={"coders": TRAINED}) for fvu in (0.1, 0.2)]
    rows = [row("a", gap(0.1, sources=[d]), subject=s) for d, s in zip(digests, ("organism", "gpt2"), strict=True)]
    assert [(f.subject, len(f.rows)) for f in drawn(*rows).figures] == [("organism", 1), ("gpt2", 1)]
