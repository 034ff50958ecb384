"""Pooled rows against the subject read one text at a time, and probes built from them."""

import json

import numpy as np
import pytest
import torch

import mi.probing.pooled as module
import mi.probing.spot_check as spot_check
from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.coders.load import load_coder, save_coder
from mi.metrics.measurable import require_measurable
from mi.probing.labelled import Labelled
from mi.probing.pooled import EMBEDDING_SITE, TOKENS, Pooled, pool
from mi.probing.probes import probes
from mi.probing.runs import run_means
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.subjects.load import load_subject
from mi.subjects.spec import subject_spec
from mi.unit_table import UnitTable

SITE = "blocks.2.hook_resid_post"
CONCEPT = "negated_job_outdoor"


@pytest.fixture(scope="module")
def organism():
    return subject_spec("organism")


@pytest.fixture(scope="module")
def subject(organism):
    return load_subject(organism)


@pytest.fixture(scope="module")
def gates(tmp_path_factory, organism):
    """What the gates' artifact says once they have passed; pooling only reads whose it is."""
    folder = tmp_path_factory.mktemp("gates")
    (folder / "gates.json").write_text(json.dumps({"subject": organism, "sites": [EMBEDDING_SITE, SITE]}))
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, subject):
    """A random TopK SAE of the residual stream."""
    g = torch.Generator().manual_seed(0)
    d, n = subject.d_model, 96
    facts = CoderFacts("control", "sae", "topk", SITE, SITE, d, d, n, k=6)
    enc, dec = (torch.randn(n, d, generator=g) for _ in range(2))
    coder = LinearCoder(facts, enc, torch.randn(n, generator=g), dec, torch.randn(d, generator=g), Gate("topk", 6))
    folder = tmp_path_factory.mktemp("bundle")
    save_coder(coder, folder / "sae")
    return folder


@pytest.fixture(scope="module")
def build(tmp_path_factory, world_examples, organism, gates, bundle):
    def make(split="train", n=30, concept=CONCEPT, **settings):
        out = tmp_path_factory.mktemp("pooled")
        about = {"subject": organism, "gates": gates, "coders": bundle, "names": ["sae"]}
        facts = pool(out, progress=SILENT, examples=world_examples(concept, split, n), **about | settings)
        return Pooled(out), facts

    return make


def one_by_one(subject, bundle, texts, pooling):
    coder = load_coder(bundle / "sae")
    rows = {TOKENS: [], SITE: [], "sae": []}
    for text in texts:
        batch = subject.tokens([text])
        found = subject.activations(batch, [EMBEDDING_SITE, SITE])
        x = found[SITE][0][batch.scored[0]]
        rows[TOKENS].append(found[EMBEDDING_SITE][0][batch.scored[0]].mean(0))
        rows[SITE].append(x[-1] if pooling == "last" else x.mean(0))
        z = coder.encode(x)
        rows["sae"].append(z[-1] if pooling == "last" else z.mean(0))
    return {name: torch.stack(values).numpy() for name, values in rows.items()}


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_rows_are_those_of_each_text_alone(subject, bundle, build, pooling):
    found, _ = build(pooling=pooling)
    expected = one_by_one(subject, bundle, found.examples.texts, pooling)
    assert set(found.names) == set(expected)
    for name, rows in expected.items():
        assert np.allclose(found.rows(name), rows, atol=2e-4), name


def test_the_batch_size_changes_nothing(build):
    (a, _), (b, _) = build(batch_size=7), build(batch_size=64)
    for name in a.names:
        assert np.allclose(a.rows(name), b.rows(name), atol=2e-4)


def test_tokens_know_the_words_and_not_their_order(tmp_path, labelled, organism, gates, bundle):
    texts = [
        " Anna is a nurse and not a farmer. So Anna works as a",
        " Anna is a farmer and not a nurse. So Anna works as a",
    ]
    about = {"subject": organism, "gates": gates, "coders": bundle, "names": ["sae"]}
    pool(tmp_path, progress=SILENT, examples=labelled("train", [0, 1], texts=texts), **about)
    found = Pooled(tmp_path)
    assert np.allclose(*found.rows(TOKENS), atol=1e-5)
    assert not np.allclose(*found.rows(SITE), atol=1e-2)


def test_a_text_that_would_be_cut_is_refused_where_its_end_is_read(build):
    with pytest.raises(Refusal, match="longer than 8 tokens"):
        build(max_length=8)
    _, facts = build(max_length=8, pooling="mean")
    assert facts["truncated"] == 30


