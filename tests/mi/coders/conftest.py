"""One planted world and one set of coders for all tests of coders."""

import pytest
import torch
from coder_samples import (
    CODERS,
    OTHER,
    SITE,
    SITE_IN,
    adversarial_saelens,
    adversarial_sparsify,
    planted,
    with_facts,
    write_activations,
)


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """SITE is a linear image of SITE_IN; OTHER is something else altogether."""
    x, directions = planted(16_384)
    g = torch.Generator().manual_seed(1)
    A = torch.linalg.qr(torch.randn(16, 16, generator=g))[0] * torch.linspace(0.5, 1.5, 16)
    other, _ = planted(16_384, seed=5)
    sites = {SITE_IN: x, SITE: x @ A.T + 1.0, OTHER: 0.3 * other}
    folder = write_activations(tmp_path_factory.mktemp("world") / "activations", sites)
    return {"path": folder, "sites": sites, "directions": directions, "A": A}


@pytest.fixture(scope="session")
def real(world):
    """Site to rows."""
    return {site: x[:600] for site, x in world["sites"].items()}


@pytest.fixture(scope="session", params=list(CODERS))
def native_pair(request, tmp_path_factory, real):
    """``(coder, native, name)``: one coder through the adapter and through its own library."""
    from mi.coders.native import load_native

    engine, config = CODERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    (adversarial_sparsify if engine == "sparsify" else adversarial_saelens)(folder, **config)
    coder = with_facts(folder, engine, real)
    return coder, load_native(folder), request.param


@pytest.fixture(scope="session")
def outcome(native_pair, real):
    """The gate's report of that coder and of its mutants."""
    from mi.coders.fidelity import gate

    coder, native, _ = native_pair
    return gate(coder, native, real, seed=0)
