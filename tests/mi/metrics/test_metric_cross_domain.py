"""The 2 x 2 on domains that live in different directions."""

import csv
import json

import numpy as np
import pytest
import torch

from mi.claimable import ratio_difference
from mi.metrics.cross_domain import cross_domain
from mi.metrics.squared_errors import variance_explained
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable

D = 8


@pytest.fixture(scope="module")
def values(sites):
    """A varies in the first five dimensions, B in the last five; two are shared."""
    g = torch.Generator().manual_seed(0)
    spread = {"a": torch.tensor([3.0] * 5 + [0.1] * 3), "b": torch.tensor([0.1] * 3 + [2.0] * 5)}
    return {side: torch.randn(400, D, generator=g) * spread[side] + k for k, side in enumerate(("a", "b"))}


@pytest.fixture(scope="module")
def subspace_coder(make_coder):
    def make(dimensions, bias):
        some = torch.eye(D)[dimensions]
        both = torch.cat([some, -some])
        return make_coder(both, both, b_enc=-(both @ bias), b_dec=bias)

    return make


@pytest.fixture(scope="module")
def built(tmp_path_factory, values, sites, write_activations, write_coders, subspace_coder):
    folder = tmp_path_factory.mktemp("cross")
    document = np.sort(np.random.default_rng(0).integers(0, 25, 400))
    acts = {
        side: write_activations(
            folder / side, {sites[1]: values[side]}, document, ids=[f"{side}{k}" for k in range(25)], domain=side
        )
        for side in "ab"
    }
    a = subspace_coder(range(5), values["a"].mean(0))
    b = subspace_coder(range(3, 8), values["b"].mean(0))
    bundle = write_coders(folder / "coders", a=a, b=b)
    out = folder / "out"
    out.mkdir()
    inputs = {"coders_a": bundle, "coders_b": bundle, "activations_a": acts["a"], "activations_b": acts["b"]}
    cross_domain(out, progress=SILENT, coder_a="a", coder_b="b", name_a="prose", name_b="code", **inputs)
    return out, UnitTable.read(out), {"a": a, "b": b}, inputs


def test_every_cell_is_variance_explained_about_its_evaluation_set(built, values):
    _, table, coders, _ = built
    for train in "ab":
        for side in "ab":
            y = values[side]
            expected = variance_explained(y, coders[train].reconstruct(y))
            assert table.facts["cells"][f"{train}_{side}"]["variance_explained"] == pytest.approx(expected, abs=1e-6)
    assert table.facts["cells"]["a_a"]["variance_explained"] > 0.95
    assert table.facts["degradation"]["a"]["fvu"] > 0.3
    assert table.facts["measurable"] is True  # a coder may be worse than the mean on the *other* domain


def test_degradation_is_a_contrast_of_two_coders_on_the_same_documents(built):
    _, table, _, _ = built
    b = table.column("eval_b") == 1
    for side, at in (("a", ~b), ("b", b)):
        columns = [table.column(name)[at] for name in ("sse_other", "sst", "sse_own", "sst")]
        contrast = ratio_difference(*columns, [u for u, here in zip(table.units, at, strict=True) if here])
        assert contrast.estimate == pytest.approx(table.facts["degradation"][side]["fvu"])
        assert contrast.interval().lo > 0
    np.testing.assert_array_equal(table.column("sse_own")[b], table.column("sse_b")[b])
    np.testing.assert_array_equal(table.column("sse_other")[b], table.column("sse_a")[b])
    assert table.column("n_tokens").sum() == 800


def test_tables_and_figures_are_written(built):
    out, table, _, _ = built
    with (out / "tables" / "cross_domain.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["train"], r["eval"]) for r in rows] == [
        ("prose", "prose"),
        ("code", "prose"),
        ("prose", "code"),
        ("code", "code"),
    ]
    assert float(rows[1]["fvu"]) == table.facts["cells"]["b_a"]["fvu"]
    assert json.loads((out / "results.json").read_text())["degradation"] == table.facts["degradation"]
    for name in ("cross_domain", "l0"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 5000


def test_the_same_build_gives_the_same_bytes(built, tmp_path):
    out, _, _, inputs = built
    cross_domain(tmp_path, progress=SILENT, coder_a="a", coder_b="b", name_a="prose", name_b="code", **inputs)
    for path in (p for p in out.rglob("*") if p.is_file()):
        assert (tmp_path / path.relative_to(out)).read_bytes() == path.read_bytes(), path.name


def test_documents_in_both_domains_and_other_sites_are_refused(built, tmp_path, write_coders, make_coder, sites):
    _, _, _, inputs = built
    same = {**inputs, "activations_b": inputs["activations_a"]}
    with pytest.raises(Refusal, match="25 document ids in both"):
        cross_domain(tmp_path, progress=SILENT, coder_a="a", coder_b="b", **same)
    bundle = write_coders(tmp_path / "c", t=make_coder(torch.eye(D), torch.eye(D), sites=sites))
    with pytest.raises(Refusal, match="one site"):
        cross_domain(tmp_path, progress=SILENT, coder_a="a", coder_b="t", **{**inputs, "coders_b": bundle})
