"""Outcomes per example are those behind SAEBench's accuracies, and belong to the examples that they are filed under."""

import json

import numpy as np
import pytest

from mi.coders.load import load_coder
from mi.probing.labelled import Labelled
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.saebench.recorded_probes import RecordedProbes
from mi.saebench.sparse_probing import sparse_probing
from mi.unit_table import UnitTable

SITE = "blocks.1.hook_resid_post"


@pytest.fixture(scope="module")
def run(tmp_path_factory, spec, bundle, examples):
    def build(train=examples[0], test=examples[1], **settings):
        out = tmp_path_factory.mktemp("out")
        about = {"subject": spec, "coders": bundle, "coder": "sae", "concept": "plants", "max_length": 48, **settings}
        facts = sparse_probing(out, progress=SILENT, train=train, test=test, **about)
        return UnitTable.read(out), facts, json.loads((out / "saebench.json").read_text())

    return build


@pytest.fixture(scope="module")
def found(run):
    return run()


def test_outcomes_average_to_what_saebench_reports(found):
    table, facts, result = found
    per_class = result["eval_result_unstructured"]["plants_results"]
    for name in ("sae_top_1", "sae_top_2", "sae_top_5", "llm_top_1", "llm_top_2", "llm_top_5"):
        outcomes = table.column(name)
        assert set(np.unique(outcomes)) <= {0.0, 1.0}
        assert outcomes.mean() == pytest.approx(per_class[f"{name}_test_accuracy"]["1"], abs=1e-12)
        # Its own number averages two probes that see the same examples with labels swapped.
        assert result["eval_result_metrics"][name[:3]][f"{name}_test_accuracy"] == pytest.approx(
            outcomes.mean(), abs=0.02
        )
    assert table.column("label").mean() == 0.5
    assert facts["selected_on_test"] == ["llm_full", "sae_full"]
    assert result["sae_bench_commit_hash"] == "0.6.0"


@pytest.mark.parametrize(("arm", "k"), [("llm", 1), ("llm", 5), ("sae", 1), ("sae", 5)])
def test_each_outcome_is_that_of_its_example(found, subject, bundle, examples, arm, k):
    """The same probe, fitted from scratch on means of the subject's own activations, is right about the same texts."""
    from sklearn.linear_model import LogisticRegression

    coder, x, y, ids = load_coder(bundle / "sae"), {}, {}, {}
    units = found[0].units
    for split, path in zip(("train", "test"), examples, strict=True):
        data = Labelled(path)
        batch = subject.tokens(data.texts, 48)
        rows = subject.activations(batch, [SITE])[SITE]
        means = [row[on] for row, on in zip(rows, batch.scored, strict=True)]
        means = [(coder.encode(r) if arm == "sae" else r).mean(0).numpy() for r in means]
        x[split], y[split], ids[split] = np.array(means), data.labels, data.ids
    kept = sorted(ids["test"].index(u) for u in units)
    n = min(np.bincount(y["train"]))
    rng = np.random.default_rng(42)
    train = np.sort(np.concatenate([rng.choice(np.flatnonzero(y["train"] == c), n, replace=False) for c in (0, 1)]))
    a, b = x["train"][train], y["train"][train]
    top = np.argsort(-np.abs(a[b == 1].mean(0) - a[b == 0].mean(0)))[:k]
    probe = LogisticRegression(max_iter=1000).fit(a[:, top], b)
    right = {ids["test"][i]: float(probe.predict(x["test"][i : i + 1, top])[0] == y["test"][i]) for i in kept}
    differ = sum(right[u] != v for u, v in zip(units, found[0].column(f"{arm}_top_{k}"), strict=True))
    assert differ <= 1  # on the boundary, by rounding


def test_batches_of_one_give_the_same_outcomes(found, run):
    table, _, _ = run(batch_size=1, ks=[1, 5])
    assert table.units == found[0].units
    for name in ("sae_top_1", "sae_top_5", "llm_top_1", "llm_top_5"):
        assert np.mean(table.column(name) != found[0].column(name)) < 0.01


def test_planted_labels_are_found_and_coin_flips_are_not(found, run, coin_flips):
    assert found[0].column("llm_top_5").mean() > 0.8
    assert found[0].column("sae_top_5").mean() > 0.7
    table, _, _ = run(*coin_flips)
    for name in ("sae_top_1", "sae_top_5", "llm_top_5"):
        n = len(table.units)
        assert abs(table.column(name).mean() - 0.5) < 4 * 0.5 / n**0.5, name


def test_the_full_probe_is_stopped_on_the_test_examples(run, coin_flips):
    """Why no claim may rest on it: on labels that nothing predicts it is better than chance on average."""
    facts = [run(*coin_flips, seed=seed, ks=[1])[1] for seed in range(3)]
    gained = [f["accuracies"]["sae_full"] - 0.5 for f in facts]
    assert np.mean(gained) > 0.03


def test_the_models_folder_is_left_alone(run, folder):
    before = sorted(p.relative_to(folder) for p in folder.rglob("*"))
    run(ks=[1])
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == before


def test_outcomes_of_other_examples_are_refused(found):
    table, _, result = found
    probes = RecordedProbes(["sae_top_1"])
    reported = result["eval_result_unstructured"]["plants_results"]
    name = {"sae_top_1": "sae_top_1_test_accuracy"}
    probes.accuracies["sae_top_1"] = reported[name["sae_top_1"]]
    probes.outcomes["sae_top_1"] = table.column("sae_top_1").copy()
    probes.require(reported, name)
    probes.outcomes["sae_top_1"] = 1 - probes.outcomes["sae_top_1"]
    with pytest.raises(Refusal, match="recorded outcomes of sae_top_1"):
        probes.require(reported, name)
    probes.outcomes["sae_top_2"] = probes.outcomes.pop("sae_top_1")
    with pytest.raises(Refusal, match="in this order"):
        probes.require(reported, name)


def test_bad_examples_are_refused(run, examples):
    with pytest.raises(Refusal, match="texts in both"):
        run(test=examples[0])
    with pytest.raises(Refusal, match="float32"):
        run(subject={"dtype": "bfloat16"})
