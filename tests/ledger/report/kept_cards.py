"""Cards in a store, as the interpreter and the store leave them; written by hand, so that they may be wrong."""

import copy
import hashlib
import json

from manifests import manifest_text


def window(*tokens, activations=None, activating=True):
    activations = activations or [0.0] * (len(tokens) - 1) + [2.0]
    return {"tokens": list(tokens), "activations": activations, "activating": activating}


CARD = {
    "schema": 1,
    "latent": 7,
    "coder": "sae",
    "site": "blocks.2.hook_resid_post",
    "chosen": "registered sample 0123456789ab: 3 of 512 latents",
    "rate": 0.0123,
    "dead": False,
    "scorer": {"kind": "chat", "model": "small", "max_tokens": 9},
    "explanation": "nurses",
    "unexplained": None,
    "scores": {
        "detection": {"score": 0.8125, "parse_rate": 0.9, "n": 40, "interval": [0.7, 0.9]},
        "detection_shuffled": {"score": None, "parse_rate": None, "n": 0},
    },
    "contexts": [
        {"name": "strongest", "windows": [window("the", " nurse"), window("a", " nurse")]},
        {"name": "decile 1", "windows": [window("the", " nurse")]},
        {"name": "decile 2", "windows": [window("a", " nurse"), window("sat")]},
    ],
    "answers": [window("x", activations=[4.0]), window("y", activations=[1.0]), window("z", activating=False)],
}


def card(**changes):
    return {**copy.deepcopy(CARD), **changes}


def kept(store, files, recipe=None):
    """The digest of an artifact with these JSON files, as the store keeps one."""
    raw = {name: json.dumps(value).encode() for name, value in files.items()}
    named = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in raw.items()}
    recipe = recipe or {
        "root": "r",
        "recipes": {"r": {"build": "b", "inputs": {}, "params": {}, "label": "lexical on sae"}},
    }
    digest = hashlib.sha256(json.dumps([named, recipe]).encode()).hexdigest()
    home = store / "v1" / "artifacts" / digest[:2] / digest
    for name, data in raw.items():
        (home / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "files" / name).write_bytes(data)
    (home / "manifest.json").write_text(manifest_text(digest, raw, recipe))
    return digest


def shelf(store, *names, recipe=None, **changes):
    return kept(store, {f"cards/{k}.json": card(latent=k, **changes) for k in names}, recipe)


def row(*digests):
    return {"claim": "paper.latents", "artifacts": list(digests)}


def made_with(coders, coder="sae", build="b"):
    recipe = {"build": build, "inputs": {"coders": coders}, "params": {"coder": coder}, "label": "x"}
    return {"root": "r", "recipes": {"r": recipe}}
