"""The reconstruction builder on coders whose answer is known."""

import numpy as np
import pytest
import torch

from mi.claimable import ratio_of_sums
from mi.coders.linear_coder import Gate, LinearCoder
from mi.metrics import reconstruction as module
from mi.metrics.measurable import require_measurable
from mi.metrics.reconstruction import reconstruction
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable

N, D = 600, 6


@pytest.fixture(scope="module")
def values(sites):
    """What an MLP reads and writes: another scale, another mean, a linear map and a little more between them."""
    g = torch.Generator().manual_seed(0)
    x = torch.randn(N, D, generator=g) * torch.arange(1, D + 1) + 3
    A = torch.randn(D, 4, generator=g)
    return {sites[0]: x, sites[1]: x @ A + 0.1 * torch.randn(N, 4, generator=g) - 5}, A


@pytest.fixture(scope="module")
def document():
    return np.sort(np.random.default_rng(0).integers(0, 30, N))


@pytest.fixture(scope="module")
def activations(tmp_path_factory, write_activations, values, document):
    return write_activations(tmp_path_factory.mktemp("acts") / "a", values[0], document)


@pytest.fixture
def measure(tmp_path, activations, write_coders):
    def run(coder, **options):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        bundle = write_coders(out.with_suffix(".coders"), it=coder)
        reconstruction(out, progress=SILENT, activations=activations, coders=bundle, coder="it", **options)
        return UnitTable.read(out), out

    return run


def test_the_identity_scores_one_and_the_mean_zero(measure, identity_coder, make_coder, values, sites):
    y = values[0][sites[1]]
    table, _ = measure(identity_coder(4))
    assert table.facts["variance_explained"] == pytest.approx(1, abs=1e-9)
    assert table.facts["measurable"] is True
    blank = make_coder(torch.zeros(8, 4), torch.ones(8, 4), b_dec=y.double().mean(0))
    table, _ = measure(blank)
    assert table.facts["variance_explained"] == pytest.approx(0, abs=1e-9)
    assert table.facts["not_measurable_because"] == ["no latent ever fired"]


def test_it_agrees_with_numpy_per_document_and_in_whole(measure, make_coder, values, document, sites):
    y = values[0][sites[1]].double().numpy()
    g = torch.Generator().manual_seed(2)
    coder = make_coder(torch.randn(12, 4, generator=g), 0.1 * torch.randn(12, 4, generator=g), b_dec=torch.ones(4))
    table, out = measure(coder, batch_size=17)
    z = np.maximum(values[0][sites[1]].numpy() @ coder.W_enc.numpy().T, 0).astype(np.float64)
    error = ((y - (z @ coder.W_dec.double().numpy() + 1)) ** 2).sum(1)
    deviation = ((y - y.mean(0)) ** 2).sum(1)
    l0 = (z > 0).sum(1)
    for k, unit in enumerate(table.units):
        at = document == int(unit.removeprefix("doc"))
        assert table.column("sse")[k] == pytest.approx(error[at].sum(), rel=1e-4)
        assert table.column("sst")[k] == pytest.approx(deviation[at].sum(), rel=1e-6)
        assert table.column("l0_sum")[k] == l0[at].sum()
        assert table.column("l1_sum")[k] == pytest.approx(z[at].sum(), rel=1e-5)
        assert table.column("n_tokens")[k] == at.sum()
    facts = table.facts
    assert facts["fvu"] == pytest.approx(error.sum() / deviation.sum(), rel=1e-5)
    assert facts["r2"] == facts["variance_explained"] == 1 - facts["fvu"]
    assert facts["mse_per_token"] == pytest.approx(error.mean(), rel=1e-4)
    assert facts["mse_per_element"] == pytest.approx(error.mean() / 4, rel=1e-4)
    assert facts["l0_mean"] == pytest.approx(l0.mean())
    assert facts["n_tokens"] == N
    by_latent = UnitTable.read(out / "latents")
    assert by_latent.column("fired").tolist() == (z > 0).sum(0).tolist()
    assert by_latent.column("dead").sum() == facts["dead"]
    contrast = ratio_of_sums(table.column("sse"), table.column("sst"), table.units)
    assert contrast.estimate == pytest.approx(facts["fvu"])


def test_batch_size_and_shards_do_not_matter(
    measure, make_coder, tmp_path, write_activations, write_coders, values, document
):
    g = torch.Generator().manual_seed(3)
    coder = make_coder(torch.randn(12, 4, generator=g), 0.1 * torch.randn(12, 4, generator=g))
    tables = [measure(coder, batch_size=size)[0] for size in (1, 64, 100_000)]
    whole = write_activations(tmp_path / "whole", values[0], document, shards=1)
    out = tmp_path / "one"
    out.mkdir()
    bundle = write_coders(tmp_path / "bundle", it=coder)
    reconstruction(out, progress=SILENT, activations=whole, coders=bundle, coder="it")
    for table in [*tables[1:], UnitTable.read(out)]:
        assert table.units == tables[0].units
        for name in tables[0].columns:
            np.testing.assert_allclose(table.column(name), tables[0].column(name), rtol=1e-5)


