"""Absorption asks for a model that can spell."""

import json

import numpy as np
import pandas as pd
import pytest

from mi.progress import SILENT
from mi.refusal import Refusal
from mi.saebench import absorption as module
from mi.saebench.absorption import absorption
from mi.saebench.engine import load
from mi.unit_table import UnitTable


@pytest.fixture
def settings(spec, bundle):
    return {"progress": SILENT, "subject": spec, "coders": bundle, "coder": "sae"}


def test_a_vocabulary_without_words_is_refused(tmp_path, settings, monkeypatch):
    vocab = load("sae_bench.evals.absorption.vocab")
    monkeypatch.setattr(vocab, "get_alpha_tokens", lambda *a, **k: [" a", "b", " cat"])
    with pytest.raises(Refusal, match="begin with 3 letters"):
        absorption(tmp_path, **settings)


def test_a_model_that_cannot_spell_is_refused(tmp_path, settings, monkeypatch):
    """SAEBench prints that, and returns nothing."""
    main = load("sae_bench.evals.absorption.main")
    monkeypatch.setattr(module, "_require_words", lambda *a: None)
    letters = pd.DataFrame({"letter": list("abc"), "f1_probe": [0.9, 0.1, 0.2]})
    monkeypatch.setattr(main, "run_k_sparse_probing_experiment", lambda **k: letters)
    with pytest.raises(Refusal, match="fewer than 20 of the 26 first letters"):
        absorption(tmp_path, **settings)


def test_a_line_per_letter_comes_home(tmp_path, settings, monkeypatch):
    """SAEBench's own aggregation over what its two experiments would return."""
    main, letters = load("sae_bench.evals.absorption.main"), list("abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setattr(module, "_require_words", lambda *a: None)
    f1 = pd.DataFrame({"letter": letters, "f1_probe": 0.9})
    words = pd.DataFrame(
        {
            "letter": letters * 2,
            "absorption_fraction": np.linspace(0, 1, 52),
            "is_full_absorption": [0, 1] * 26,
            "num_probe_true_positives": 4.0,
            "split_feats": [[1, 2]] * 52,
        }
    )
    monkeypatch.setattr(main, "run_k_sparse_probing_experiment", lambda **k: f1)
    monkeypatch.setattr(main, "run_feature_absortion_experiment", lambda **k: words)
    facts = absorption(tmp_path, **settings)
    table = UnitTable.read(tmp_path)
    assert (table.unit, table.units) == ("letter", tuple(letters))
    expected = words.groupby("letter")["absorption_fraction"].sum() / 4
    np.testing.assert_allclose(table.column("mean_absorption_fraction"), expected)
    mean = json.loads((tmp_path / "saebench.json").read_text())["eval_result_metrics"]["mean"]
    assert facts["saebench"]["mean_absorption_fraction_score"] == mean["mean_absorption_fraction_score"]
