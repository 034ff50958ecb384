"""absorption: SAEBench's first-letter absorption, on models that can spell. Builder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..metrics.measurable import measurable
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .engine import keep_result, load, plain_name, running
from .results import read_results
from .subject_and_coder import Prepared, prepare

WORDS = ("apple", "bridge", "candle", "dragon", "engine", "forest", "garden", "harbour")
SENTENCES = tuple(f"{word} has the first letter: {word[0].upper()}" for word in WORDS)


def absorption(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    max_k: int = 10,
    batch_size: int = 10,
    seed: int = 42,
) -> dict[str, Any]:
    """How often a first-letter latent stays silent on a word whose own latent stands in for it; letters as units.

    Columns as SAEBench names them: ``mean_absorption_fraction``, ``full_absorption_rate``, ``num_full_absorption``,
    ``num_probe_true_positives``, ``num_split_features``. Also written: ``saebench.json``.

    Raises:
        Refusal: a vocabulary without words to spell, or a model in which SAEBench's probes find fewer than 20 first letters.
        CoderFault, FidelityFailed, SubjectError: see :func:`.subject_and_coder.prepare`.
    """
    out = out.resolve()
    ready = prepare(subject, coders, coder, SENTENCES, 64)
    main = load("sae_bench.evals.absorption.main")
    config = main.AbsorptionEvalConfig(
        model_name=ready.name,
        random_seed=seed,
        max_k_value=max_k,
        llm_batch_size=batch_size,
        llm_dtype=str(subject["dtype"]),
    )
    _require_words(ready, config.min_feats_for_eval)
    with ExitStack() as stack, progress(f"SAEBench absorption {coder}", 1, "runs") as bar:
        folder = stack.enter_context(running(main, ready.model, seed))
        main.run_eval(
            config, [(f"{ready.name}_{plain_name(coder)}", ready.sae)], ready.device, _made(folder / "results")
        )
        if not list((folder / "results").glob("*.json")):
            raise Refusal(
                f"{ready.name}, in which probes find fewer than {config.min_feats_for_eval} of the 26 first letters "
                f"(F1 above {config.min_GT_probe_f1})",
                "a model that can spell; SAEBench recommends 2B parameters and more",
                "Measure absorption on such a model.",
            )
        keep_result(folder / "results", out)
        bar.update(1)
    result = read_results(out / "saebench.json")
    facts = {**ready.facts, "saebench": result.facts["metrics"], **measurable([])}
    write_units(out, result.units.unit, result.units.units, result.units.columns, facts)
    return facts


def _require_words(ready: Prepared, letters: int) -> None:
    """Refuse before minutes of probing what can only fail: a letter that begins no token has no probe."""
    vocab = load("sae_bench.evals.absorption.vocab")
    found = {word.strip().lower()[:1] for word in vocab.get_alpha_tokens(ready.model.tokenizer)} - {""}
    if len(found) < letters:
        raise Refusal(
            f"a vocabulary whose words begin with {len(found)} letters",
            f"at least {letters}, as a model that can spell has",
            "Measure absorption on a model with a natural vocabulary.",
        )


def _made(folder: Path) -> str:
    folder.mkdir()
    return str(folder)
