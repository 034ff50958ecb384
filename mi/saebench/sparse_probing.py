"""sparse_probing: SAEBench's sparse probing on labelled texts of ours, with an outcome per test example. Builder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from ..metrics.measurable import measurable
from ..probing.labelled import Labelled, require_apart
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .engine import keep_result, load, plain_name, running
from .recorded_probes import NEGATIVE, POSITIVE, RecordedProbes
from .subject_and_coder import prepare

FEWEST = 10  # examples of a class


def sparse_probing(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    train: Path,
    test: Path,
    concept: str,
    ks: Sequence[int] = (1, 2, 5),
    max_length: int = 128,
    batch_size: int = 32,
    seed: int = 42,
) -> dict[str, Any]:
    """Train SAEBench's probes on mean activations of texts; a table with test examples as units.

    Activations are means over a text's tokens without BOS. A top-k probe is scikit-learn's logistic regression on the k
    latents (or neurons of the site) with the largest difference of class means in training. The classes are made equally
    large, as SAEBench needs them: examples beyond the smaller class are left out by a seeded draw and counted.

    Columns, 1 where the probe was right: ``sae_top_<k>`` and ``sae_full`` on latents, ``llm_top_<k>`` and ``llm_full`` on
    the site's activations; and ``label``. **The full probes are early-stopped by SAEBench on the test examples
    themselves** (``selected_on_test`` in the facts), so their accuracy is too high and no claim should rest on them.

    Also written: ``saebench.json``, the result as SAEBench writes it, whose accuracies average the probe for label 1 (which
    the table shows) and the one for label 0, trained on the same examples.

    Raises:
        Refusal: shared texts or equal splits, fewer than 10 examples of a class, texts without a token to score,
            outcomes that do not add up to the accuracies that SAEBench reports.
        CoderFault, FidelityFailed, SubjectError: see :func:`.subject_and_coder.prepare`.
    """
    out = out.resolve()
    fitted, tested = Labelled(train), Labelled(test)
    require_apart(fitted, tested)
    kept = {"train": _balanced(fitted, seed), "test": _balanced(tested, seed)}
    data = [_by_class(fitted, kept["train"]), _by_class(tested, kept["test"])]
    ready = prepare(subject, coders, coder, [text for texts in data[1].values() for text in texts][::2], max_length)
    batch = ready.subject.tokens([t for split in data for texts in split.values() for t in texts], max_length)
    _require_tokens(batch)
    main = load("sae_bench.evals.sparse_probing.main")
    name = plain_name(concept)
    config = main.SparseProbingEvalConfig(
        random_seed=seed,
        dataset_names=[name],
        probe_train_set_size=len(kept["train"]),
        probe_test_set_size=len(kept["test"]),
        context_length=max_length,
        sae_batch_size=125,
        llm_batch_size=batch_size,
        llm_dtype=str(subject["dtype"]),
        model_name=ready.name,
        k_values=list(ks),
    )
    probes = RecordedProbes([f"{arm}_{what}" for arm in ("llm", "sae") for what in ("full", *(f"top_{k}" for k in ks))])
    with ExitStack() as stack, progress(f"SAEBench sparse probing {coder}", len(probes.names), "probes") as bar:
        collect = load("sae_bench.sae_bench_utils.activation_collection")
        folder = stack.enter_context(running(main, ready.model, seed, main.dataset_utils, collect))
        stack.enter_context(patch.dict(main.dataset_info.chosen_classes_per_dataset, {name: [NEGATIVE, POSITIVE]}))
        stack.enter_context(patch.object(main.dataset_utils, "get_multi_label_train_test_data", lambda *a, **k: data))
        stack.enter_context(probes.listening(main.probe_training))
        main.run_eval(
            config,
            [(f"{ready.name}_{plain_name(coder)}", ready.sae)],
            ready.device,
            "results",
            save_activations=False,
        )
        bar.update(len(probes.names))
        result = keep_result(folder / "results", out)
    theirs = {n: f"{n.replace('_full', '')}_test_accuracy" for n in probes.names}
    probes.require(result["eval_result_unstructured"][f"{name}_results"], theirs)
    facts = {
        **ready.facts,
        "concept": concept,
        "ks": list(ks),
        "examples": {split: len(index) for split, index in kept.items()},
        "left_out": {"train": len(fitted) - len(kept["train"]), "test": len(tested) - len(kept["test"])},
        "selected_on_test": ["llm_full", "sae_full"],
        "not_converged": probes.not_converged,
        "accuracies": {n: float(probes.outcomes[n].mean()) for n in probes.names},
        "truncated": sum(row.truncated for row in batch.rows),
        **measurable([]),
        "saebench": {n: result["eval_result_details"][0][theirs[n]] for n in probes.names},
    }
    order = [i for label in (0, 1) for i in kept["test"] if tested.labels[i] == label]
    columns = {**probes.outcomes, "label": tested.labels[order].astype(np.float64)}
    write_units(out, "example", [tested.ids[i] for i in order], columns, facts)
    return facts


def _balanced(examples: Labelled, seed: int) -> NDArray[np.int64]:
    """Indices of as many examples of each label, in order."""
    of_label = [np.flatnonzero(examples.labels == label) for label in (0, 1)]
    n = min(len(index) for index in of_label)
    if n < FEWEST:
        raise Refusal(
            f"{examples.split} examples with {n} of a label",
            f"at least {FEWEST} of each",
            "Draw more, or another concept.",
        )
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate([rng.choice(index, n, replace=False) for index in of_label]))


def _by_class(examples: Labelled, index: NDArray[np.int64]) -> dict[str, list[str]]:
    return {c: [examples.texts[i] for i in index if examples.labels[i] == int(c)] for c in (NEGATIVE, POSITIVE)}


def _require_tokens(batch: Any) -> None:
    if batch.excluded:
        raise Refusal(
            f"{len(batch.excluded)} texts without a token that counts", "at least one in each", "Leave out empty texts."
        )
