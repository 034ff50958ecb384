"""Perplexity: Hugging Face's own loss over the continuation, whatever the batch, and never a steered one."""

import numpy as np
import pytest
import torch

from mi.steering.generate import Dose, Generation, Gumbel, ends, generate
from mi.steering.perplexity import nats_per_token
from mi.steering.prompts import Prompts


@pytest.fixture(scope="module", params=["organism", "gemma"])
def made(request, artifacts, site):
    """A subject with plain and steered continuations."""
    subject = request.getfixturevalue(request.param)
    ids, texts = Prompts(artifacts("prompts", split="validation", n=6)).of("of-city")
    vectors = torch.randn(6, subject.d_model, generator=torch.Generator().manual_seed(1)) * 40

    def write(dose=None):
        return generate(subject, texts, ids, noise=Gumbel(0), max_new_tokens=16, dose=dose)

    return subject, write(), write(Dose(site, vectors))


def losses(subject, generations):
    """One text at a time, with the prompt's labels masked out."""
    for g in generations:
        ids = torch.tensor([g.prompt.ids + g.ids])
        labels = torch.tensor([(-100,) * len(g.prompt.ids) + g.ids])
        with torch.no_grad():
            yield float(subject.hf(ids, labels=labels).loss)


def test_it_is_the_models_own_loss(made):
    subject, plain, steered = made
    for generations in (plain, steered):
        wanted = list(losses(subject, generations))
        for size in (1, 4, 64):
            np.testing.assert_allclose(nats_per_token(subject, generations, size), wanted, rtol=1e-4)


def test_steered_text_is_less_likely_to_the_unsteered_organism(made):
    subject, plain, steered = made
    if subject.d_model == 128:  # random weights expect nothing
        assert nats_per_token(subject, steered).mean() > nats_per_token(subject, plain).mean() + 1


def test_stopping_at_once_is_counted(made):
    subject, plain, _ = made
    end = Generation(plain[0].prompt, (min(ends(subject)),), "")
    logits = subject.hf(torch.tensor([end.prompt.ids])).logits[0, -1]
    assert nats_per_token(subject, [end])[0] == pytest.approx(-float(logits.log_softmax(-1)[end.ids[0]]), rel=1e-4)
