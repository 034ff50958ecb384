"""Result files of SAEBench: every kind that it writes is read, what is missing stays missing, broken ones are refused."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from mi.refusal import Refusal
from mi.saebench.results import KINDS, read_results

ABOUT = {
    "eval_config": {"model_name": "gemma-2-2b", "random_seed": 42},
    "eval_id": "0",
    "datetime_epoch_millis": 1,
    "sae_bench_commit_hash": "abc",
    "sae_lens_id": "layer_12/width_16k",
    "sae_lens_release_id": "release",
    "sae_lens_version": "6.28.0",
}
SETS = ["LabHC/bias_in_bios_class_set1", "fancyzhx/ag_news"]


def result(evaluation, metrics, details, unstructured=None):
    whole = {**ABOUT, "eval_type_id": evaluation, "eval_result_metrics": metrics, "eval_result_details": details}
    return {**whole, "eval_result_unstructured": unstructured}


def sparse_probing():
    line = {"llm_test_accuracy": 0.95, "llm_top_1_test_accuracy": 0.68, "llm_top_100_test_accuracy": None}
    lines = [{"dataset_name": name, **line, "sae_top_1_test_accuracy": 0.7 + i / 8} for i, name in enumerate(SETS)]
    lines[0]["sae_test_accuracy"] = -1  # --lower_vram_usage
    lines[1]["sae_test_accuracy"] = 0.9
    per_class = {
        f"{SETS[0]}_results": {"sae_top_1_test_accuracy": {"0": 0.6, "2": 0.8}, "sae_test_accuracy": {"-1": -1}}
    }
    metrics = {"llm": {"llm_test_accuracy": 0.95}, "sae": {"sae_top_1_test_accuracy": 0.75, "sae_test_accuracy": -1}}
    return result("sparse_probing", metrics, lines, per_class)


def sae_probes():
    by_k = {"1": {"test_auc": 0.6, "test_accuracy": 0.5}, "16": {"test_auc": 0.8, "test_accuracy": 0.7}}
    line = {
        "dataset_name": "5_hist_fig_ismale",
        "llm_test_auc": 0.9,
        "sae_top_1_test_auc": 0.6,
        "sae_metrics_by_k": by_k,
    }
    return result("sparse_probing_sae_probes", {"llm": {"llm_test_auc": 0.9}, "sae": {}}, [line])


def core():
    line = {"index": 0, "feature_density": 0.1, "encoder_bias": -1.0, "consistent_activation_heuristic": -1}
    metrics = {"sparsity": {"l0": 32.0, "l1": -1}, "reconstruction_quality": {"explained_variance": 0.9}}
    return result("core", metrics, [line, {**line, "index": 1, "consistent_activation_heuristic": 2.0}], {})


def absorption():
    line = {"first_letter": "a", "mean_absorption_fraction": 0.2, "num_full_absorption": 3}
    return result("absorption_first_letter", {"mean": {"mean_full_absorption_score": 0.1}}, [line])


def scr():
    line = {"dataset_name": f"{SETS[0]}_scr_professor_nurse_results", "scr_metric_threshold_10": -1.0}
    return result("scr", {"scr_metrics": {"scr_metric_threshold_10": -1.0}}, [line])


def tpp():
    name = "tpp_threshold_10_total_metric"
    per_class = {SETS[0]: {"0": {name: 0.1}, "2": {name: 0.3}}}
    return result(
        "tpp", {"tpp_metrics": {name: 0.2}}, [{"dataset_name": f"{SETS[0]}_tpp_results", name: 0.2}], per_class
    )


EVERY = {"sparse_probing": sparse_probing, "sparse_probing_sae_probes": sae_probes, "core": core}
EVERY |= {"absorption_first_letter": absorption, "scr": scr, "tpp": tpp}


@pytest.fixture
def write(tmp_path):
    def written(data):
        path = tmp_path / "x_custom_sae_eval_results.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return written


@pytest.mark.parametrize("evaluation", sorted(KINDS))
def test_every_kind_is_read(write, evaluation):
    found = read_results(write(EVERY[evaluation]()))
    assert found.evaluation == evaluation
    assert (found.facts["model"], found.facts["coder"]["release_id"]) == ("gemma-2-2b", "release")
    assert found.units.unit == KINDS[evaluation].unit
    assert found.source.startswith("x_custom_sae_eval_results.json@sha256:")
    assert ("advisory" in found.facts) == (evaluation in ("scr", "tpp"))


def test_sparse_probing_has_data_sets_and_classes(write):
    found = read_results(write(sparse_probing()))
    assert found.units.units == tuple(SETS)
    np.testing.assert_array_equal(found.units.column("sae_top_1_test_accuracy"), [0.7, 0.825])
    assert "llm_top_100_test_accuracy" not in found.units.columns
    assert found.facts["selected_on_test"] == ["llm_test_accuracy", "sae_test_accuracy"]
    assert found.classes.units == (f"{SETS[0]}/0", f"{SETS[0]}/2")
    np.testing.assert_array_equal(found.classes.column("sae_top_1_test_accuracy"), [0.6, 0.8])


def test_what_saebench_left_out_is_missing_and_no_score(write):
    found = read_results(write(sparse_probing()))
    np.testing.assert_array_equal(found.units.column("sae_test_accuracy"), [np.nan, 0.9])
    assert math.isnan(found.metrics["sae_test_accuracy"])
    assert found.facts["metrics"]["sae_test_accuracy"] is None
    latents = read_results(write(core()))
    np.testing.assert_array_equal(latents.units.column("consistent_activation_heuristic"), [np.nan, 2.0])
    np.testing.assert_array_equal(latents.units.column("encoder_bias"), [-1.0, -1.0])  # a bias may be -1
    assert read_results(write(scr())).metrics["scr_metric_threshold_10"] == -1.0  # and so may a score


def test_any_k_of_sae_probes_is_a_column(write):
    table = read_results(write(sae_probes())).units
    assert (table.column("sae_top_16_test_auc")[0], table.column("sae_top_1_test_auc")[0]) == (0.8, 0.6)


def test_tpp_has_its_classes(write):
    found = read_results(write(tpp()))
    assert found.classes.units == (f"{SETS[0]}/0", f"{SETS[0]}/2")
    assert found.classes.column("tpp_threshold_10_total_metric").mean() == pytest.approx(0.2)


def test_core_says_what_its_numbers_are_not(write):
    assert set(read_results(write(core())).facts["departures"]) >= {"explained_variance", "mse"}


def without(key):
    data = sparse_probing()
    del data[key]
    return data


def changed(**fields):
    data = sparse_probing()
    data["eval_result_details"][0] |= fields
    return data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("{", "no JSON"),
        ("[1]", "evaluation 'none'"),
        ({"eval_type_id": "ravel"}, "evaluation 'ravel'"),
        (without("eval_result_details"), "without eval_result_details"),
        (without("eval_result_metrics"), "without eval_result_metrics"),
        (changed(sae_top_1_test_accuracy="high"), "'high'"),
        (changed(sae_top_1_test_accuracy=True), "True"),
        (changed(dataset_name=SETS[1]), "twice"),
        ({**sparse_probing(), "eval_result_details": [{"sae_top_1_test_accuracy": 0.5}]}, "KeyError"),
        ({**sparse_probing(), "eval_result_details": [3]}, "TypeError"),
        ({**sparse_probing(), "eval_result_metrics": {"sae": 3}}, "AttributeError"),
    ],
)
def test_broken_files_are_refused(write, data, why):
    with pytest.raises(Refusal, match=why):
        read_results(write(data))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"no file there\.json"):
        read_results(tmp_path / "there.json")


@pytest.mark.parametrize("evaluation", sorted(KINDS))
def test_files_that_saebench_itself_writes_are_read(tmp_path, evaluation):
    """Its own classes hold what is read here, and say the same about it."""
    pytest.importorskip("sae_bench")
    from pydantic import TypeAdapter

    from mi.saebench.engine import load

    where = {"sparse_probing": "sparse_probing", "core": "core", "absorption_first_letter": "absorption"}
    where |= {"scr": "scr_and_tpp", "tpp": "scr_and_tpp", "sparse_probing_sae_probes": "sparse_probing_sae_probes"}
    module = load(f"sae_bench.evals.{where[evaluation]}.eval_output")
    names = [n for n in vars(module) if n.endswith("EvalOutput") and n != "BaseEvalOutput"]
    (cls,) = (vars(module)[n] for n in names if len(names) == 1 or n.lower().startswith(evaluation[:3]))
    data = EVERY[evaluation]()
    data["eval_config"] = {"model_name": "gemma-2-2b"}
    for group in cls.__annotations__["eval_result_metrics"].__annotations__.items():
        required = {n for n, f in group[1].__pydantic_fields__.items() if f.is_required()}
        given = data["eval_result_metrics"].setdefault(group[0], {})
        given |= dict.fromkeys(required - set(given), 0)
    detail = cls.__annotations__["eval_result_details"].__args__[0]
    for line in data["eval_result_details"]:
        line |= {n: 0.0 for n, f in detail.__pydantic_fields__.items() if f.is_required() and n not in line}
    data["sae_cfg_dict"] = {}
    written = TypeAdapter(cls).validate_python(data)
    written.to_json_file(str(tmp_path / "r.json"))
    ours, direct = read_results(tmp_path / "r.json"), json.loads((tmp_path / "r.json").read_text())
    assert len(ours.units.units) == len(direct["eval_result_details"])
    for i, line in enumerate(direct["eval_result_details"]):
        for name, value in line.items():
            if isinstance(value, int | float) and name in ours.units.columns and value != -1:
                assert ours.units.column(name)[i] == value


def test_reading_imports_no_engine():
    code = "import sys, mi.saebench.results; print(*{'torch', 'sae_bench', 'sae_lens', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
