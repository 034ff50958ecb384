"""Coders of several bundles come together under new names, unchanged."""

import pytest
import torch

from mi.circuits.gather import gather
from mi.coders.load import load_bundle, save_coder
from mi.progress import SILENT
from mi.refusal import Refusal


def test_coders_of_two_bundles_in_one(tmp_path, make_exact):
    sites = {f"b{n}": f"blocks.{n}.hook_resid_post" for n in range(2)}
    for bundle, site in sites.items():
        save_coder(make_exact(site, 4, seed=len(bundle)), tmp_path / bundle / "pretrained")
    (tmp_path / "out").mkdir()
    bundles = {name: tmp_path / name for name in sites}
    names = {f"layer{n}": f"b{n}/pretrained" for n in range(2)}
    said = gather(tmp_path / "out", progress=SILENT, coders=names, **bundles)
    assert said["sites"] == {"layer0": sites["b0"], "layer1": sites["b1"]}
    both = load_bundle(tmp_path / "out")
    x = torch.randn(3, 4)
    assert torch.allclose(both["layer1"].reconstruct(x), x, atol=1e-5)
    with pytest.raises(Refusal, match="b9/pretrained"):
        gather(tmp_path / "out", progress=SILENT, coders={"y": "b9/pretrained"}, **bundles)
