"""Stability over training seeds, on dictionaries whose agreement is known."""

import json

import numpy as np
import pytest
import torch

from mi.claimable import Sample, over_runs
from mi.metrics.cosine_counts import EDGES, cosine_counts
from mi.metrics.matching import THRESHOLDS, isotropic, null_cosines
from mi.metrics.measurable import require_measurable
from mi.metrics.stability import stability
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable

D, LIVE, DEAD, SEEDS = 64, 80, 20, 5


def decoder(rng, shared, n=LIVE + DEAD):
    """The first ``len(shared)`` rows are shared, all in an order of their own among the live ones."""
    rows = rng.normal(size=(n, D))
    if len(shared):
        rows[: len(shared)] = shared
    rows[:LIVE] = rows[rng.permutation(LIVE)]
    return rows


@pytest.fixture(scope="module")
def acts(tmp_path_factory, write_activations, sites):
    g = torch.Generator().manual_seed(0)
    values = {sites[1]: torch.randn(500, D, generator=g)}
    return write_activations(tmp_path_factory.mktemp("acts") / "a", values, np.repeat(range(25), 20))


@pytest.fixture
def measure(tmp_path, acts, make_coder, write_coders):
    def run(decoders, seeds=None, **options):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        rng = np.random.default_rng(9)
        coders = {}
        for k, rows in enumerate(decoders):
            bias = torch.zeros(len(rows))
            bias[LIVE:] = -1e6  # these never fire
            encoder = torch.from_numpy(rng.normal(size=rows.shape))
            seed = k if seeds is None else seeds[k]
            coders[f"s{k}"] = make_coder(encoder, torch.from_numpy(rows), b_enc=bias, seed=seed)
        bundle = write_coders(out.with_suffix(".coders"), **coders)
        settings = {"min_tokens": 100, "draws": 2, **options}
        stability(out, progress=SILENT, activations=acts, coders=list(coders), bundle=bundle, **settings)
        return UnitTable.read(out), out

    return run


def claim(table, column):
    return over_runs(Sample(table.column(column), table.units, unit="seed"))


def test_the_same_dictionary_in_another_order_is_stable(measure):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(LIVE, D))
    table, _ = measure([decoder(rng, shared) for _ in range(SEEDS)])
    mean = table.facts["mean_over_pairs"]
    assert mean["live_median"] == pytest.approx(1)
    assert mean["live_share_90"] == 1
    assert mean["all_share_90"] == pytest.approx(LIVE / (LIVE + DEAD))  # dead rows keep their random starts
    assert mean["excess_geometric"] == pytest.approx(1 - mean["null_geometric_median"])
    assert table.unit == "seed"
    assert table.units == ("0", "1", "2", "3", "4")


def test_dictionaries_that_share_nothing_sit_on_the_null(measure):
    rng = np.random.default_rng(1)
    table, _ = measure([decoder(rng, []) for _ in range(SEEDS)], draws=5)
    mean = table.facts["mean_over_pairs"]
    assert mean["excess_geometric"] == pytest.approx(0, abs=0.005)
    assert mean["null_geometric_median"] > 0.2  # far from the 0 that such numbers were compared with
    contrast = claim(table, "excess_geometric")
    assert contrast.interval().lo < 0.01
    assert contrast.interval().hi > -0.01


def test_rows_from_few_directions_beat_the_geometric_null_and_not_the_decoders_own(measure):
    """Random rows on a steep spectrum: stable by the weak null, not by the strong one."""
    rng = np.random.default_rng(2)
    spectrum = np.r_[np.full(6, 4.0), np.full(D - 6, 0.2)]
    table, _ = measure([decoder(rng, []) * spectrum for _ in range(SEEDS)])
    assert claim(table, "excess_geometric").interval().lo > 0.2
    assert abs(table.facts["mean_over_pairs"]["excess_decoder"]) < 0.03


def test_a_planted_share_comes_back(measure):
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(32, D))
    table, _ = measure([decoder(rng, shared) for _ in range(SEEDS)])
    assert table.facts["mean_over_pairs"]["live_share_90"] == pytest.approx(32 / LIVE)
    assert table.column("live_share_90").mean() == pytest.approx(32 / LIVE)


def test_one_odd_seed_widens_the_interval(measure):
    rng = np.random.default_rng(4)
    shared = rng.normal(size=(60, D))
    alike = [decoder(rng, shared + 0.3 * rng.normal(size=shared.shape)) for _ in range(SEEDS)]
    table, _ = measure(alike)
    odd, _ = measure([*alike[:4], decoder(rng, [])])
    narrow, wide = (claim(t, "live_mean").interval() for t in (table, odd))
    assert wide.hi - wide.lo > 5 * (narrow.hi - narrow.lo)


def test_dead_latents_are_counted_and_left_out(measure):
    rng = np.random.default_rng(5)
    table, _ = measure([decoder(rng, []) for _ in range(3)])
    assert table.column("alive").tolist() == [LIVE] * 3
    np.testing.assert_allclose(table.column("dead_share"), DEAD / (LIVE + DEAD))


