"""Advice: configuration that departs from the engine's is said, and good configuration is not nagged at."""

import math

import numpy as np
import pytest
import torch
from coder_samples import SITE, SITE_IN, planted, write_activations

from mi.coders import advice
from mi.coders.advice import CoderAdvice
from mi.coders.coder import CoderFacts
from mi.coders.loss_curve import LossCurve
from mi.coders.train_saelens import train as train_saelens
from mi.coders.train_sparsify import train
from mi.progress import SILENT

GOOD = {"lr": 1e-3, "default_lr": 1e-3, "k": 4, "d_in": 16, "n_latents": 32, "tokens": 100_000}
LOOK = {"fvu": 0.1, "l0": 4.0, "dead_fraction": 0.0}
CURVE = {"converged": True, "tail_fall": 0.0}


def curve(values):
    made = LossCurve()
    for v in values:
        made.add(float(v), 4.0)
    return made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"lr": 4e-3}, None),
        ({"lr": 2e-5}, "50 times below"),
        ({"lr": 6e-3}, "6 times above"),
        ({"k": 17}, "exceeds the width"),
        ({"k": None}, None),
        ({"tokens": 10_000}, "tokens per latent"),
    ],
)
def test_settings(change, said):
    found = advice.on_settings(**{**GOOD, **change})
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("look", "more", "said"),
    [
        ({}, {}, None),
        ({"dead_fraction": 0.3}, {}, "no auxiliary loss revives"),
        ({"dead_fraction": 0.3}, {"revival": True}, "in spite of the auxiliary loss"),
        ({"fvu": 1.01}, {}, "no better than the mean"),
        ({"l0": 9.0}, {"k": 4}, "L0 of the saved coder is 9.0"),
        ({"l0": 9.0}, {"k": None}, None),
        ({}, {"curve": {"converged": False, "tail_fall": 0.3}}, "not converged: the loss fell by 30%"),
        ({}, {"curve": {"converged": None, "tail_fall": None}}, "too few steps"),
    ],
)
def test_results(look, more, said):
    found = advice.on_result(look={**LOOK, **look}, **{"revival": False, "curve": CURVE, **more})
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_loss_that_is_still_falling():
    noise = 1 + 0.02 * np.random.default_rng(0).normal(size=500)
    steps = np.arange(1, 501)
    assert curve(0.2 + 0 * steps).converged() is True
    assert curve(0.2 * noise).converged() is True
    assert curve(steps**-0.3 * noise).converged() is True  # as slow as any training is at its end
    assert curve(np.exp(-steps / 150) * noise).converged() is False
    assert curve(steps**-1.0 * noise).converged() is False
    assert curve(np.exp(steps / 500)).converged() is True  # it rises, which is another trouble
    assert curve([0.5] * 20).converged() is None


def test_fall_is_relative_and_over_the_last_fifth():
    halves = np.concatenate([np.ones(400), np.geomspace(1, 0.5, 100)])
    fall, error = curve(halves).tail_fall()
    assert fall == pytest.approx(0.5, abs=0.01)
    assert error < 0.01
    assert curve([1.0] * 5).tail_fall() == (0.0, math.inf)


def test_curve_is_short_and_ends_where_training_ended():
    summary = curve(np.geomspace(1, 0.1, 1000)).summary()["curve"]
    assert len(summary["fvu"]) == len(summary["step"]) == 64
    assert summary["step"][-1] == 1000
    assert summary["fvu"][0] > summary["fvu"][-1]
    assert curve([0.5, 0.4]).summary()["curve"]["fvu"] == [0.5, 0.4]


def test_bos_and_other_loud_rows_are_noticed(tmp_path):
    x, _ = planted(2000)
    clean = write_activations(tmp_path / "clean", {SITE: x})
    assert advice.on_activations(clean, [SITE]) == []
    positions = torch.arange(2000) % 31
    loud = torch.where(positions[:, None] == 0, 30 * x, x)
    bos = write_activations(tmp_path / "bos", {SITE: loud, SITE_IN: x}, positions=positions)
    first, norms = advice.on_activations(bos, [SITE, SITE_IN])
    assert "65 of 2000 rows are at position 0" in first
    assert f"at {SITE}" in norms


def test_a_learning_rate_fifty_times_too_low(world, tmp_path):
    """E13: the sources' own configuration. It warns, and the facts keep it. The curve alone does not tell: a slow run looks flat."""
    common = {"progress": SILENT, "activations": world["path"], "site_in": SITE_IN, "site_out": SITE, "batch_rows": 256}
    spec = {"kind": "sae", "k": 4, "n_latents": 48, "seed": 0}
    with pytest.warns(CoderAdvice) as said:
        train(tmp_path / "low", coders={"a": spec}, tokens=65_536, lr=1e-2 / 50, optimizer="signum", **common)
    texts = [str(w.message) for w in said if w.category is CoderAdvice]
    stored = CoderFacts.read(tmp_path / "low" / "a").training
    assert any("times below the engine's default" in t for t in texts)
    assert [t.removeprefix("coder a: ") for t in texts] == stored["warnings"]


def test_departing_from_saelens_advice(world, tmp_path):
    spec = {"architecture": "topk", "k": 4, "n_latents": 48, "seed": 0, "options": {"normalize_activations": "none"}}
    with pytest.warns(CoderAdvice, match="where SAELens advises"):
        train_saelens(
            tmp_path,
            progress=SILENT,
            activations=world["path"],
            coders={"a": spec},
            site=SITE,
            tokens=16_384,
            batch_rows=256,
            lr=1e-3,
        )
