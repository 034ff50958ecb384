"""Small artifacts in the formats that the builders read: activations, coders, and a trained tiny model."""

import json
import os
import random
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.coders.load import save_coder

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports the hub
X, Y = "blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out"


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="session")
def sites():
    """Names of what an MLP reads and writes."""
    return X, Y


@pytest.fixture(scope="session")
def write_activations():
    """Write rows by site as an activation artifact, in shards that cut documents."""

    def write(folder, values, document, *, ids=None, domain="prose", token=None, position=None, shards=3):
        n = len(document)
        document = np.asarray(document)
        ids = ids or [f"doc{k}" for k in range(int(document.max()) + 1)]
        if position is None:
            position = [int((document[:k] == document[k]).sum()) + 1 for k in range(n)]
        columns = {
            **{site: x.float().contiguous() for site, x in values.items()},
            "document": torch.tensor(document, dtype=torch.int32),
            "position": torch.tensor(position, dtype=torch.int32),
            "token": torch.as_tensor([7] * n if token is None else list(token), dtype=torch.int32),
        }
        folder.mkdir(parents=True)
        cuts = np.linspace(0, n, shards + 1).astype(int)
        for k, (lo, hi) in enumerate(pairwise(cuts)):
            part = {name: x[lo:hi].clone() for name, x in columns.items()}
            save_file(part, str(folder / f"shard-{k:05d}.safetensors"))
        index = {
            "sites": {site: x.shape[1] for site, x in values.items()},
            "rows": np.diff(cuts).tolist(),
            "dtype": "float32",
            "documents": len(ids),
            "subject": {"name": "none"},
            "max_length": 64,
            "tokenizer": "",
        }
        (folder / "index.json").write_text(json.dumps(index), "utf-8")
        (folder / "documents.json").write_text(json.dumps(ids), "utf-8")
        hashes = [sha256(f"{folder}{name}".encode()).hexdigest() for name in ids]
        (folder / "text_hashes.json").write_text(json.dumps(hashes), "utf-8")
        domains = [domain] * len(ids) if isinstance(domain, str) else domain
        (folder / "domains.json").write_text(json.dumps(domains), "utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def make_coder():
    """A coder from its matrices; ReLU unless a gate is given."""

    def make(
        W_enc, W_dec, *, b_enc=None, b_dec=None, sites=(Y, Y), gate=None, W_skip=None, seed=0, architecture="relu"
    ):
        same = sites[0] == sites[1]
        kind = "sae" if same else ("transcoder" if W_skip is None else "skip-transcoder")
        (n_latents, d_in), d_out = W_enc.shape, W_dec.shape[1]
        gate = gate or Gate("relu")
        facts = CoderFacts("control", kind, architecture, *sites, d_in, d_out, n_latents, k=gate.k, seed=seed)
        b_enc = torch.zeros(n_latents) if b_enc is None else b_enc
        b_dec = torch.zeros(d_out) if b_dec is None else b_dec
        tensors = (x.float() for x in (W_enc, b_enc, W_dec, b_dec))
        return LinearCoder(facts, *tensors, gate=gate, W_skip=W_skip)

    return make


@pytest.fixture(scope="session")
def write_coders():
    """Write coders by name into a bundle."""

    def write(bundle, **coders):
        for name, coder in coders.items():
            save_coder(coder, bundle / name)
        return bundle

    return write


@pytest.fixture(scope="session")
def identity_coder(make_coder):
    """Latents are the positive and the negative parts of each coordinate: reconstructs anything exactly."""

    def make(d, **options):
        both = torch.cat([torch.eye(d), -torch.eye(d)])
        return make_coder(both, both, **options)

    return make


@pytest.fixture(scope="session")
def documents():
    """Sentences in which the next word can be learned."""
    draw = random.Random(0)
    nouns, verbs = ["cat", "dog", "town", "mat"], {"cat": "sat", "dog": "ran", "town": "was", "mat": "lay"}
    made: dict[str, None] = {}
    while len(made) < 40:
        said = [draw.choice(nouns) for _ in range(draw.randint(2, 6))]
        made[" ".join(f"the {n} {verbs[n]} ." for n in said)] = None
    return [{"id": f"t{k}", "text": text, "domain": "ab"[k % 2]} for k, text in enumerate(made)]


@pytest.fixture(scope="session")
def texts(tmp_path_factory, documents):
    """They as a text artifact."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "documents.jsonl").write_text("".join(json.dumps(d) + "\n" for d in documents), "utf-8")
    return folder


@pytest.fixture(scope="session")
def subject(tmp_path_factory, documents):
    """The spec of a tiny GPT-NeoX that has learned these sentences a little, with nothing but its last MLP."""
    from transformers import AutoModelForCausalLM

    from mi.subjects.load import load_subject
    from mi.subjects.spec import subject_spec
    from mi.subjects.tiny import make_tiny

    folder = make_tiny(
        tmp_path_factory.mktemp("neox") / "m", "neox", layers=2, corpus=[d["text"] for d in documents] * 3
    )
    batch = load_subject(subject_spec(folder)).tokens([d["text"] for d in documents], 32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        learning = [p for name, p in model.named_parameters() if "layers.1.mlp" in name]
        optimizer = torch.optim.Adam(learning, lr=2e-2)
        for _ in range(60):
            labels = batch.ids.masked_fill(~batch.scored, -100)
            loss = model(input_ids=batch.ids, attention_mask=batch.attend.long(), labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert loss.item() < 1.5
    model.save_pretrained(folder)
    return subject_spec(folder)