def test_a_transcoder_is_scored_on_what_it_writes(measure, identity_coder, make_coder, values, sites):
    A = values[1]
    both = torch.cat([torch.eye(D), -torch.eye(D)])
    transcoder = make_coder(both, both @ A, b_dec=torch.full((4,), -5.0), sites=sites)
    table, _ = measure(transcoder)
    assert table.facts["kind"] == "transcoder"
    assert 0.99 < table.facts["variance_explained"] < 1  # the target is y = Ax + noise, so 1 would be the wrong target
    y = values[0][sites[1]].double()
    assert table.column("sst").sum() == pytest.approx(float((y - y.mean(0)).square().sum()), rel=1e-6)


def test_a_skip_term_counts(measure, make_coder, values, sites):
    A = values[1]
    coder = make_coder(
        torch.zeros(4, D) + 1,
        torch.zeros(4, 4) + 1e-6,
        b_dec=torch.full((4,), -5.0),
        sites=sites,
        W_skip=A.T.contiguous(),
    )
    table, _ = measure(coder)
    assert table.facts["variance_explained"] > 0.99


class Forgetful(LinearCoder):
    """Decodes without the skip term, reconstructs with it (circuit-tracer#74)."""

    def decode(self, z, x=None):
        return z @ self.W_dec + self.b_dec

    def reconstruct(self, x):
        return LinearCoder.decode(self, self.encode(x), x)


def test_a_coder_with_two_answers_is_refused(measure, make_coder, values, sites, monkeypatch):
    coder = make_coder(torch.ones(4, D), torch.ones(4, 4), sites=sites, W_skip=values[1].T.contiguous())
    forgetful = Forgetful(**{name: getattr(coder, name) for name in coder.__dataclass_fields__})
    monkeypatch.setattr(module, "load_coder", lambda folder: forgetful)
    with pytest.raises(Refusal, match="skip connection"):
        measure(coder)


def wrong_scale(coder):  # SAELens#308: the scale of the activations was folded into the encoder only
    return coder.changed(W_enc=coder.W_enc * 4)


def wrong_bias(coder):  # SAELens#354
    return coder.changed(b_dec=coder.b_dec + 60)


def flipped(coder):
    return coder.changed(W_dec=-coder.W_dec)


@pytest.mark.parametrize("mutate", [wrong_scale, wrong_bias, flipped])
def test_worse_than_the_mean_is_never_accepted(measure, identity_coder, mutate):
    good, _ = measure(identity_coder(4))
    require_measurable(good)
    bad, _ = measure(mutate(identity_coder(4)))
    assert bad.facts["variance_explained"] < 0
    assert bad.facts["measurable"] is False
    with pytest.raises(Refusal, match="predicting the mean does better"):
        require_measurable(bad)


def test_a_topk_coder_that_lets_more_latents_through_is_flagged(measure, identity_coder, monkeypatch, make_coder):
    both = torch.cat([torch.eye(4), -torch.eye(4)])
    topk = make_coder(both, both, gate=Gate("topk", k=2), architecture="topk")
    table, _ = measure(topk)
    assert table.facts["l0_max"] == 2
    assert table.facts["measurable"] is True
    # SAELens#308: the architecture was guessed from the path, and the activation became a plain ReLU.
    monkeypatch.setattr(module, "load_coder", lambda folder: topk.changed(gate=Gate("relu")))
    table, _ = measure(topk)
    assert any("k=2 let 4 latents" in reason for reason in table.facts["not_measurable_because"])


def test_bos_rows_change_the_number_and_are_refused(
    tmp_path, write_activations, write_coders, make_coder, values, document, sites
):
    """SAELens#283. The first position of a model with BOS has a norm far above the rest."""
    y = values[0][sites[1]].clone()
    first = np.flatnonzero(np.r_[True, np.diff(document) > 0])
    y[first] = 500.0
    position = np.array([int((document[:k] == document[k]).sum()) for k in range(N)])
    acts = write_activations(tmp_path / "bos", {sites[1]: y}, document, position=position)
    out = tmp_path / "out"
    out.mkdir()
    coder = make_coder(torch.zeros(2, 4), torch.ones(2, 4), b_enc=torch.ones(2))
    bundle = write_coders(tmp_path / "b", it=coder)
    with pytest.raises(Refusal, match="BOS"):
        reconstruction(out, progress=SILENT, activations=acts, coders=bundle, coder="it")


def test_activations_without_the_site_are_refused(
    tmp_path, write_activations, write_coders, identity_coder, values, document, sites
):
    acts = write_activations(tmp_path / "x", {sites[0]: values[0][sites[0]]}, document)
    bundle = write_coders(tmp_path / "b", it=identity_coder(4))
    with pytest.raises(Refusal, match=r"blocks\.1\.hook_mlp_out too"):
        reconstruction(tmp_path, progress=SILENT, activations=acts, coders=bundle, coder="it")


def test_facts_that_do_not_say_are_not_measurable():
    with pytest.raises(Refusal, match="do not say"):
        require_measurable({})
