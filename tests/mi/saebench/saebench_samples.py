"""Texts about two kinds of things, and coders on which no bug is an identity."""

from dataclasses import replace

import numpy as np
import torch

from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.progress import SILENT
from mi.texts import write_documents

SITE, WIDTH, LATENTS = "blocks.1.hook_resid_post", 32, 48
ANIMALS, PLANTS = ("cat", "dog", "hen"), ("oak", "elm", "fern")
PLACES = ("the hill", "a river", "the town", "an old wall", "the gate", "our barn", "the mill", "a lane", "the field")
DEEDS = ("is seen near", "was found by", "stays beside", "is often by", "came to be at", "belongs to")


def texts(split):
    """``(text, label)``: plants are 1. Train and test have no place in common."""
    places = PLACES[:6] if split == "train" else PLACES[6:]
    said = [
        (f"the {n} {deed} {p} and {q}", n) for n in ANIMALS + PLANTS for deed in DEEDS for p in places for q in places
    ]
    return [(text, int(n in PLANTS)) for text, n in said if text.split(" and ")[1] not in text.split(" and ")[0]]


def make_coder(rows, gate, *, bias=True, engine="saelens", **facts):
    """Latents look for directions that the rows have; every bias is far from 0."""
    g = torch.Generator().manual_seed(3)
    W = torch.nn.functional.normalize(torch.randn(LATENTS, WIDTH, generator=g), dim=1)
    b_dec = rows.mean(0) + 0.5 * rows.std(0) * torch.randn(WIDTH, generator=g)
    pre = (rows - b_dec) @ W.T
    if gate == "jumprelu":
        made = Gate("jumprelu", threshold=pre.quantile(0.8, dim=0).clamp(min=0.05))
    else:
        made = Gate(gate, k=8 if gate in ("topk", "groupmax") else None)
    about = CoderFacts(engine, "sae", gate, SITE, SITE, WIDTH, WIDTH, LATENTS, k=made.k)
    about = replace(about, **facts)
    b_enc = 0.2 * pre.std(0) * torch.randn(LATENTS, generator=g)
    return LinearCoder(about, 0.7 * W, b_enc, W, b_dec, made, input_bias=b_dec if bias else None)


def write_examples(out, split, labels=None):
    made = texts(split)
    order = np.random.default_rng(5).permutation(len(made))[:160]
    labels = [made[i][1] for i in order] if labels is None else labels(len(order))
    lines = (
        {
            "id": f"{split}-{i}",
            "text": made[i][0],
            "domain": "d",
            "split": split,
            "label": int(label),
            "counterpart": None,
        }
        for i, label in zip(order, labels, strict=True)
    )
    out.mkdir(parents=True)
    write_documents(out, lines, SILENT, "texts")
    return out
