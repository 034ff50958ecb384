"""Synthetic pooled rows with planted latents, and an exact coder on the embedded model."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.probing.pooled import FILE
from mi.progress import SILENT
from mi.texts import write_documents

SITE = "blocks.2.hook_resid_post"


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture
def pooled(tmp_path):
    """``pooled(split, labels, rows)``: what :func:`mi.probing.pooled.pool` would leave, from given rows by coder."""

    def write(split, labels, rows, where=""):
        out = tmp_path / f"{where}{split}"
        out.mkdir(parents=True)
        lines = (
            {"id": f"{split}-{k}", "text": f"{split} text {k}", "domain": "d", "split": split, "label": int(label)}
            for k, label in enumerate(labels)
        )
        write_documents(out, lines, SILENT, "texts")
        save_file({name: np.ascontiguousarray(x, dtype=np.float32) for name, x in rows.items()}, out / FILE)
        return out

    return write


def latents(rng, n, rates, planted=(), gap=3.0):
    """Labels ``[n]`` and rows ``[n, len(rates)]`` that fire at these rates; planted ones are larger in class 1."""
    y = rng.permutation(np.arange(n) % 2)
    x = np.where(rng.random((n, len(rates))) < rates, rng.gamma(4.0, 0.25, (n, len(rates))), 0.0)
    for column in planted:
        x[:, column] += gap * y * (x[:, column] > 0)
    return y, x


@pytest.fixture(scope="session")
def draw():
    """:func:`latents`."""
    return latents


@pytest.fixture(scope="session")
def organism():
    """The embedded model's spec."""
    from mi.subjects.spec import subject_spec

    return subject_spec("organism")


@pytest.fixture(scope="session")
def model(organism):
    """It, loaded."""
    from mi.subjects.load import load_subject

    return load_subject(organism)


def exact_coder(site, d, seed=0):
    """Latents are positive and negative parts of the coordinates in a rotated basis, so nothing is left as error."""
    basis, _ = torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(seed)))
    both = torch.cat([basis, -basis])
    facts = CoderFacts("control", "sae", "relu", site, site, d, d, 2 * d)
    return LinearCoder(facts, both, torch.zeros(2 * d), both, torch.zeros(d), gate=Gate("relu"))


@pytest.fixture(scope="session")
def make_exact():
    """:func:`exact_coder`."""
    return exact_coder
