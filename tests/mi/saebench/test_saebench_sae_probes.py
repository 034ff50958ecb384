"""sae-probes on a small model: predictions behind its scores, activations of the right token, families of data sets."""

import json
from contextlib import chdir

import numpy as np
import pytest
import torch
from saebench_samples import SITE

from mi.progress import SILENT
from mi.refusal import Refusal
from mi.saebench.engine import load
from mi.saebench.probe_sets import chosen, probe_sets, reduced
from mi.saebench.results import read_results
from mi.saebench.sae_probes import _collect, _Probes, sae_probes
from mi.saebench.subject_and_coder import prepare
from mi.unit_table import UnitTable

NAMES = ["119_us_state_TX", "95_toxic_is"]
LENGTH = 16


@pytest.fixture(scope="module")
def out(tmp_path_factory, spec, bundle):
    out = tmp_path_factory.mktemp("probes")
    about = {"subject": spec, "coders": bundle, "coder": "sae", "ks": [1, 4], "penalty": "l2", "data_sets": NAMES}
    about["max_examples"] = 500
    sae_probes(out, progress=SILENT, max_length=LENGTH, **about)
    return out


def test_scores_are_saebenchs_and_predictions_are_behind_them(out):
    from sklearn.metrics import roc_auc_score

    table, result = UnitTable.read(out), json.loads((out / "saebench.json").read_text())
    assert table.units == tuple(NAMES)
    for i, name in enumerate(NAMES):
        (line,) = (d for d in result["eval_result_details"] if d["dataset_name"] == name)
        said = np.load(out / "predictions" / f"{name}.npz")
        for arm, theirs in (("sae_k1", line["sae_metrics_by_k"]["1"]), ("sae_k4", line["sae_metrics_by_k"]["4"])):
            auc = table.column(arm.replace("sae_", "sae_auc_"))[i]
            assert auc == theirs["test_auc"] == pytest.approx(roc_auc_score(said["label"], said[arm]))
        assert table.column("llm_auc")[i] == line["llm_test_auc"]
        assert table.column("llm_auc")[i] == pytest.approx(roc_auc_score(said["label"], said["llm"]))
        assert table.column("examples")[i] == len(said["label"]) == 99
        labels = load("sae_probes.utils_data").get_yvals(name)
        np.testing.assert_array_equal(labels[said["row"]], said["label"])


def test_the_file_is_read_by_its_reader(out):
    result, table = read_results(out / "saebench.json"), UnitTable.read(out)
    assert result.units.units == tuple(sorted(NAMES))
    order = [result.units.units.index(name) for name in NAMES]
    np.testing.assert_array_equal(result.units.column("sae_top_4_test_auc")[order], table.column("sae_auc_k4"))


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_last_token_is_probed_whatever_the_batch(tmp_path, spec, bundle, subject, batch_size, monkeypatch):
    data, collect = load("sae_probes.utils_data"), load("sae_probes.generate_model_activations")
    (one,) = chosen(None, NAMES[1:])
    few = data.read_numbered_dataset_df(one.name).head(20)
    monkeypatch.setattr(collect.pd, "read_csv", lambda *a, **k: few)
    ready = prepare(spec, bundle, "sae", list(few["prompt"]), LENGTH)
    with chdir(tmp_path):
        _collect(ready, one, LENGTH, batch_size)
        found = torch.load(f"activations/model_activations_{ready.name}/{one.name}_{SITE}.pt")
    bos = subject.vocabulary.bos
    for text, row in zip(few["prompt"], found, strict=True):
        ids = [bos, *subject.tokenizer(text, add_special_tokens=False).input_ids[-(LENGTH - 1) :]]
        _, cache = ready.model.run_with_cache(torch.tensor([ids]), names_filter=[SITE])
        torch.testing.assert_close(row, cache[SITE][0, -1], rtol=1e-4, atol=1e-4)


def test_all_examples_are_taken_unless_asked_otherwise():
    data = load("sae_probes.utils_data")
    sets, sizes = chosen(None, NAMES), dict(data.get_dataset_sizes())
    with reduced(sets, None, 0):
        assert len(data.get_yvals(NAMES[0])) == sizes[NAMES[0]] == 1000
    with reduced(sets, 300, 0):
        y = data.get_yvals(NAMES[0])
        assert (len(y), int(y.sum())) == (300, 150)
        assert data.get_dataset_sizes()[NAMES[0]] == 300
    assert data.get_dataset_sizes() == sizes


def test_predictions_of_another_probe_are_refused(out):
    said = dict(np.load(out / "predictions" / f"{NAMES[0]}.npz"))
    result = json.loads((out / "saebench.json").read_text())
    sets = chosen(None, NAMES[:1])
    probes = _Probes([1, 4], sets, 42)
    with reduced(sets, 500, 42):
        probes._said[NAMES[0]] = dict(said)
        probes.columns(result["eval_result_details"])
        probes._said[NAMES[0]] = {**said, "sae_k1": said["sae_k4"]}
        with pytest.raises(Refusal, match="recorded predictions of sae_k1"):
            probes.columns(result["eval_result_details"])
        probes._said[NAMES[0]] = {**said, "label": said["label"][::-1]}
        with pytest.raises(Refusal, match="differ between probes"):
            probes.columns(result["eval_result_details"])


def test_data_sets_with_texts_in_common_are_one_family():
    sets = {s.name: s for s in probe_sets()}
    assert len(sets) == 113
    states = {sets[f"{n}_us_state_{s}"].family for n, s in ((117, "FL"), (118, "CA"), (119, "TX"))}
    assert len(states) == 1
    picked = chosen(12, None)
    assert len({s.family for s in picked}) == 12
    assert [s.examples for s in picked] == sorted(s.examples for s in picked)


@pytest.mark.parametrize(("n", "names"), [(None, ["no_such"]), (999, None), (0, None), (2, NAMES), (None, [])])
def test_data_sets_that_are_not_there_are_refused(n, names):
    with pytest.raises(Refusal):
        chosen(n, names)
