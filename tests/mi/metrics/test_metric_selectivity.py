"""Selectivity: planted domain latents are found, shuffled labels yield none."""

import csv
import json

import numpy as np
import pytest
import torch

from mi.claimable import unpaired
from mi.metrics.contexts import Context, TopDocuments, label, visible
from mi.metrics.selectivity import selectivity
from mi.progress import SILENT
from mi.unit_table import UnitTable

N_DOCS, LENGTH, LATENTS = 60, 12, 16
ONLY_A, ONLY_B, RARE, DEAD = [0, 1, 2], [3, 4], 5, 15


def document_rows(rng, side):
    """Latents as coordinates: some of one domain only, one that fires in a single document, the rest in both."""
    rows = (rng.random((LENGTH, LATENTS)) < 0.25) * rng.gamma(2, size=(LENGTH, LATENTS))
    rows[:, ONLY_B if side == "a" else ONLY_A] = 0
    rows[:, [RARE, DEAD]] = 0
    return rows


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    rows = {side: [document_rows(rng, side) for _ in range(N_DOCS)] for side in "ab"}
    rows["a"][7][4, RARE] = 3.0
    return rows


@pytest.fixture(scope="module")
def run(tmp_path_factory, write_activations, write_coders, make_coder, sites):
    def build(corpus, **options):
        folder = tmp_path_factory.mktemp("sel")
        acts = {}
        for side, documents in corpus.items():
            values = torch.from_numpy(np.concatenate(documents))
            strongest = values.argmax(1)  # a token per latent, so that contexts can be read
            acts[side] = write_activations(
                folder / side,
                {sites[1]: values},
                np.repeat(range(len(documents)), LENGTH),
                ids=[f"{side}{k}" for k in range(len(documents))],
                domain=side,
                token=100 + strongest,
            )
        eye = torch.eye(LATENTS)
        bundle = write_coders(folder / "coders", it=make_coder(eye, eye))
        out = folder / "out"
        out.mkdir()
        settings = {"draws": 199, "name_a": "prose", "name_b": "code", **options}
        selectivity(
            out,
            progress=SILENT,
            coders=bundle,
            coder="it",
            activations_a=acts["a"],
            activations_b=acts["b"],
            **settings,
        )
        return out

    return build


@pytest.fixture(scope="module")
def out(run, corpus):
    return run(corpus)


def classes(out):
    table = UnitTable.read(out / "latents")
    return {
        name: np.flatnonzero(table.column(f"is_{name}")).tolist() for name in ("a", "b", "shared", "undecided", "dead")
    }


def test_planted_latents_are_recovered(out):
    found = classes(out)
    assert found["a"] == ONLY_A
    assert found["b"] == ONLY_B
    assert found["undecided"] == [RARE]
    assert found["dead"] == [DEAD]
    assert len(found["shared"]) == LATENTS - 7


