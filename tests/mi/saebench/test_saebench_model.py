"""What SAEBench runs is the subject: the same tokens, one BOS that never counts, the same activations."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from mi.saebench.engine import load, plain_name, running
from mi.saebench.model import bos_first, collected, model_for, parity
from mi.subjects.errors import SubjectError
from mi.subjects.load import load_subject
from mi.subjects.spec import subject_spec
from mi.subjects.tiny import make_tiny

SITE = "blocks.1.hook_resid_post"
TEXTS = ["the cat sat on a mat", "nobody was looking", "the dogs ran from one town to another", "on"]


@pytest.mark.parametrize("architecture", ["neox", "gpt2", "llama", "gemma2"])
@pytest.mark.parametrize(("prepends_bos", "pad"), [(True, True), (False, False)])
def test_saebench_sees_the_subjects_activations(tmp_path, architecture, prepends_bos, pad):
    made = make_tiny(tmp_path / "m", architecture, layers=2, prepends_bos=prepends_bos, pad=pad)
    subject = load_subject(subject_spec(made))
    facts, rows = parity(subject, model_for(subject), TEXTS, SITE, 32)
    own = subject.tokens(TEXTS, 32)
    assert facts["bos_fed"] == len(TEXTS)
    assert facts["bos_kept_by_saebench"] == 0
    assert facts["tokens"] == int(own.scored.sum()) == len(rows)
    torch.testing.assert_close(rows, subject.activations(own, [SITE])[SITE][own.scored], rtol=1e-4, atol=1e-4)


def test_batches_of_one_give_the_same_rows(subject):
    """G06: a row belongs to its own prompt whatever the batch."""
    model = model_for(subject)
    tokens, many = collected(model, TEXTS, SITE, batch_size=3, max_length=32)
    again, single = collected(model, TEXTS, SITE, batch_size=1, max_length=32)
    assert torch.equal(tokens, again)
    torch.testing.assert_close(many, single, rtol=1e-4, atol=1e-5)


def test_the_subjects_tokenizer_stays_as_it_is(subject):
    before = subject.tokenizer("the cat").input_ids
    bos_first(subject).truncation_side = "left"
    assert subject.tokenizer.truncation_side == "right"
    assert subject.tokenizer("the cat").input_ids == before


def test_another_layer_is_noticed(subject, monkeypatch):
    model = model_for(subject)
    run = type(model).run_with_hooks

    def shifted(self, *args, fwd_hooks=(), **kwargs):
        return run(self, *args, fwd_hooks=[(name.replace("1.", "0."), hook) for name, hook in fwd_hooks], **kwargs)

    monkeypatch.setattr(type(model), "run_with_hooks", shifted)
    with pytest.raises(SubjectError, match="differ by"):
        parity(subject, model, TEXTS, SITE, 32)


def test_a_tokenizer_without_bos_is_noticed(subject, monkeypatch):
    utils = load("sae_bench.sae_bench_utils.dataset_utils")
    tokenize = utils.tokenize_data_dictionary

    def without(data, tokenizer, *about):
        return tokenize(data, lambda texts, **how: tokenizer(texts, **how, add_special_tokens=False), *about)

    monkeypatch.setattr(utils, "tokenize_data_dictionary", without)
    with pytest.raises(SubjectError, match="tokenizes otherwise"):
        parity(subject, model_for(subject), TEXTS, SITE, 32)


def test_bos_that_counts_is_noticed(subject, monkeypatch):
    model = model_for(subject)
    collect = load("sae_bench.sae_bench_utils.activation_collection")
    monkeypatch.setattr(collect, "get_bos_pad_eos_mask", lambda tokens, _: torch.ones_like(tokens, dtype=torch.bool))
    with pytest.raises(SubjectError, match="positions that count"):
        parity(subject, model, TEXTS, SITE, 32)


def test_nothing_is_left_behind(subject):
    main = load("sae_bench.evals.sparse_probing.main")
    here, drawn, seeded = Path.cwd(), random.getstate(), np.random.get_state()[1].tolist()
    torch_state, loader = torch.random.get_rng_state(), main.HookedTransformer
    with torch.no_grad():
        with running(main, "the model", 7) as folder:
            assert main.HookedTransformer.from_pretrained_no_processing("any name", device="cpu") == "the model"
            assert Path.cwd() == folder.resolve()
            assert main.get_sae_bench_version() == "0.6.0"
            print("to nobody")
            random.random()
            np.random.rand()
            torch.rand(1)
            torch.set_grad_enabled(True)
        assert not torch.is_grad_enabled()
    assert not folder.exists()
    assert (Path.cwd(), random.getstate(), np.random.get_state()[1].tolist()) == (here, drawn, seeded)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert main.HookedTransformer is loader


@pytest.mark.parametrize("name", ["/models/secret", "../up", "org/model", "C:\\x", "", "/"])
def test_names_of_models_are_no_paths(name, tmp_path):
    plain = plain_name(name)
    assert plain not in ("", ".", "..")
    assert (tmp_path / plain).resolve().parent == tmp_path.resolve()
