"""What training refuses, or warns of, before a coder is used: order, shared batches, objectives, folds, known documents."""

import json
import warnings

import pytest
import torch
from coder_samples import SITE, SITE_IN, write_activations

from mi.activations.read import Activations
from mi.coders import objective as objective_module
from mi.coders.advice import CoderAdvice
from mi.coders.coder import CoderFault
from mi.coders.provenance import record_training, trained_on
from mi.coders.saelens_run import SiteInput, require_rows, require_same_function
from mi.coders.stream import SharedStream, require_shuffled
from mi.coders.train_sparsify import train
from mi.progress import SILENT


def test_rows_in_the_order_of_the_corpus_are_refused():
    in_order = torch.arange(512) // 40
    with pytest.raises(CoderFault, match="neighbouring rows are of one document"):
        require_shuffled(in_order)
    require_shuffled(in_order[torch.randperm(512, generator=torch.Generator().manual_seed(0))])


def test_one_long_document_is_no_order():
    require_shuffled(torch.zeros(512))


def test_a_batch_that_another_reader_wrote_into_is_refused():
    stream = SharedStream(iter([{"s": torch.ones(3, 1)}]), 2)
    stream.take(0, 0)["s"].sub_(1)
    with pytest.raises(CoderFault, match="changed in place"):
        stream.take(1, 0)


def test_a_scale_from_too_few_rows_is_refused():
    seen = {"s": SiteInput(torch.zeros(2), 1.0, 3)}
    require_rows(seen, 3)
    with pytest.raises(CoderFault, match="from 3 rows"):
        require_rows(seen, 4)


def test_a_fold_keeps_the_function():
    z, y = torch.rand(8, 5) - 0.5, torch.randn(8, 3)
    require_same_function((z, y * 4), (3 * z, y), 4.0)
    with pytest.raises(CoderFault, match="the reconstruction of the others by 3"):
        require_same_function((z, y), (z, y), 4.0)
    with pytest.raises(CoderFault, match="which latents fire on 100"):
        require_same_function((z, y), (-z, y), 1.0)


def test_documents_of_training_are_known_afterwards(tmp_path):
    rows = {SITE: torch.randn(310, 16)}
    seen, other = (write_activations(tmp_path / name, rows) for name in "ab")
    assert trained_on(tmp_path, Activations(seen)) is None  # nobody wrote it down
    record_training(tmp_path, seen)
    assert trained_on(tmp_path, Activations(seen)) is None  # these rows came without hashes
    (seen / "text_hashes.json").write_text(json.dumps([f"h{k}" for k in range(10)]))
    (other / "text_hashes.json").write_text(json.dumps([f"h{k}" for k in range(7, 17)]))
    record_training(tmp_path, seen)
    assert (trained_on(tmp_path, Activations(seen)), trained_on(tmp_path, Activations(other))) == (10, 3)


@pytest.fixture
def warned(world, tmp_path):
    """What training with an auxiliary loss warns of, about the objective only."""

    def run():
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            train(
                tmp_path,
                progress=SILENT,
                activations=world["path"],
                coders={"a": {"kind": "sae", "k": 1, "n_latents": 64, "seed": 0}},
                site_in=SITE_IN,
                site_out=SITE,
                tokens=5_120,
                batch_rows=256,
                auxk_alpha=1 / 32,
                dead_feature_threshold=512,
            )
        texts = [str(w.message) for w in said if w.category is CoderAdvice]
        return [t for t in texts if "something else than it says" in t or "auxiliary loss was made" in t or "norm" in t]

    return run


def test_an_engine_that_does_what_it_says_is_left_alone(warned):
    assert warned() == []


def test_an_objective_that_is_another_is_noticed(warned, monkeypatch):
    inner = objective_module.Objective._auxk
    monkeypatch.setattr(objective_module.Objective, "_auxk", lambda self, *given: 2 * inner(self, *given))
    (text,) = warned()
    assert "its auxiliary loss is" in text


def test_latents_that_are_never_revived_are_noticed(warned, monkeypatch):
    from sparsify import Trainer

    fit = Trainer.fit

    def late(self):
        self.cfg.dead_feature_threshold = 10**9
        fit(self)

    monkeypatch.setattr(Trainer, "fit", late)
    (text,) = warned()
    assert "was made for 0 dead latents" in text


def test_the_weight_of_the_auxiliary_loss_is_followed(warned, monkeypatch):
    from sparsify import Trainer

    fit = Trainer.fit

    def heavier(self):
        self.cfg.auxk_alpha = 1.0
        fit(self)

    monkeypatch.setattr(Trainer, "fit", heavier)
    (text,) = warned()
    assert "the weight of its auxiliary loss is 1," in text