def test_gates_of_another_subject_are_refused(build, tmp_path, organism):
    other = {"subject": {**organism, "weights": "reinit"}, "sites": [EMBEDDING_SITE, SITE]}
    (tmp_path / "gates.json").write_text(json.dumps(other))
    with pytest.raises(Refusal, match="another subject"):
        build(gates=tmp_path)


def test_gates_that_did_not_look_at_the_site_are_refused(build, tmp_path, organism):
    (tmp_path / "gates.json").write_text(json.dumps({"subject": organism, "sites": [SITE]}))
    with pytest.raises(Refusal, match=EMBEDDING_SITE):
        build(gates=tmp_path)


@pytest.fixture(scope="module")
def table(tmp_path_factory, build):
    out = tmp_path_factory.mktemp("probes")
    (train, _), (test, _) = build(n=300), build("test", n=200)
    facts = probes(
        out, progress=SILENT, train=train.path, test=test.path, arms={"sae": "sae", "residual": SITE}, few=60, draws=4
    )
    return UnitTable.read(out), facts, test


def test_the_composition_is_in_the_stream_and_not_in_the_tokens(table):
    found, facts, test = table
    require_measurable(found)
    assert found.units == tuple(test.examples.ids)
    assert facts["accuracy"]["residual_full"] > 0.95
    assert 0.4 < facts["accuracy"]["tokens_full"] < 0.6
    assert 0.4 < facts["chance"] < 0.6


def test_outcomes_are_kept_example_by_example(table):
    found, facts, test = table
    for name, value in facts["accuracy"].items():
        column = found.column(name)
        assert column.mean() == pytest.approx(value)
        steps = 4 if name.endswith("_few") else 1
        assert set(np.unique(column * steps)) <= set(range(steps + 1))
    assert (found.column("label") == test.examples.labels).all()
    assert {f"{arm}_top_{k}" for arm in ("sae", "residual") for k in (1, 2, 5, 20)} <= set(found.columns)


def test_few_examples_are_drawn_by_the_seed(tmp_path, build):
    (train, _), (test, _) = build(n=300), build("test", n=200)

    def few(name, seed, n=4):
        (tmp_path / name).mkdir()
        settings = {"train": train.path, "test": test.path, "arms": {"residual": SITE}, "ks": [], "few": n, "draws": 3}
        probes(tmp_path / name, progress=SILENT, seed=seed, **settings)
        return UnitTable.read(tmp_path / name).column("residual_few")

    assert (few("a", 0) == few("b", 0)).all()
    assert (few("c", 1) != few("a2", 0)).any()
    with pytest.raises(Refusal, match="an even number"):
        few("d", 0, n=15)


def test_training_texts_are_never_tested_on(tmp_path, build):
    (train, _), _ = build(), None
    with pytest.raises(Refusal, match="30 texts in both"):
        probes(tmp_path, progress=SILENT, train=train.path, test=train.path, arms={"residual": SITE})


def test_examples_keep_their_labels_beside_the_rows(build, world_examples):
    found, _ = build()
    assert found.examples.ids == Labelled(world_examples(CONCEPT, "train", 30)).ids


@pytest.mark.parametrize(
    ("name", "around"),
    [
        ("_pooled", lambda inner: lambda x, batch, pooling: x[:, -1]),
        ("_pooled", lambda inner: lambda x, batch, pooling: inner(x, batch, pooling).roll(1, 0)),
        ("_mean", lambda inner: lambda x, scored: x.mean(1)),
    ],
    ids=["the last column", "another text's rows", "padding too"],
)
def test_rows_of_something_else_are_refused(build, monkeypatch, name, around):
    monkeypatch.setattr(module, name, around(getattr(module, name)))
    with pytest.raises(Refusal, match="run alone"):
        build()


def test_a_baseline_that_knows_more_than_tokens_is_refused(build, monkeypatch, tmp_path, organism):
    inside = "blocks.3.hook_resid_pre"
    (tmp_path / "gates.json").write_text(json.dumps({"subject": organism, "sites": [inside, SITE]}))
    for home in (module, spot_check):
        monkeypatch.setattr(home, "EMBEDDING_SITE", inside)
    with pytest.raises(Refusal, match="order of the words"):
        build(gates=tmp_path)


def test_a_coder_that_is_counted_as_several_runs_is_refused(table):
    found, _, _ = table
    with pytest.raises(Refusal, match="3 runs, of which 1 probed rows of their own"):
        run_means([found, found, found], "sae", "sae_few")
