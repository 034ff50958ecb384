"""Hand-made artifacts, a store that is written by hand, and what is read off a drawing."""

import hashlib
import json
import random
from itertools import pairwise
from pathlib import Path

from manifests import manifest_text

from ledger.artifact_files import LAYOUT
from ledger.run import Run

SUBJECT = {"name": "organism", "weights": "trained", "weights_seed": 0}


def coin(p, n, seed):
    """``n`` outcomes, about a share ``p`` of them 1; the same for the same seed."""
    drawn = random.Random(seed)
    return [float(drawn.random() < p) for _ in range(n)]


def noise(mean, n, seed, spread=1.0):
    drawn = random.Random(seed)
    return [mean + spread * (drawn.random() - 0.5) for _ in range(n)]


def units(columns, facts, unit="example", ids=None):
    n = len(next(iter(columns.values())))
    return {"unit": unit, "units": ids or [f"{unit} {i}" for i in range(n)], "columns": columns, "facts": facts}


class Shelf:
    """A store that is written by hand."""

    def __init__(self, root):
        self.root = root

    def put(self, build, files, params=None, inputs=None):
        """An artifact of these files (name to JSON); ``inputs``: name to ``(build, params)``. Returns its digest."""
        recipes, named = {}, {}
        for name, (other, given) in (inputs or {}).items():
            key = hashlib.sha256(f"{other} {given}".encode()).hexdigest()
            recipes[key] = {"build": other, "version": 1, "params": given, "inputs": {}, "label": other}
            named[name] = key
        root = {"build": build, "version": 1, "params": params or {}, "inputs": named, "label": f"by {build}"}
        raw = {name: json.dumps(content).encode() for name, content in files.items()}
        digest = hashlib.sha256(json.dumps([root, sorted(raw.items(), key=str)], default=str).encode()).hexdigest()
        home = self.home(digest)
        for name, content in raw.items():
            path = home / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        recipe = {"root": digest, "recipes": {**recipes, digest: root}}
        (home / "manifest.json").write_text(manifest_text(digest, raw, recipe))
        return digest

    def home(self, digest):
        return self.root / LAYOUT / "artifacts" / digest[:2] / digest


def run_of(*rows):
    return Run(Path("2026-11-20T120000Z-aaaaaa.jsonl"), rows=[{**r, "index": i} for i, r in enumerate(rows)])


def kind_of(figure, *classes):
    """Elements of a drawing that have all of these classes."""
    return [e for e in figure.svg.iter() if set(classes) <= set(e.get("class", "").split())]


def texts(figure):
    return [e.text for e in figure.svg.iter("text")]


# ---- artifacts -------------------------------------------------------------------------------------------------------
def circuit_files(ks=(5, 20), depth=1, full=0.98, accuracy=(0.75, 0.97), n=120, draws=30):
    columns = {"full": coin(full, n, 0)}
    for k, p in zip(ks, accuracy, strict=True):
        for layer in range(1, depth + 1):
            columns[f"depth_k{k}_{layer}"] = coin(0.5 + (p - 0.5) * layer / depth, n, k * 10 + layer)
        columns[f"circuit_k{k}"] = columns[f"depth_k{k}_{depth}"]
    facts = {"sizes": {str(k): k * depth for k in ks}, "coders": [f"layer{i}" for i in range(depth)], "chance": 0.5}
    sets = {
        f"random/{kind}_k{k}/units.json": units({str(i): coin(0.6, n, 1000 + k + i) for i in range(draws)}, {"k": k})
        for kind in ("matched", "any")
        for k in ks
    }
    return {"units.json": units(columns, facts), **sets}


def kept_files(ks=(5, 20), n=40, headroom=8.0, draws=30):
    columns = {"clean": noise(headroom + 1, n, 1), "none_ablated": noise(headroom, n, 2), "all_kept": noise(1.0, n, 3)}
    columns["all_ablated"] = noise(0.5, n, 4)
    for error in ("kept", "ablated"):
        empty = columns[f"all_{error}"]
        columns[f"headroom_{error}"] = [a - b for a, b in zip(columns["clean"], empty, strict=True)]
        for k in ks:
            only = noise(1 + headroom * k / 40, n, k)
            columns[f"kept_k{k}_{error}"] = [a - b for a, b in zip(only, empty, strict=True)]
    facts = {"sizes": {str(k): k for k in ks}, "coders": ["sae"]}
    sets = units({str(i): noise(1.5, n, 100 + i) for i in range(draws)}, {}, "item")
    return {"units.json": units(columns, facts, "item"), "random/only_matched_k20/units.json": sets}


