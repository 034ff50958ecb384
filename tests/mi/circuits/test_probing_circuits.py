"""The probing reading against planted latents and against nothing at all, and what a leak would gain."""

import numpy as np
import pytest
from scipy import stats

from mi.circuits.circuit import Circuit
from mi.circuits.found import Found
from mi.circuits.probing import _halves, find, leak, probing
from mi.circuits.random_sets import random_sets
from mi.claimable import Sample, against_random_sets
from mi.probing.probe import fit, top_columns
from mi.probing.split import FitSet
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable

RATES = np.concatenate([np.full(12, 0.9), np.full(60, 0.05), np.zeros(8)])
PLANTED = (2, 7)


@pytest.fixture
def world(tmp_path, pooled, draw):
    """Two coders; the later one has planted latents, the earlier one nothing."""

    def build(planted=PLANTED, n=(400, 300), seed=0):
        folders = {}
        for split, size in zip(("train", "test"), n, strict=True):
            rng = np.random.default_rng([seed, size])
            y, late = draw(rng, size, RATES, planted)
            _, early = draw(rng, size, RATES)
            folders[split] = pooled(split, y, {"early": early, "late": late})
        return folders

    return build


def built(folder, builder, **inputs):
    folder.mkdir()
    return folder, builder(folder, progress=SILENT, **inputs)


def test_planted_latents_are_found_and_beat_matched_sets(world, tmp_path):
    rows = world()
    found, _ = built(tmp_path / "found", find, train=rows["train"], coders=["early", "late"], ks=[2, 4], draws=30)
    assert set(Found(found).circuit(2).latents["late"]) == set(PLANTED)
    out, said = built(tmp_path / "out", probing, circuits=found, **rows)
    table = UnitTable.read(out)
    assert len(table.units) == 300
    assert said["accuracy"]["circuit_k2"] > 0.9 > said["random_accuracy"]["matched_k2"] + 0.2
    assert abs(said["accuracy"]["depth_k2_1"] - 0.5) < 0.1  # the first layer knows nothing
    np.testing.assert_array_equal(table.column("depth_k2_2"), table.column("circuit_k2"))
    for kind in ("matched", "any"):
        sets = UnitTable.read(out / "random" / f"{kind}_k2")
        assert sets.units == table.units
        assert list(sets.columns) == [str(k) for k in range(30)]
        assert np.mean([c.mean() for c in sets.columns.values()]) == pytest.approx(
            said["random_accuracy"][f"{kind}_k2"]
        )
    contrast = against_random_sets(
        Sample(table.column("circuit_k2"), table.units),
        [Sample(c, sets.units, params={"draw": n}) for n, c in enumerate(sets.columns.values())],
    )
    assert contrast.interval().lo > 0.2


def test_the_number_that_is_reported_is_the_number_that_is_read(world, tmp_path, monkeypatch):
    rows = world()
    found, said = built(tmp_path / "found", find, train=rows["train"], coders=["early", "late"], ks=[4], draws=20)
    seen = []

    def counted(data, columns=None):
        probe = fit(data, columns=columns)
        seen.append(len(probe.columns))
        return probe

    monkeypatch.setattr("mi.circuits.probing.fit", counted)
    built(tmp_path / "out", probing, circuits=found, **rows)
    assert said["sizes"] == {"4": 8}
    assert seen == [160, 4, 8, *[8] * 40]


def test_a_circuit_chosen_on_test_texts_is_refused(world, tmp_path, pooled, draw):
    rows = world()
    y, x = draw(np.random.default_rng(5), 100, RATES)
    with pytest.raises(Refusal, match="split test"):
        built(tmp_path / "wrong", find, train=pooled("test", y, {"late": x}, where="w"), coders=["late"], ks=[2])
    found, _ = built(tmp_path / "found", find, train=rows["train"], coders=["late"], ks=[2], draws=20)
    again = pooled("test", y[:50], {"late": x[:50]}, where="again/")
    texts = (rows["train"] / "documents.jsonl").read_text("utf-8").replace('"split": "train"', '"split": "test"')
    (again / "documents.jsonl").write_text("".join(line + "\n" for line in texts.splitlines()[:50]), "utf-8")
    with pytest.raises(Refusal, match="chosen on 50 of the texts"):
        built(tmp_path / "out", probing, circuits=found, train=rows["train"], test=again)


def test_halves_hold_every_row_once_and_either_class_alike():
    labels = np.random.default_rng(0).integers(0, 2, 101)
    here, there = _halves(labels, 3)
    assert sorted([*here, *there]) == list(range(101))
    assert abs(labels[here].mean() - labels[there].mean()) < 0.03


