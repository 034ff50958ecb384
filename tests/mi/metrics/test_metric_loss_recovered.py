"""Splicing into a tiny GPT-NeoX that has learned something."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from mi.claimable import Sample, clustered_mean, faithfulness
from mi.metrics import loss_recovered as module
from mi.metrics.loss_recovered import loss_recovered
from mi.metrics.next_token_loss import next_token_losses
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.subjects.load import load_subject
from mi.unit_table import UnitTable

D = 32


@pytest.fixture(scope="module")
def model(subject):
    return load_subject(subject)


@pytest.fixture(scope="module")
def at_site(model, documents, sites):
    """Scored rows of both sites over all documents."""
    batch = model.tokens([d["text"] for d in documents], 32)
    _, values = model.run(batch, list(sites))
    return {site: values[site][batch.scored] for site in sites}


@pytest.fixture
def measure(tmp_path, texts, subject, write_coders, model, monkeypatch):
    monkeypatch.setattr(module, "load_subject", lambda spec: model)  # loading it anew takes most of a second

    def run(coder, **options):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        bundle = write_coders(out.with_suffix(".coders"), it=coder)
        loss_recovered(
            out, progress=SILENT, texts=texts, subject=subject, coders=bundle, coder="it", max_length=32, **options
        )
        return UnitTable.read(out)

    return run


def recovered(table, by):
    """As a claim computes it."""
    arms = [Sample(table.column(f"{name}_{by}"), table.units) for name in ("recovered", "headroom")]
    return faithfulness(*arms, chance=0.0)


@pytest.fixture(scope="module")
def poor(make_coder, at_site, sites):
    """Reconstructs a quarter of the dimensions."""
    mean, some = at_site[sites[1]].mean(0), torch.eye(D)[:8]
    both = torch.cat([some, -some])
    return make_coder(both, both, b_enc=-(both @ mean), b_dec=mean)


def test_the_identity_recovers_everything(measure, identity_coder):
    table = measure(identity_coder(D))
    assert table.facts["recovered_zero"] == pytest.approx(1, abs=1e-4)
    assert table.facts["recovered_mean"] == pytest.approx(1, abs=1e-4)
    assert table.facts["loss_added"] == pytest.approx(0, abs=1e-4)
    assert table.facts["measurable"] is True


def test_the_ablations_recover_nothing(measure, make_coder, at_site, sites):
    nothing = torch.zeros(4, D)
    zero = measure(make_coder(nothing, nothing + 1))
    assert zero.facts["recovered_zero"] == pytest.approx(0, abs=1e-6)
    mean = measure(make_coder(nothing, nothing + 1, b_dec=at_site[sites[1]].double().mean(0)))
    assert mean.facts["recovered_mean"] == pytest.approx(0, abs=1e-5)
    assert zero.facts["ce_clean"] == pytest.approx(mean.facts["ce_clean"])


def test_a_poor_coder_lies_between_and_claims_can_be_made(measure, poor):
    table = measure(poor)
    contrast = recovered(table, "zero")
    assert 0 < contrast.estimate < 1
    assert contrast.estimate == pytest.approx(table.facts["recovered_zero"])
    added = clustered_mean(table.column("lost") / table.column("n_tokens"), table.units)
    assert added.estimate > 0
    ce = {name: table.column(f"ce_{name}") for name in ("clean", "spliced", "zero", "mean")}
    np.testing.assert_allclose(table.column("headroom_mean"), ce["mean"] - ce["clean"])
    np.testing.assert_allclose(table.column("recovered_zero"), ce["zero"] - ce["spliced"])


def test_losses_are_torchs(model, documents, measure, identity_coder):
    table = measure(identity_coder(D))
    for k in (0, 7):
        batch = model.tokens([documents[k]["text"]], 32)
        logits = model.logits(batch)[0]
        loss = functional.cross_entropy(logits[1:-1], batch.ids[0, 2:], reduction="sum")  # 0 is BOS
        at = table.units.index(documents[k]["id"])
        assert table.column("ce_clean")[at] == pytest.approx(float(loss), rel=1e-5)
        assert table.column("n_tokens")[at] == batch.ids.shape[1] - 2


def test_an_ablation_beyond_the_scored_positions_is_refused(measure, poor, monkeypatch):
    inner = module.replaced
    monkeypatch.setattr(module, "replaced", lambda value, where, by: inner(value, where | True, by))
    with pytest.raises(Refusal, match="misses 0 of"):
        measure(poor)


def test_an_ablation_of_a_copy_is_refused(measure, poor, monkeypatch):
    monkeypatch.setattr(module, "replaced", lambda value, where, by: value.clone())
    with pytest.raises(Refusal, match="scored positions and changes 0 others"):
        measure(poor)


def test_a_mean_of_the_last_batch_is_refused(measure, poor, monkeypatch):
    add = module.Mean.add

    def last(self, rows):
        self._sum, self.n = None, 0
        add(self, rows)

    monkeypatch.setattr(module.Mean, "add", last)
    with pytest.raises(Refusal, match="away from that of the"):
        measure(poor, batch_size=4)


def test_batch_size_does_not_matter(measure, poor):
    one, many = measure(poor, batch_size=1), measure(poor, batch_size=64)
    assert one.units == many.units
    for name in one.columns:
        np.testing.assert_allclose(one.column(name), many.column(name), rtol=1e-3, atol=1e-3)


def test_a_transcoder_reads_its_own_site_in_the_same_pass(measure, make_coder, at_site, sites):
    """A linear map from what the MLP reads to what it writes, fitted by ridge regression."""
    x, y = (at_site[site].double() for site in sites)
    ones = torch.ones(len(x), 1, dtype=torch.float64)
    design = torch.cat([x, ones], 1)
    fit = torch.linalg.solve(design.T @ design + 0.1 * torch.eye(D + 1), design.T @ y)
    both = torch.cat([torch.eye(D), -torch.eye(D)])
    coder = make_coder(both, both.double() @ fit[:D], b_dec=fit[D], sites=sites)
    table = measure(coder)
    residual = y - design @ fit
    expected = 1 - float(residual.square().sum() / (y - y.mean(0)).square().sum())
    assert table.facts["variance_explained_in_place"] == pytest.approx(expected, abs=1e-4)
    assert 0 < table.facts["recovered_zero"] <= 1.05


def test_only_scored_positions_are_replaced(model, documents, poor, sites):
    batch = model.tokens([d["text"] for d in documents[:5]], 32, padding_side="left")
    _, before = model.run(batch, [sites[1]])
    _, after = model.run(batch, [sites[1]], module.splice(poor, batch.scored))
    changed = (before[sites[1]] != after[sites[1]]).any(-1)
    assert torch.equal(changed, batch.scored)


def test_a_coder_at_the_wrong_site_is_not_measurable(measure, poor):
    table = measure(poor.changed(b_dec=poor.b_dec + 50))
    assert table.facts["variance_explained_in_place"] < 0
    assert table.facts["measurable"] is False


def test_no_headroom_is_said(measure, poor, monkeypatch):
    """An edit that never arrives (TransformerLens#1526) leaves nothing to recover."""
    monkeypatch.setattr(module, "replaced", lambda value, where, by: value)
    monkeypatch.setattr(module, "_require_in_place", lambda *given: None)  # which would say so first
    table = measure(poor)
    assert table.facts["recovered_zero"] is None
    assert any("nothing to recover" in reason for reason in table.facts["not_measurable_because"])
    with pytest.raises(Refusal):
        recovered(table, "zero")


def test_domains_select_documents_and_none_is_refused(measure, poor, documents):
    table = measure(poor, domains=["b"])
    assert set(table.units) == {d["id"] for d in documents if d["domain"] == "b"}
    with pytest.raises(Refusal, match="no document"):
        measure(poor, domains=["poetry"])


def test_slices_of_the_vocabulary_do_not_matter(monkeypatch):
    from mi.metrics import next_token_loss

    g = torch.Generator().manual_seed(0)
    logits, ids = torch.randn(3, 9, 50, generator=g), torch.randint(50, (3, 9), generator=g)
    scored = torch.rand(3, 9, generator=g) < 0.8
    whole = next_token_losses(logits, ids, scored)
    monkeypatch.setattr(next_token_loss, "CELLS", 120)
    assert np.array_equal(next_token_losses(logits, ids, scored).values, whole.values)
    reference = functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    np.testing.assert_allclose(whole.values, reference[scored[:, :-1] & scored[:, 1:]], rtol=1e-5)