def test_numbers_are_those_of_the_definition(out, corpus):
    table = UnitTable.read(out / "latents")
    a, b = (np.concatenate(corpus[side]) for side in "ab")
    np.testing.assert_allclose(table.column("mean_a"), a.mean(0), rtol=1e-5)
    np.testing.assert_allclose(table.column("difference"), a.mean(0) - b.mean(0), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(table.column("rate_b"), (b > 0).mean(0))
    held = set(UnitTable.read(out).units)
    for name, half in (("index", False), ("index_held_out", True)):
        a, b = (
            np.concatenate([rows for k, rows in enumerate(corpus[side]) if (f"{side}{k}" in held) is half]).mean(0)
            for side in "ab"
        )
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(table.column(name), np.nan_to_num((a - b) / (a + b)), atol=1e-6)


def test_shuffled_labels_yield_no_specific_latent(run, corpus):
    rng, specific = np.random.default_rng(1), 0
    pool = corpus["a"] + corpus["b"]
    for seed in range(6):
        order = rng.permutation(len(pool))
        mixed = {"a": [pool[k] for k in order[:N_DOCS]], "b": [pool[k] for k in order[N_DOCS:]]}
        found = classes(run(mixed, seed=seed, draws=99, pages=0))
        specific += len(found["a"]) + len(found["b"])
    assert specific <= 1  # each of the six finds any with probability .05 at most


def test_held_out_documents_confirm_what_others_chose(out):
    table = UnitTable.read(out)
    in_b = table.column("eval_b") == 1
    assert len(table.units) == N_DOCS
    assert in_b.sum() == N_DOCS // 2
    score = table.column("score")
    assert unpaired(score[~in_b], score[in_b]).interval().lo > 0.5
    latents = UnitTable.read(out / "latents")
    assert (latents.column("t_held_out")[ONLY_A] > 3).all()


def test_what_chance_finds_is_reported(out):
    facts = UnitTable.read(out).facts
    assert 0 <= facts["null_specific"] <= 0.1
    assert facts["specific_share"] == pytest.approx(5 / 15)
    assert facts["measurable"] is True


def test_the_order_of_the_harvest_does_not_matter(run, out, corpus):
    again = UnitTable.read(run(corpus, pages=3) / "latents")
    table = UnitTable.read(out / "latents")
    for name in table.columns:
        np.testing.assert_array_equal(table.column(name), again.column(name))


def test_pages_show_the_strongest_contexts_with_labels(out, corpus):
    features = json.loads((out / "features" / "a.json").read_text())
    assert {f["latent"] for f in features} == set(ONLY_A)
    for feature in features:
        k = feature["latent"]
        best = max((rows[:, k].max(), d) for d, rows in enumerate(corpus["a"]))
        top = feature["contexts"][0]
        assert top["document"] == f"a{best[1]}"
        assert top["activation"] == pytest.approx(best[0], rel=1e-5)
        assert top["tokens"][top["peak"]] == f"<{100 + k}>"
        assert top["activations"][top["peak"]] == max(top["activations"])
        assert len({c["document"] for c in feature["contexts"]}) == len(feature["contexts"]) == 10
        assert feature["label"].startswith(f"<{100 + k}>")
    page = (out / "features" / "a.md").read_text()
    assert page.startswith("# Latents of prose")
    assert "«<100>»" in page
    with (out / "tables" / "latents.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [r["class"] for r in table][:5] == ["a", "a", "a", "b", "b"]
    assert len(table) == LATENTS
    assert (out / "figures" / "selectivity.png").stat().st_size > 5000


def test_the_tokenizer_of_the_subject_writes_the_tokens(run, corpus, subject):
    page = json.loads((run(corpus, subject=subject, pages=1) / "features" / "shared.json").read_text())
    tokens = page[0]["contexts"][0]["tokens"]
    assert all("<1" not in token for token in tokens)


def context(token, activation=1.0):
    return Context(0, "d", "a", 3, activation, ["x", token, " y"], [0.0, activation, 0.0], 1)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([" def"] * 7 + [" x", " y", " z"], "def (7/10)"),
        (["if"] * 4 + ["else"] * 3 + ["a", "b", "c"], "if (4/10), else (3/10)"),
        ([str(k) for k in range(10)], "digits (10/10), mixed tokens"),
        (["Ada", "Bo", "Cy", "Di", "Ed", "Flo"], "capitalised (6/6), mixed tokens"),
        ([" ", "\n", "\t", "  ", "\n\n"], "white space (5/5), mixed tokens"),
        (["a", "1", "?", "B", "\n"], "mixed"),
        ([], "never fires"),
    ],
)
def test_labels_are_read_off_the_peaks(tokens, expected):
    assert label([context(t) for t in tokens]) == expected


def test_white_space_and_table_marks_are_visible():
    assert visible(" a|b`\n\x07") == "␣a∣bˋ⏎<7>"
    assert context(" def").line() == "x«␣def»␣y"


def test_top_documents_are_exact_whatever_the_order():
    rng = np.random.default_rng(0)
    docs = [torch.from_numpy(rng.gamma(1, size=(5, 3))) for _ in range(70)]
    expected = sorted(((float(d[:, 1].max()), k) for k, d in enumerate(docs)), reverse=True)[:4]
    for order in (range(70), rng.permutation(70)):
        top = TopDocuments(3, 4)
        for k in order:
            top.add(int(k), docs[k].float())
        assert [d for d, _, _ in top.of(1)] == [k for _, k in expected]
        assert [v for _, _, v in top.of(1)] == pytest.approx([v for v, _ in expected])
