"""Matched L0, and two builds of one artifact."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mi.claimable import ratio_of_sums
from mi.metrics.compare import relative_l0, same
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable


def table(l0, tokens, units=None):
    units = units or [f"d{k}" for k in range(len(l0))]
    return UnitTable("document", tuple(units), {"l0_sum": np.array(l0, float), "n_tokens": np.array(tokens, float)})


def test_relative_l0_pairs_documents_by_id_and_judges_equivalence():
    rng = np.random.default_rng(0)
    tokens = rng.integers(10, 50, 40)
    b = rng.poisson(30 * tokens)
    a = rng.poisson(31.5 * tokens)
    order = rng.permutation(40)
    first = table(a, tokens)
    second = table(b[order], tokens[order], [f"d{k}" for k in order])
    sums = relative_l0(first, second)
    contrast = ratio_of_sums(sums.numerator, sums.denominator, sums.documents)
    assert contrast.estimate == pytest.approx(a.sum() / b.sum() - 1)
    assert contrast.interval().lo > 0.02
    assert contrast.interval().hi < 0.08


def test_relative_l0_refuses_other_documents_and_other_masks():
    with pytest.raises(Refusal, match="different documents"):
        relative_l0(table([1, 2], [1, 1]), table([1, 2], [1, 1], ["d0", "x"]))
    with pytest.raises(Refusal, match="other tokens"):
        relative_l0(table([1, 2], [1, 1]), table([1, 2], [1, 2]))


@pytest.fixture
def builds(tmp_path):
    first, second, out = (tmp_path / name for name in ("first", "second", "out"))
    (first / "topk").mkdir(parents=True)
    out.mkdir()
    save_file({"w": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(3)}, str(first / "topk" / "w.safetensors"))
    (first / "facts.json").write_text('{"a": 1}')
    (first / "manifest.json").write_text("when")
    shutil.copytree(first, second)
    (second / "manifest.json").write_text("another time")
    return first, second, out


def test_equal_builds_are_equal(builds):
    first, second, out = builds
    facts = same(out, progress=SILENT, first=first, second=second)
    assert facts["equal"]
    assert facts["same_tensors"]
    assert facts["files"] == 2
    assert facts["largest_difference"] == 0


def test_one_flipped_bit_is_found_and_measured(builds):
    first, second, out = builds
    path = second / "topk" / "w.safetensors"
    tensors = load_file(str(path))
    tensors["w"][1, 2] += 1e-3
    save_file(tensors, str(path))
    facts = same(out, progress=SILENT, first=first, second=second)
    assert not facts["equal"]
    assert not facts["same_tensors"]
    assert facts["different"] == ["topk/w.safetensors"]
    assert facts["largest_difference"] == pytest.approx(1e-3, rel=1e-3)


def test_the_same_tensors_under_another_header_are_the_same(builds):
    first, second, out = builds
    path = second / "topk" / "w.safetensors"
    save_file(load_file(str(path)), str(path), metadata={"by": "another version"})
    facts = same(out, progress=SILENT, first=first, second=second)
    assert not facts["equal"]
    assert facts["same_tensors"]


@pytest.mark.parametrize("damage", ["missing", "renamed", "nan", "shape"])
def test_missing_files_names_and_nan_are_differences(builds, damage):
    first, second, out = builds
    path = second / "topk" / "w.safetensors"
    tensors = load_file(str(path))
    if damage == "missing":
        path.unlink()
    else:
        if damage == "renamed":
            tensors["v"] = tensors.pop("w")
        elif damage == "nan":
            tensors["w"][0, 0] = float("nan")
        else:
            tensors["w"] = tensors["w"].T.contiguous()
        save_file(tensors, str(path))
    facts = same(out, progress=SILENT, first=first, second=second)
    assert not facts["equal"]
    assert not facts["same_tensors"]
    if damage != "missing":
        assert facts["largest_difference"] == "shapes or names differ"


def test_files_that_may_differ_can_be_named(builds):
    first, second, out = builds
    (second / "facts.json").write_text('{"a": 2}')
    assert not same(out, progress=SILENT, first=first, second=second)["equal"]
    assert same(out, progress=SILENT, first=first, second=second, ignore=["facts.json"])["equal"]


def test_nothing_in_common_is_refused(tmp_path):
    for name in ("a", "b", "out"):
        (tmp_path / name).mkdir()
    with pytest.raises(Refusal, match="without a file in common"):
        same(tmp_path / "out", progress=SILENT, first=tmp_path / "a", second=tmp_path / "b")