def sweep_files(rows=None, n=60, arms=("dom", "latent"), chosen=None):
    """A sweep: ``rows`` maps ``(arm, coefficient)`` to ``(success, perplexity, fluent)`` on validation prompts."""
    rows = rows or {
        ("dom", 0.5): (0.7, 1.5, True),
        ("dom", 1.0): (0.8, 1.6, True),
        ("dom", 2.0): (0.9, 40.0, False),
        ("dom", 4.0): (0.6, 1.7, True),
        ("latent", 0.5): (0.5, 1.4, True),
        ("latent", 1.0): (0.4, 1e8, False),
    }
    chosen = chosen or {"dom": 1.0, "latent": 0.5}
    base = {"arm": "baseline", "coefficient": 0.0, "success": 0.5, "perplexity": 1.3, "fluent": True, "nats": 0.3}
    sweep = []
    for split, count in (("validation", 30), ("test", n)):
        sweep.append({"split": split, "n": count, **base})
        for (arm, c), (success, perplexity, fluent) in rows.items():
            about = {"success": success, "perplexity": perplexity, "fluent": fluent, "nats": 0.4}
            sweep.append({"split": split, "arm": arm, "coefficient": c, "n": count, **about})
    facts = {
        "concept": "outdoor",
        "measurable": True,
        "not_measurable_because": [],
        "cap": 1.5,
        "arms": {
            arm: {"decided": True, "coefficient": chosen[arm]}
            if arm in chosen
            else {"decided": False, "because": "none of 2 coefficients leaves the text fluent"}
            for arm in arms
        },
        "absent": {},
        "sweep": sweep,
    }
    columns = {
        "baseline_success": coin(0.5, n, 1),
        **{f"{a}_success": coin(0.8, n, i + 2) for i, a in enumerate(chosen)},
    }
    return {"units.json": units(columns, facts, "prompt")}


STABILITY_CENTRES = {"live": 0.48, "all": 0.44, "geometric": 0.25, "decoder": 0.34, "activations": 0.57}


def stability_files(seeds=6, nulls=("geometric", "decoder", "activations"), latents=40):
    pairs = seeds * (seeds - 1) // 2
    edges, columns, counts = [k / 50 for k in range(-50, 51)], {}, {}
    for i, name in enumerate(("live", "all", *nulls)):
        cosines = noise(STABILITY_CENTRES[name], pairs * latents, 30 + i, 0.9 if i < 2 else 0.3)
        bins = [sum(a <= c < b for c in cosines) for a, b in pairwise(edges)]
        counts[name if i < 2 else f"null_{name}"] = bins
    for part in ("live", "all"):
        columns[f"{part}_median"] = noise(STABILITY_CENTRES[part], seeds, 2, 0.03)
        for t, share in ((50, 0.4), (70, 0.1), (90, 0.01)):
            columns[f"{part}_share_{t}"] = noise(share, seeds, t, 0.01)
    for i, kind in enumerate(nulls):
        columns[f"null_{kind}_median"] = noise(STABILITY_CENTRES[kind], seeds, 10 + i, 0.02)
        columns[f"excess_{kind}"] = noise(0.48 - STABILITY_CENTRES[kind], seeds, 20 + i, 0.03)
    facts = {"coders": ["matched/sae"], "thresholds": [0.5, 0.7, 0.9]}
    return {
        "units.json": units(columns, facts, "seed", [str(i) for i in range(seeds)]),
        "histogram.json": {"edges": edges, "counts": counts},
    }


def cross_files(n=40):
    columns = {name: [] for name in ("sst", "sse_a", "sse_b", "eval_b")}
    for side in (0.0, 1.0):
        columns["sst"] += noise(100, n, 1, 20)
        columns["sse_a"] += noise(10 if side == 0 else 110, n, 2, 5)
        columns["sse_b"] += noise(10 if side == 1 else 105, n, 3, 5)
        columns["eval_b"] += [side] * n
    sums = {(t, e): _fvu(columns, t, e) for t in "ab" for e in "ab"}
    facts = {
        "names": {"a": "prose", "b": "code"},
        "cells": {f"{t}_{e}": {"l0_mean": 16.0} for t, e in sums},
        "degradation": {"a": {"fvu": sums["b", "a"] - sums["a", "a"]}, "b": {"fvu": sums["a", "b"] - sums["b", "b"]}},
    }
    return {"units.json": units(columns, facts, "document")}


def _fvu(columns, train, side):
    inside = [i for i, b in enumerate(columns["eval_b"]) if b == float(side == "b")]
    return sum(columns[f"sse_{train}"][i] for i in inside) / sum(columns["sst"][i] for i in inside)


def reconstruction_files(coder="sae", fvu=0.1, n=40):
    columns = {"sst": noise(100, n, 1, 20), "sse": noise(100 * fvu, n, 2, 2)}
    exact = sum(columns["sse"]) / sum(columns["sst"])
    facts = {
        "coder": coder,
        "fvu": exact,
        "l0_mean": 16.0,
        "alive_share": 0.9,
        "site_out": "blocks.2",
        "documents_scored": n,
    }
    return {"units.json": units(columns, facts, "document")}


def probe_files(few=True, arms=("sae", "residual"), level=0.95, n=100, seed=0):
    columns = {}
    for i, arm in enumerate(arms):
        columns |= {f"{arm}_full": coin(level, n, seed + i), f"{arm}_top_1": coin(0.7, n, seed + 10 + i)}
        if few:
            columns[f"{arm}_few"] = noise(level - 0.1, n, seed + 20 + i, 0.1)
    columns |= {"tokens_full": coin(0.5, n, seed + 30), "label": coin(0.5, n, 5)}
    if few:
        columns["tokens_few"] = noise(0.5, n, seed + 31, 0.1)
    return {"units.json": units(columns, {"chance": 0.48, "examples": {"train": 1000, "test": n}})}
