"""as_saelens: a coder of ours as the SAELens object that SAEBench evaluates."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..coders import saelens_coder
from ..coders.coder import CoderFault
from ..coders.linear_coder import LinearCoder
from .engine import load, silence


def as_saelens(coder: LinearCoder, model_name: str, device: str = "cpu") -> Any:
    """``coder`` as a ``sae_lens.SAE`` with gate ``relu``, ``topk`` or ``jumprelu``, written in SAELens's format and read by it.

    ``model_name`` is what SAEBench calls the model in names of files and folders.

    Raises:
        CoderFault: a transcoder, which SAEBench would score on reconstructing its input; or an SAE that SAELens cannot
            hold as it is (centred rows, groupmax, a pre-encoder bias other than the decoder's).
        NotHere: SAEBench is not installed.
    """
    if coder.kind != "sae":
        raise CoderFault(
            f"a {coder.kind} from {coder.site_in} to {coder.site_out}",
            "an SAE: SAEBench encodes and reconstructs one site",
            "Measure transcoders with mi.metrics, on their own objective.",
        )
    if coder.centred:
        raise CoderFault(
            "an SAE of centred rows", "one that reads its site as it is", "Evaluate it with mi.metrics, which centres."
        )
    general = load("sae_bench.sae_bench_utils.general_utils")
    from sae_lens import SAE

    with tempfile.TemporaryDirectory() as folder:
        saelens_coder.write(coder.to(device="cpu"), Path(folder))
        sae = SAE.load_from_disk(folder, device=device)
    # SAELens keeps metadata only of files that say which of its versions wrote them.
    sae.cfg.metadata.model_name, sae.cfg.metadata.hook_name = model_name, coder.site_in
    sae.eval().requires_grad_(False)
    with silence():
        _, formatted, _ = general.load_and_format_sae(model_name, sae, device)
    return formatted