def test_pairs_are_kept_for_figures_and_called_dependent(measure):
    rng = np.random.default_rng(6)
    _, out = measure([decoder(rng, []) for _ in range(4)])
    pairs = UnitTable.read(out / "pairs")
    assert pairs.units == ("0|1", "0|2", "1|2", "0|3", "1|3", "2|3")
    assert pairs.facts["independent"] is False
    assert (out / "figures" / "stability.png").stat().st_size > 5000


def counts_of(out):
    found = json.loads((out / "histogram.json").read_text("utf-8"))
    assert found["edges"] == list(EDGES)
    return {name: np.array(counts) for name, counts in found["counts"].items()}


def test_the_histogram_counts_every_matched_latent_of_every_pair(measure):
    rng = np.random.default_rng(10)
    table, out = measure([decoder(rng, rng.normal(size=(20, D))) for _ in range(4)], draws=2)
    counts, pairs = counts_of(out), 6
    assert counts["live"].sum() == pairs * LIVE
    assert counts["all"].sum() == pairs * (LIVE + DEAD)
    nulls = {name: n.sum() for name, n in counts.items() if name.startswith("null_")}
    assert nulls == dict.fromkeys(("null_geometric", "null_decoder", "null_activations"), 2 * pairs * LIVE)
    for part in ("live", "all"):  # thresholds are edges: the counts give the shares exactly
        for t in THRESHOLDS:
            above = counts[part][EDGES.index(t) :].sum() / counts[part].sum()
            assert above == pytest.approx(table.facts["mean_over_pairs"][f"{part}_share_{round(100 * t)}"], abs=1e-12)


def test_a_planted_permutation_is_all_in_the_last_bin(measure):
    rng = np.random.default_rng(11)
    shared = rng.normal(size=(LIVE, D))
    _, out = measure([decoder(rng, shared) for _ in range(3)])
    counts = counts_of(out)
    assert counts["live"][-1] == 3 * LIVE
    assert counts["all"][-1] == 3 * LIVE  # dead rows keep their random starts
    assert counts["null_geometric"][-1] == 0


def test_the_null_in_the_histogram_is_its_own_matching(measure):
    rng = np.random.default_rng(12)
    _, out = measure([decoder(rng, []) for _ in range(3)], draws=2, seed=5)
    drawn = [null_cosines(isotropic(D, 5 + 1000 * pair), LIVE, LIVE, 2).ravel() for pair in range(3)]
    assert counts_of(out)["null_geometric"].tolist() == cosine_counts(np.concatenate(drawn))


def test_the_histogram_is_the_same_bytes_again(measure):
    decoders = [decoder(np.random.default_rng(13), []) for _ in range(3)]
    (_, one), (_, other) = measure(decoders), measure(decoders)
    assert (one / "histogram.json").read_bytes() == (other / "histogram.json").read_bytes()


def test_under_trained_runs_are_not_measurable(measure):
    rng = np.random.default_rng(7)
    decoders = [decoder(rng, []) for _ in range(3)]
    table, _ = measure(decoders, min_tokens=10_000)
    with pytest.raises(Refusal, match="500 tokens"):
        require_measurable(table)
    table, _ = measure(decoders, max_dead=0.1)
    with pytest.raises(Refusal, match="under-trained"):
        require_measurable(table)
    table, _ = measure(decoders, min_live=90)
    with pytest.raises(Refusal, match="80 live latents"):
        require_measurable(table)


def test_a_seed_twice_two_seeds_and_unlike_coders_are_refused(measure):
    rng = np.random.default_rng(8)
    with pytest.raises(Refusal, match="a seed of its own"):
        measure([decoder(rng, []) for _ in range(3)], seeds=[0, 1, 1])
    with pytest.raises(Refusal, match="at least 3"):
        measure([decoder(rng, []) for _ in range(2)])
    with pytest.raises(Refusal, match="n_latents"):
        measure([decoder(rng, []), decoder(rng, []), decoder(rng, [], n=90)])


def test_coders_come_from_several_bundles(tmp_path, acts, make_coder, write_coders):
    rng = np.random.default_rng(9)
    bundles = {}
    for k in range(3):
        coder = make_coder(*(torch.from_numpy(rng.normal(size=(30, D))) for _ in range(2)), seed=k)
        bundles[f"seed{k}"] = write_coders(tmp_path / f"b{k}", it=coder)
    names = [f"seed{k}/it" for k in range(3)]
    out = tmp_path / "out"
    out.mkdir()
    stability(out, progress=SILENT, activations=acts, coders=names, draws=1, **bundles)
    assert UnitTable.read(out).facts["coders"] == names
    with pytest.raises(Refusal, match="with a bundle of seed0"):
        stability(out, progress=SILENT, activations=acts, coders=["it", "x/it", "y/it"], **bundles)
