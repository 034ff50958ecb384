"""The organism with small steering artifacts, and a tiny random Gemma."""

import os

import pytest

from mi.progress import SILENT

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports the hub
SITE = "blocks.2.hook_resid_post"


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="session")
def site():
    """The residual stream after the organism's third block."""
    return SITE


@pytest.fixture(scope="session")
def spec():
    from mi.subjects.spec import subject_spec

    return subject_spec("organism")


@pytest.fixture(scope="session")
def organism(spec):
    from mi.subjects.load import load_subject

    return load_subject(spec)


@pytest.fixture(scope="session")
def gemma_spec(tmp_path_factory):
    """Random weights, sliding windows of 8 tokens in every second layer, prompts that are longer than that."""
    from mi.steering.prompts import CANDIDATES
    from mi.subjects.spec import subject_spec
    from mi.subjects.tiny import make_tiny

    folder = tmp_path_factory.mktemp("steering") / "gemma"
    return subject_spec(make_tiny(folder, "gemma2", corpus=CANDIDATES["world"].values(), vocabulary=400))


@pytest.fixture(scope="session")
def gemma(gemma_spec):
    from mi.subjects.load import load_subject

    return load_subject(gemma_spec)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """``artifacts("examples", split="train", n=...)`` or ``artifacts("prompts", split=..., n=...)``, each built once."""
    from mi.probing.examples import world
    from mi.steering.prompts import prompts

    made = {}

    def build(what, **params):
        key = (what, *sorted(params.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp(what)
            if what == "examples":
                world(made[key], progress=SILENT, **{"concept": "job_outdoor", "seed": 1, **params})
            else:
                some = {"candidates": list(params["candidates"])} if "candidates" in params else {}
                prompts(made[key], progress=SILENT, **{"wording": "world", **params, **some})
        return made[key]

    return build


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """``bundle(width)``: an SAE with random unit decoder rows at the site, read by their transpose."""
    import torch

    from mi.coders.coder import CoderFacts
    from mi.coders.linear_coder import Gate, LinearCoder
    from mi.coders.load import save_coder

    def build(width, n_latents=64, kind="sae"):
        rows = torch.randn(n_latents, width, generator=torch.Generator().manual_seed(5))
        rows = rows / rows.norm(dim=-1, keepdim=True)
        site_in = SITE if kind == "sae" else "blocks.2.mlp.hook_in"
        facts = CoderFacts("control", kind, "relu", site_in, SITE, width, width, n_latents)
        coder = LinearCoder(facts, rows.clone(), torch.zeros(n_latents), rows, torch.zeros(width), gate=Gate("relu"))
        folder = tmp_path_factory.mktemp("bundle")
        (folder / "sae").mkdir()
        save_coder(coder, folder / "sae")
        return folder

    return build


@pytest.fixture(scope="session")
def directions_of(tmp_path_factory, artifacts, bundle):
    """``directions_of(spec, width)``: a directions artifact."""
    from mi.steering.directions import directions

    def build(spec, width, **params):
        out = tmp_path_factory.mktemp("directions")
        given = {"examples": artifacts("examples", split="train", n=200), "coders": bundle(width), "coder": "sae"}
        directions(out, progress=SILENT, subject=spec, **{"draws": 128, **given, **params})
        return out

    return build
