"""Coders that others trained, brought into the store: by SAELens release, by sparsify repository, or from a folder.

Nothing is downloaded unless asked for; what is missing is said together with the command that fetches it.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ..downloads import allowed
from ..progress import Progress
from . import saelens_coder, sparsify_coder
from .coder import CoderFacts, CoderFault
from .load import load_coder
from .names import checked_names

GEMMA_SCOPE = "params.npz"


class CoderNotHere(CoderFault):
    """A coder that has not been downloaded; ``command`` fetches it."""

    absent = True

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what}, which is not in the local cache", "it to have been downloaded", f"Run: {command}")
        self.command = command


def saelens(
    out: Path, *, progress: Progress, release: str, sae_id: str, name: str = "pretrained", download: bool = False
) -> dict[str, Any]:
    """A coder of a SAELens release, e.g. ``gemma-scope-2b-pt-res-canonical``, ``layer_12/width_16k/canonical``.

    Raises:
        CoderNotHere: not in the cache, and ``download`` is false.
        CoderFault: SAELens knows no such release or id, or cannot be followed in its arithmetic.
    """
    checked_names([name])
    with progress(f"load {release}/{sae_id}", 1, "coders") as bar:
        from sae_lens import SAE
        from sae_lens.loading.pretrained_saes_directory import get_repo_id_and_folder_name

        try:
            repo, path = get_repo_id_and_folder_name(release, sae_id)
            with _network(download or allowed()), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it advises on loading the model; that is a fact here
                sae = SAE.from_pretrained(release, sae_id, device="cpu")
        except FileNotFoundError as missing:
            raise CoderNotHere(f"{release}/{sae_id}", f'hf download {repo} --include "{path}/*"') from missing
        except ValueError as unknown:
            raise CoderFault(f"{release}/{sae_id}", "a SAE of SAELens's list", str(unknown)) from None
        kwargs = dict(sae.cfg.metadata.model_from_pretrained_kwargs or {})
        origin = {"release": release, "sae_id": sae_id, "repository": repo, "engine": f"sae-lens {version('sae-lens')}"}
        facts = _take_saelens(sae, out / name, origin, kwargs)
        bar.update(1)
    return _summary(name, facts)


def sparsify(
    out: Path,
    *,
    progress: Progress,
    source: str,
    site_in: str,
    site_out: str,
    hookpoint: str | None = None,
    name: str = "pretrained",
    download: bool = False,
) -> dict[str, Any]:
    """A coder that sparsify saved: a local folder, or a repository and the hookpoint in it.

    Args:
        source: a folder, or a repository such as ``EleutherAI/sae-pythia-70m-32k``.
        site_in, site_out: its sites here; sparsify names modules, and a module called ``layers.12`` with ``transcode`` maps
            the whole block, not its MLP.
        hookpoint: the sub-folder.

    Raises:
        CoderNotHere: not in the cache, and ``download`` is false.
    """
    checked_names([name])
    with progress(f"load {source}", 1, "coders") as bar:
        folder = Path(source)
        if not folder.is_dir():
            folder = _snapshot(source, hookpoint, download)
        if hookpoint is not None:
            folder = folder / hookpoint
        origin = {"source": source, "hookpoint": hookpoint, "engine": f"eai-sparsify {version('eai-sparsify')}"}
        facts = sparsify_coder.native_facts(folder, site_in, site_out, training=origin)
        (out / name).mkdir(parents=True)
        for file in (sparsify_coder.CONFIG, sparsify_coder.WEIGHTS):
            shutil.copyfile(folder / file, out / name / file)
        facts.write(out / name)
        load_coder(out / name)
        bar.update(1)
    return _summary(name, facts)


def folder(
    out: Path,
    *,
    progress: Progress,
    source: str,
    site_in: str | None = None,
    site_out: str | None = None,
    model_kwargs: dict[str, Any] | None = None,
    name: str = "pretrained",
) -> dict[str, Any]:
    """A coder in a local folder that SAELens wrote, or one of Gemma Scope (``params.npz``).

    Args:
        site_in, site_out: needed where the folder does not name them.
        model_kwargs: how its model was loaded, if that is not in the folder, e.g. ``{"center_writing_weights": True}``.

    Raises:
        CoderFault: neither format.
    """
    checked_names([name])
    with progress(f"load {source}", 1, "coders") as bar:
        home = Path(source)
        origin = {"source": home.name, "engine": f"sae-lens {version('sae-lens')}"}
        if (home / GEMMA_SCOPE).exists():
            facts = _take_gemma_scope(home / GEMMA_SCOPE, out / name, site_in, origin)
        else:
            from sae_lens import SAE

            if not (home / saelens_coder.CONFIG).exists():
                raise CoderFault(
                    source, f"a folder with {saelens_coder.CONFIG} or {GEMMA_SCOPE}", "Name the coder's own folder."
                )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sae = SAE.load_from_disk(home, device="cpu", dtype="float32")
            kwargs = dict(sae.cfg.metadata.model_from_pretrained_kwargs or {}) | (model_kwargs or {})
            facts = _take_saelens(sae, out / name, origin, kwargs, site_in, site_out)
        bar.update(1)
    return _summary(name, facts)


def _take_saelens(
    sae: Any,
    target: Path,
    origin: dict[str, Any],
    model_kwargs: dict[str, Any],
    site_in: str | None = None,
    site_out: str | None = None,
) -> CoderFacts:
    """Save SAELens's object in its own format, with our facts beside it."""
    config = sae.cfg
    if not config.normalize_activations:
        config.normalize_activations = "none"
    sae.save_model(target)
    # A coder made for a model with centred writing weights reads rows without their mean; ours come from the model as it is.
    centred = bool(model_kwargs.get("center_writing_weights", False))
    training = {**origin, "model_from_pretrained_kwargs": model_kwargs, "centred": centred}
    facts = saelens_coder.native_facts(target, site_in, site_out, training=training)
    facts.write(target)
    load_coder(target)
    return facts


