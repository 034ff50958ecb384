"""The same model, tokens and coder through delphi's LatentCache and through harvest and cache."""

import json

import numpy as np
import pytest
import torch

from mi.activations.harvest import harvest
from mi.autointerp.cache import cache
from mi.autointerp.cached import Cached
from mi.autointerp.delphi_engine import load
from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.coders.load import save_coder
from mi.progress import SILENT
from mi.subjects.load import load_subject

Y = "blocks.1.hook_mlp_out"
SIZE, DOCUMENTS, N_LATENTS, K = 17, 24, 96, 6
KEPT = [2, 3, 5, 7, 11, 13, 50, 90]


@pytest.fixture(scope="module")
def texts(tmp_path_factory, subject):
    """Texts of at least as many tokens as are taken."""
    folder, rng = tmp_path_factory.mktemp("texts"), np.random.default_rng(0)
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "the", "dogs", "ran", "from", "one", "town", "to", "another"]
    lines = [{"id": f"t{k}", "text": " ".join(rng.choice(words, 30)), "domain": "d"} for k in range(DOCUMENTS)]
    (folder / "documents.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return folder


@pytest.fixture(scope="module")
def coders(tmp_path_factory):
    """A sparsify SAE of the second MLP's output."""
    draw = torch.Generator().manual_seed(0)
    W, W_dec = (torch.randn(N_LATENTS, 32, generator=draw) for _ in range(2))
    b, b_dec = torch.randn(N_LATENTS, generator=draw) * 0.1, torch.randn(32, generator=draw)
    facts = CoderFacts("sparsify", "sae", "topk", Y, Y, 32, 32, N_LATENTS, k=K, seed=0)
    folder = tmp_path_factory.mktemp("coders")
    save_coder(LinearCoder(facts, W, b, W_dec, b_dec, Gate("topk", k=K), input_bias=b_dec), folder / "sae")
    return folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory, texts, coders, subject):
    rows, out = (tmp_path_factory.mktemp(name) for name in ("rows", "cache"))
    harvest(rows, progress=SILENT, texts=texts, subject=subject, sites=[Y], max_length=SIZE)
    params = {"latents": KEPT, "length": SIZE - 1, "shortest": SIZE - 1}
    cache(out, progress=SILENT, activations=rows, coders=coders, coder="sae", **params)
    return Cached(out)


@pytest.fixture(scope="module")
def theirs(texts, coders, subject):
    """``theirs(ids)``: locations and activations that delphi finds for token ids ``[n, t]``."""
    from sparsify import SparseCoder

    model = load_subject(subject)
    coder = SparseCoder.load_from_disk(coders / "sae", device="cpu")
    module = model.places[Y].module

    def run(ids):
        dense = load("delphi.sparse_coders.load_sparsify").sae_dense_latents
        caching = load("delphi.latents.cache").LatentCache(
            model.hf, {module: lambda x: dense(x, coder)}, batch_size=8, filters={module: torch.tensor(KEPT)}
        )
        caching.run(ids.numel(), ids)
        return caching.cache.latent_locations[module].numpy(), caching.cache.latent_activations[module].numpy()

    return run


def token_ids(ours, subject, texts):
    lines = [json.loads(line)["text"] for line in (texts / "documents.jsonl").read_text("utf-8").splitlines()]
    return load_subject(subject).tokens(lines, SIZE).ids


def agreement(ours, locations, activations, shift):
    """Share of what either found that both found, and the largest relative difference there."""
    found = {}
    for latent in KEPT:
        f = ours.firings(latent)
        for w, p, a in zip(f.window.tolist(), f.offset.tolist(), f.activation.tolist(), strict=True):
            found[w, p, latent] = a
    other = {
        (int(w), int(p) - shift, int(i)): float(a)
        for (w, p, i), a in zip(locations, activations, strict=True)
        if p >= shift
    }
    both = found.keys() & other.keys()
    gap = max(abs(found[k] - other[k]) / abs(other[k]) for k in both)
    return len(both) / len(found.keys() | other.keys()), gap


def test_the_same_places_and_activations(ours, theirs, subject, texts):
    ids = token_ids(ours, subject, texts)
    assert ids.shape == (DOCUMENTS, SIZE)
    assert ours.windows.tokens.tolist() == ids[:, 1:].tolist()
    share, gap = agreement(ours, *theirs(ids), shift=1)  # BOS is fed, and is no place of ours
    assert share == 1.0
    assert gap < 1e-3


def test_delphis_filter_bos_gives_another_result(ours, theirs, subject, texts):
    """It deletes BOS before the model runs; then the same tokens have other latents."""
    ids = token_ids(ours, subject, texts)
    share, gap = agreement(ours, *theirs(ids[:, 1:].contiguous()), shift=0)
    assert share < 0.9 or gap > 0.1


def test_bos_is_fed_once_and_scored_never(ours):
    assert ours.index["led_documents"] == ours.index["documents"] == DOCUMENTS
    assert set(ours.windows.start.tolist()) == {1}
    assert 0 not in ours.windows.tokens
