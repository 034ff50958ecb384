"""Training: the network against Hugging Face's, the optimiser, and the same seed giving the same losses."""

import math
from itertools import islice

import numpy as np
import pytest
import torch

from mi.organism.network import Network, Shape
from mi.organism.optimiser import orthogonalised
from mi.organism.recipe import TrainingRecipe
from mi.organism.train import export, train
from mi.organism.windows import windows

TINY = {"layers": 2, "width": 32, "heads": 2}


@pytest.fixture(scope="module")
def shape(tokenizer):
    return Shape(1920, **TINY)


def short(tmp_path, tokenizer, shape, seed, tokens=8 * 16 * 12, **other):
    recipe = TrainingRecipe(tokens=tokens, batch=8, length=16, early=8 * 16 * 4, **other)
    return train(tmp_path, seed, tokenizer, recipe, shape=shape, curve=False)


def test_the_same_seed_gives_the_same_losses_bit_by_bit(tmp_path, tokenizer, shape):
    first = short(tmp_path / "a", tokenizer, shape, 3)
    assert first == short(tmp_path / "b", tokenizer, shape, 3)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    other = short(tmp_path / "c", tokenizer, shape, 4)
    assert len(first) == len(other) == 12
    assert not set(first) & set(other)


def test_it_learns_and_leaves_an_early_checkpoint(tmp_path, tokenizer, shape):
    losses = short(tmp_path / "m", tokenizer, shape, 0, tokens=8 * 16 * 150, warm_up=10)
    assert losses[0] == pytest.approx(math.log(1920), abs=0.1)
    assert np.mean(losses[-10:]) < 0.6 * losses[0]
    files = {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "training.json"}
    assert {p.name for p in (tmp_path / "m").iterdir()} == {p.name for p in (tmp_path / "m-early").iterdir()} == files


def test_minutes_shorten_the_run(tmp_path, tokenizer, shape):
    recipe = TrainingRecipe(tokens=10**9, batch=2, length=8, early=0)
    losses = train(tmp_path / "m", 0, tokenizer, recipe, shape=shape, minutes=0.02, curve=False)
    assert 30 <= len(losses) < 5000


def test_logits_equal_hugging_face(tmp_path, tokenizer, shape):
    from transformers import AutoModelForCausalLM

    network = Network(shape, 0)
    with torch.no_grad():
        for value in network.parameters():  # biases and gains away from 0 and 1, or they could be missing unnoticed
            value.add_(0.05 * torch.randn(value.shape, generator=torch.Generator().manual_seed(value.numel())))
        for value in network.parameters():
            value.copy_(value.bfloat16())
    export(network, tokenizer, tmp_path, {})
    hf, info = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32, output_loading_info=True)
    assert not any(info.values()), "no key missing, unexpected or mismatched"
    ids = torch.randint(0, 1920, (3, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (hf(ids).logits - network(ids)).abs().max() < 2e-5


def test_loss_and_gradient_equal_pytorchs(shape):
    network = Network(shape, 1)
    batch = torch.randint(0, 1920, (4, 13), generator=torch.Generator().manual_seed(1))
    network.loss(batch).backward()
    mine = {name: value.grad.clone() for name, value in network.named_parameters()}
    network.zero_grad()
    logits = network(batch[:, :-1])
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    expected.backward()
    assert network.loss(batch).item() == pytest.approx(expected.item(), rel=1e-6)
    for name, value in network.named_parameters():
        torch.testing.assert_close(mine[name], value.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("size", [(3, 20, 50), (2, 50, 20), (1, 16, 16)])
def test_updates_are_nearly_orthogonal(size):
    g = torch.randn(size, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(g))
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(g, full_matrices=False)
    alignment = (orthogonalised(g) * (u @ v)).sum((1, 2)) / min(size[1:])
    assert (alignment > 0.6).all()


def test_rates_rise_stay_and_fall():
    recipe = TrainingRecipe(tokens=64 * 64 * 1000)
    scales = [recipe.scale(k) for k in range(recipe.steps)]
    assert scales[0] == 0.01
    assert set(scales[100:700]) == {1.0}
    assert scales[-1] == pytest.approx(1 / 300)
    assert scales[700:] == sorted(scales[700:], reverse=True)


def test_windows_start_with_a_document_and_lose_nothing(tokenizer):
    batches = list(islice(windows(tokenizer, 0, 4, 64), 50))
    rows = np.concatenate(batches)
    assert rows.shape == (200, 65)
    assert (rows[:, 0] == 0).all()
    assert 1 not in rows, "no padding"
    cut = [list(row[: len(row) - 1 - list(row[::-1]).index(0)]) for row in rows]
    texts = [t for row in cut for t in tokenizer.decode(row, skip_special_tokens=False).split("<|endoftext|>")[1:] if t]
    from mi.organism.windows import FIRST_DATA_SEED
    from mi.organism.world import documents

    stream = [d.text for d in documents("train", FIRST_DATA_SEED, 2000)]
    whole = iter(stream)
    assert all(any(text == other for other in whole) for text in texts), "whole documents, in order"


def test_seeds_see_other_data(tokenizer):
    first, other = (next(windows(tokenizer, seed, 8, 64)) for seed in (0, 1))
    assert not np.array_equal(first, other)