def _take_gemma_scope(file: Path, target: Path, site: str | None, origin: dict[str, Any]) -> CoderFacts:
    """Gemma Scope's own file (JumpReLU, no bias subtracted before encoding) as a SAELens folder."""
    import numpy as np
    import torch

    from .linear_coder import Gate, LinearCoder

    if site is None:
        raise CoderFault(f"{file.parent.name} without a site", "site_in, e.g. blocks.12.hook_resid_post", "Name it.")
    with np.load(file, allow_pickle=False) as stored:
        w = {key: torch.from_numpy(np.asarray(stored[key], dtype=np.float32)) for key in stored.files}
    d_in, n_latents = w["W_enc"].shape
    facts = CoderFacts("saelens", "sae", "jumprelu", site, site, d_in, d_in, n_latents, training=origin)
    gate = Gate("jumprelu", threshold=w["threshold"])
    coder = LinearCoder(facts, w["W_enc"].T.contiguous(), w["b_enc"], w["W_dec"], w["b_dec"], gate)
    saelens_coder.write(coder, target)
    facts.write(target)
    return facts


def _snapshot(repository: str, hookpoint: str | None, download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    pattern = f"{hookpoint}/*" if hookpoint else None
    command = f"hf download {repository}" + (f' --include "{pattern}"' if pattern else "")
    try:
        home = Path(snapshot_download(repository, allow_patterns=pattern, local_files_only=not (download or allowed())))
    except (FileNotFoundError, HFValidationError) as missing:
        raise CoderNotHere(repository, command) from missing
    if hookpoint is not None and not (home / hookpoint / sparsify_coder.CONFIG).exists():
        raise CoderNotHere(f"{repository}/{hookpoint}", command)
    return home


@contextmanager
def _network(wanted: bool) -> Iterator[None]:
    """Keep the hub library off the network, whatever the environment said when it was imported."""
    from huggingface_hub import constants

    with patch.object(constants, "HF_HUB_OFFLINE", constants.HF_HUB_OFFLINE if wanted else True):
        yield


def _summary(name: str, facts: CoderFacts) -> dict[str, Any]:
    return {"coders": {name: json.loads(json.dumps({k: v for k, v in vars(facts).items() if k != "training"}))}}