def test_a_leak_shows_where_there_is_nothing_to_choose(pooled, draw, tmp_path):
    """Among many latents without a label in them, some fit the judged half by chance: choosing on it must gain."""
    gained = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        y, x = draw(rng, 60, np.full(1_500, 0.5))
        rows = pooled("train", y, {"late": x}, where=f"{seed}/")
        out, said = built(tmp_path / f"leak{seed}", leak, train=rows, coders=["late"], ks=[10], seed=seed)
        assert len(UnitTable.read(out).units) == said["judged"] == 30
        gained.append(said["accuracy"]["leaky_k10"] - said["accuracy"]["honest_k10"])
    assert np.mean(gained) > 0.1


def test_no_leak_where_the_latents_are_plain(world, tmp_path):
    rows = world()
    _, said = built(tmp_path / "leak", leak, train=rows["train"], coders=["late"], ks=[2])
    assert said["accuracy"]["leaky_k2"] == said["accuracy"]["honest_k2"]


REPETITIONS, SETS, TRAINED, POOL = 200, 20, 10, 40
RATE = np.full(60, 0.5)


@pytest.mark.parametrize("chosen", ["at random", "by attribution"])
def test_on_labels_that_nothing_predicts_a_circuit_passes_at_the_nominal_rate(draw, chosen):
    """Nominal one-sided error .025 against the average random set; binomial bound over 200 repetitions.

    Test labels are drawn anew in each, so that probes fitted once are as good as probes fitted every time.
    """
    passed = 0
    for seed in range(TRAINED):
        guesses, _, rng = _guesses(draw, seed, ())
        for _ in range(REPETITIONS // TRAINED):
            right = guesses == rng.integers(0, 2, guesses.shape[1])
            ours, *others = rng.permutation(POOL)[: SETS + 1]
            passed += _against(right, POOL if chosen == "by attribution" else ours, others).interval().lo > 0
    assert passed <= stats.binom.ppf(0.999, REPETITIONS, 0.025), f"{passed} of {REPETITIONS}"


def test_among_informative_latents_a_random_set_ranks_like_any_other(draw):
    """Sets differ here, so one of them may well beat their average; its rank among them is uniform all the same."""
    first = beats_average = 0
    for seed in range(TRAINED):
        guesses, labels, rng = _guesses(draw, seed, range(0, 60, 4))
        for _ in range(REPETITIONS // TRAINED):
            ours, *others = rng.permutation(POOL)[: SETS + 1]
            contrast = _against(guesses == labels, ours, others)
            first += contrast.extra["rank_p"] <= 1 / (SETS + 1)
            beats_average += contrast.interval().lo > 0
    assert first <= stats.binom.ppf(0.999, REPETITIONS, 1 / (SETS + 1)), f"{first} of {REPETITIONS}"
    assert beats_average > REPETITIONS / 10  # which is why the rank stands beside the interval


def test_a_planted_circuit_is_recovered_every_time(draw):
    for seed in range(TRAINED):
        guesses, labels, rng = _guesses(draw, seed, PLANTED)
        contrast = _against(guesses == labels, POOL, rng.permutation(POOL)[:SETS])
        assert contrast.interval().lo > 0.1
        assert contrast.extra["rank_p"] <= 2 / (SETS + 1)  # a random set may hold the planted latents too


def _guesses(draw, seed, planted, n=120):
    """``[POOL + 1, n]`` what probes on random sets, and last the one on a circuit by attribution, say of test rows."""
    rng = np.random.default_rng([seed, len(planted)])
    (y, x), (y2, x2) = draw(rng, n, RATE, planted), draw(rng, n, RATE, planted)
    data = FitSet(x.astype(np.float32), y, tuple(f"a{k}" for k in range(n)))
    circuit = Circuit({"a": tuple(top_columns(data, 4).tolist())})
    assert not planted or len(planted) > 4 or set(planted) <= set(circuit.latents["a"])
    sets = [*random_sets(circuit, {"a": RATE}, "any", POOL, seed), circuit]
    probes = [fit(data, columns=c.columns({"a": len(RATE)})) for c in sets]
    return np.stack([probe.predict(x2.astype(np.float32)) for probe in probes]), y2, rng


def _against(right, ours, others):
    ids = [f"b{k}" for k in range(right.shape[1])]
    samples = {int(k): Sample(right[k], ids, params={"draw": int(k)}) for k in (ours, *others)}
    return against_random_sets(samples[int(ours)], [samples[int(k)] for k in others])
