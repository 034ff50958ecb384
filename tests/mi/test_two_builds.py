"""Two builds of one recipe in two stores, side by side."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mi import two_builds
from mi.refusal import Refusal
from mi.two_builds import compare, main
from mi.unit_table import write_units
from runners import store as stores
from runners.build import build
from runners.recipe import Recipe
from runners.store import Store

pytestmark = pytest.mark.usefixtures("environment_put_back")


class Machine:
    """What a build finds where it runs."""

    off = 0.0
    dtype = torch.float32
    rows = 3
    nan = False
    units = ("a", "b", "c")


def measured(out, *, progress, seed=0):
    values = torch.randn(Machine.rows, 4, generator=torch.Generator().manual_seed(seed))
    values[0, 0] = 2.0
    changed = values.clone()
    changed[0, 0] += Machine.off
    if Machine.nan:
        changed[0, 1] = float("nan")
    save_file({"x": changed.to(Machine.dtype), "y": torch.arange(5), "none": torch.empty(0, 2)}, out / "w.safetensors")
    (out / "part").mkdir()
    columns = {"loss": [1.0, 2.0, 3.0 + Machine.off], "same": [1.0, float("nan"), 2.0]}
    write_units(out / "part", "document", Machine.units, columns)
    (out / "index.json").write_text(json.dumps(Machine.off))


@pytest.fixture
def two(tmp_path, monkeypatch):
    """``two(off=...)``: the folders of two stores, and the digest of what was built in both, in the second one so."""
    module = ModuleType("portable_builders")
    module.measured = measured
    monkeypatch.setitem(sys.modules, "portable_builders", module)
    recipe = Recipe("portable_builders:measured", 1, {"seed": 0})

    def run(**other):
        build(recipe, Store(tmp_path / "here"))
        with monkeypatch.context() as patch:
            for name, value in other.items():
                patch.setattr(Machine, name, value)
            build(recipe, Store(tmp_path / "there"))
        return tmp_path / "here", tmp_path / "there", recipe.digest

    return run


def found(stores):
    return {d.where: d for d in compare(*stores)[2]}


def test_places_are_those_of_the_store():
    ours = (two_builds.LAYOUT, two_builds.MANIFEST, two_builds.FILES)
    assert ours == (stores.LAYOUT, stores.MANIFEST, stores.FILES)


def test_the_same_bytes(two, capsys):
    where = two()
    assert all(d.same for d in found(where).values())
    assert main([str(where[0]), str(where[1]), where[2][:8]]) == 0
    said = capsys.readouterr().out
    assert "content: the same" in said
    assert "6 of 6 tensors, columns and other files are the same" in said


def test_differences_are_the_ones_that_were_planted(two, capsys):
    where = two(off=0.5)
    differing = {name: d for name, d in found(where).items() if not d.same}
    assert set(differing) == {"w.safetensors x", "part/units.json loss", "index.json"}
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    x[0, 0] = 2.0
    assert differing["w.safetensors x"].largest == pytest.approx(0.5)
    assert differing["w.safetensors x"].relative == pytest.approx(0.5 / float(x.square().mean().sqrt()), rel=1e-5)
    assert differing["part/units.json loss"].relative == pytest.approx(0.5 / np.sqrt(14 / 3))
    assert differing["index.json"].note == "other bytes"
    assert main([str(where[0]), str(where[1]), where[2]]) == 1
    lines = capsys.readouterr().out.splitlines()
    shown = ["w.safetensors", "x", "12", "0.5", f"{differing['w.safetensors x'].relative:.3g}"]
    assert shown in [line.split() for line in lines]
    assert lines[-1] == "3 of 6 tensors, columns and other files are the same"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_type_is_read(two, monkeypatch, dtype):
    monkeypatch.setattr(Machine, "dtype", dtype)
    assert found(two(off=0.5))["w.safetensors x"].largest == pytest.approx(0.5)


def test_a_number_on_one_side_only_is_infinitely_far(two):
    assert found(two(nan=True))["w.safetensors x"].largest == np.inf


@pytest.mark.parametrize(
    ("other", "where", "note"),
    [
        ({"dtype": torch.float64}, "w.safetensors x", "F32 [3, 4] and F64 [3, 4]"),
        ({"rows": 2}, "w.safetensors x", "F32 [3, 4] and F32 [2, 4]"),
        ({"units": ("a", "b", "d")}, "part/units.json", "other units: 3 and 3"),
    ],
)
def test_what_cannot_be_compared_is_named(two, other, where, note):
    assert found(two(**other))[where].note == note


def test_numbers_are_compared_in_pieces(two, monkeypatch):
    whole = found(two(off=0.5))
    monkeypatch.setattr(two_builds, "AT_ONCE", 5)
    assert {n: d.largest for n, d in found(two(off=0.5)).items()} == {n: d.largest for n, d in whole.items()}


def test_an_artifact_that_is_in_one_store_only_is_refused(two, tmp_path, capsys):
    here, _, digest = two()
    with pytest.raises(Refusal, match="0 artifacts"):
        compare(here, tmp_path / "nowhere", digest)
    for wrong in ("f" * 64, "ab", "*" * 8):
        assert main([str(here), str(here), wrong]) == 2
    assert "0 artifacts" in capsys.readouterr().err
