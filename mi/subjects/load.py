"""load_subject: from a spec to a model that can be run, read and edited."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..device import device
from .errors import SubjectError
from .registry import known
from .spec import spec_folder, tokenizer_digest

if TYPE_CHECKING:
    from .subject import Subject


def load_subject(spec: dict[str, Any]) -> Subject:
    """Load what :func:`mi.subjects.spec.subject_spec` described. Downloads only what :func:`.spec.spec_folder` may.

    Raises:
        NotHere: its files are gone.
        SpecError: its files are others than when the spec was made.
        SubjectError: weights that are missing from the files, or no BOS where one is needed.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from .subject import Subject
    from .tokens import Vocabulary, load_tokenizer

    folder = spec_folder(spec)
    hf = load_hf(spec)
    tokenizer = load_tokenizer(spec)
    entry = known(spec["source"])
    vocabulary = Vocabulary.of(
        tokenizer,
        hf.get_input_embeddings().num_embeddings,
        entry.needs_bos if entry else None,
        hf.config.model_type,
    )
    return Subject(spec, hf, vocabulary, folder, tokenizer_digest(folder))


def load_hf(spec: dict[str, Any]) -> Any:
    """The Hugging Face model of a spec, randomised if it says so: in eval mode, without gradients, hooked by nobody."""
    import torch

    from .randomise import randomise

    hf = _load_trained(spec_folder(spec), getattr(torch, spec["dtype"]))
    if spec["weights"] != "trained":
        hf = randomise(hf, spec["weights"], spec["weights_seed"], in_place=True)
    return hf.to(device()).eval().requires_grad_(False)


def _load_trained(folder: Path, dtype: Any) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The attention implementation is left to Hugging Face: eager where an architecture has no other.
            hf, report = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
    finally:
        if shown:
            logging.enable_progress_bar()
    # Hugging Face fills what is missing with random numbers and goes on.
    absent = sorted(report["missing_keys"]) + sorted(str(k) for k in report["mismatched_keys"])
    if absent:
        raise SubjectError(
            f"{folder.name}: {len(absent)} weights are not in the files or have another shape ({', '.join(absent[:3])})",
            "a value for every weight",
            "Save the model that the configuration describes.",
        )
    return hf
