"""A planted world: documents of made-up tokens, and a coder whose latents fire where we say."""

import json
import os
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.coders.load import save_coder
from mi.progress import SILENT

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports the hub
X, Y = "blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out"
KINDS, FIRST = 40, 10  # made-up tokens and the id of the first; lower ones are special
A, B, SELDOM = FIRST + 5, FIRST + 6, FIRST + 13
TOKEN, PAIR, DEAD, ALWAYS, RARE, OTHER = range(6)


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="session")
def write_harvest():
    """``write_harvest(folder, documents)``: token ids of each document as a harvest, with rows that show each token,
    how strongly, and the one before it. Transcoders read ``X``; at ``Y`` stands something else."""

    def write(folder, documents, *, subject=None, ids=None, texts=None, first_position=1, shards=3, rows=None, seed=0):
        counts = [len(d) for d in documents]
        token = np.concatenate([np.asarray(d) for d in documents])
        n = len(token)
        x = torch.zeros(n, 2 * KINDS)
        strength = torch.from_numpy(1 + np.random.default_rng(seed).random(n)).float()
        x[torch.arange(n), torch.from_numpy(token) - FIRST] = strength
        before = np.concatenate([[-1, *d[:-1]] for d in documents])
        behind = np.flatnonzero(before >= 0)
        x[behind, KINDS + torch.from_numpy(before[behind]) - FIRST] = 1.0
        columns = {
            X: x if rows is None else rows,
            Y: (x if rows is None else rows).flip(1).contiguous() + 0.5,
            "document": torch.arange(len(documents), dtype=torch.int32).repeat_interleave(torch.tensor(counts)),
            "position": torch.cat([torch.arange(c, dtype=torch.int32) + first_position for c in counts]),
            "token": torch.from_numpy(token).to(torch.int32),
        }
        folder.mkdir(parents=True)
        ends = np.concatenate([[0], np.cumsum(counts)])  # a shard ends with a document
        cuts = ends[np.linspace(0, len(documents), shards + 1).astype(int)]
        for k, (lo, hi) in enumerate(pairwise(cuts)):
            save_file({name: c[lo:hi].clone() for name, c in columns.items()}, folder / f"shard-{k:05d}.safetensors")
        ids = ids or [f"{folder.name}{k}" for k in range(len(documents))]
        texts = texts or [f"{name} {list(d)}" for name, d in zip(ids, documents, strict=True)]
        index = {
            "sites": {X: columns[X].shape[1], Y: columns[Y].shape[1]},
            "rows": np.diff(cuts).tolist(),
            "documents": len(ids),
            "subject": subject or {"name": "none"},
            "texts": sha256("".join(texts).encode()).hexdigest(),
        }
        lists = {"documents": ids, "domains": ["d"] * len(ids)}
        lists["text_hashes"] = [sha256(t.encode()).hexdigest() for t in texts]
        for name, value in {**lists, "index": index}.items():
            (folder / f"{name}.json").write_text(json.dumps(value), "utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def write_coder():
    """``write_coder(folder, name, W_enc, b_enc)``: a ReLU coder, a transcoder from X to Y unless ``sae``."""

    def write(bundle, name, W_enc, b_enc, sae=False, gate=None, seed=0):
        n_latents, d = W_enc.shape
        gate, kind = gate or Gate("relu"), "sae" if sae else "transcoder"
        sites = (X, X) if sae else (X, Y)
        facts = CoderFacts("control", kind, gate.name, *sites, d, d, n_latents, k=gate.k, seed=seed)
        W_dec = torch.randn(n_latents, d, generator=torch.Generator().manual_seed(seed))
        save_coder(LinearCoder(facts, W_enc, b_enc, W_dec, torch.zeros(d), gate=gate), bundle / name)
        return bundle

    return write


@pytest.fixture(scope="session")
def subject(tmp_path_factory):
    """The spec of a tiny model: what counts is its tokenizer."""
    from mi.subjects.spec import subject_spec
    from mi.subjects.tiny import make_tiny

    return subject_spec(make_tiny(tmp_path_factory.mktemp("neox") / "m", "neox", layers=2))


def planted_weights():
    """Latents that fire on token A; on B right after A; never; always; on a rare token; on one more token each."""
    W, b = torch.zeros(12, 2 * KINDS), torch.zeros(12)
    W[TOKEN, A - FIRST] = 1.0
    W[PAIR, B - FIRST], W[PAIR, KINDS + A - FIRST], b[PAIR] = 1.0, 10.0, -10.5
    b[DEAD], b[ALWAYS] = -1.0, 1.0
    W[RARE, SELDOM - FIRST] = 1.0
    for k in range(OTHER, len(b)):
        W[k, k + 15] = 1.0
    return W, b


def planted_documents(n, seed):
    """Documents of 6 to 44 tokens, shorter ones where A and B are; SELDOM in the first three only."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(n):
        document = rng.integers(FIRST, FIRST + KINDS, size=int(rng.integers(6, 45)))
        document[(document == SELDOM) | (document == B)] = FIRST
        after = np.flatnonzero(document[:-1] == A) + 1
        document[after[rng.random(len(after)) < 0.6]] = B
        if rng.random() < 0.3:
            document[rng.integers(len(document))] = B
        if k < 3:
            document[-1] = SELDOM
        made.append(document.tolist())
    return made


@pytest.fixture(scope="session")
def planted(tmp_path_factory, write_harvest, write_coder, subject):
    """Training and held-out harvests, the coder, and both caches."""
    from mi.autointerp.cache import cache

    folder = tmp_path_factory.mktemp("planted")
    sides = {side: planted_documents(300, seed) for seed, side in enumerate(("train", "test"))}
    bundle = write_coder(folder / "coders", "planted", *planted_weights())
    caches = {}
    for side, documents in sides.items():
        harvest = write_harvest(folder / side, documents, subject=subject)
        caches[side] = folder / f"{side}-cache"
        caches[side].mkdir()
        cache(caches[side], progress=SILENT, activations=harvest, coders=bundle, coder="planted")
    return SimpleNamespace(folder=Path(folder), documents=sides, coders=bundle, subject=subject, **caches)
