"""sae_probes: SAEBench's sae-probes evaluation, whose 113 data sets come with the package. Builder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from ..metrics.measurable import measurable
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .engine import keep_result, load, plain_name, running
from .model import CONTEXT, context_of
from .probe_sets import ProbeSet, chosen, reduced
from .recorded_probes import stopped_early
from .subject_and_coder import Prepared, prepare

KS = (1, 2, 5, 16, 128)
FEWEST = 300
CHECKED_LENGTH = 64  # tokens of the texts on which activations are compared
METRICS = {"auc": "test_auc", "accuracy": "test_accuracy", "f1": "test_f1"}


def sae_probes(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    ks: Sequence[int] = KS,
    penalty: str = "l1",
    data_sets: list[str] | None = None,
    n_data_sets: int | None = None,
    max_examples: int | None = None,
    max_length: int = CONTEXT,
    batch_size: int = 32,
    seed: int = 42,
) -> dict[str, Any]:
    """Probe the last token of a text for 113 yes-no questions, on latents and on activations; data sets as units.

    An SAE probe is a logistic regression on the k latents with the largest difference of class means, the baseline
    one on all activations. Regularisation is chosen on a part of the training examples.

    Args:
        out, progress, subject, coders, coder: of a builder.
        ks: numbers of latents.
        penalty: ``"l1"`` (sae-probes's own, about ten seconds a data set) or ``"l2"`` (about one) for probes on latents.
        data_sets: names; None for all.
        n_data_sets: instead of names, so many of the smallest, no two with a text in common.
        max_examples: of a data set, drawn by ``seed``, half of each label, at least 300; None for all.
        max_length: tokens of a text that are fed, its last ones; at most the subject's context.

    Columns: ``sae_<metric>_k<k>`` and ``llm_<metric>`` for the test ``auc``, ``accuracy`` and ``f1``; ``examples``
    (tested); ``family``, a number that data sets with texts in common share: they are not independent of each other.
    Also written: ``saebench.json`` as SAEBench writes it, and ``predictions/<data set>.npz`` with each test example's
    ``row`` in the data set, ``label``, and probability of label 1 by each probe.

    Raises:
        Refusal: unknown data sets or penalty, a k beyond the latents, predictions that are not those which SAEBench scored.
        CoderFault, FidelityFailed, SubjectError: see :func:`.subject_and_coder.prepare`.
    """
    if penalty not in ("l1", "l2") or (max_examples is not None and max_examples < FEWEST):
        given = f"penalty={penalty!r}, max_examples={max_examples}"
        raise Refusal(given, f"'l1' or 'l2', and {FEWEST} or more: 100 are for testing", "Correct the recipe.")
    out = out.resolve()
    main = load("sae_bench.evals.sparse_probing_sae_probes.main")
    sets = chosen(n_data_sets, data_sets)
    data = load("sae_probes.utils_data")
    texts = list(data.read_numbered_dataset_df(sets[0].name)["prompt"])
    ready = prepare(subject, coders, coder, texts, min(max_length, CHECKED_LENGTH))
    length = context_of(ready.subject, max_length)
    if max(ks) > ready.coder.n_latents:
        raise Refusal(f"k={max(ks)}", f"at most {ready.coder.n_latents}, the number of latents", "Ask for fewer.")
    config = main.SparseProbingSaeProbesEvalConfig(
        model_name=ready.name,
        random_seed=seed,
        dataset_names=[s.name for s in sets],
        reg_type=penalty,
        ks=list(ks),
        results_path="artifacts",
        model_cache_path="activations",
    )
    probes = _Probes(list(ks), sets, seed)
    with ExitStack() as stack, progress(f"SAEBench sae-probes {coder}", 3 * len(sets), "steps") as bar:
        folder = stack.enter_context(running(main, ready.model, seed, *_bars()))
        stack.enter_context(reduced(sets, max_examples, seed))
        for one in sets:
            _collect(ready, one, length, batch_size)
            bar.update(1)
        stack.enter_context(probes.listening(bar.update))
        main.run_eval(config, [(f"{ready.name}_{plain_name(coder)}", ready.sae)], ready.device, "results")
        result = keep_result(folder / "results", out)
        columns = probes.columns(result["eval_result_details"])
    (out / "predictions").mkdir()
    for one in sets:
        np.savez_compressed(out / "predictions" / f"{plain_name(one.name)}.npz", **probes.of(one.name))
    families = sorted({s.family for s in sets})
    columns["family"] = np.array([families.index(s.family) for s in sets], dtype=np.float64)
    facts = {
        **ready.facts,
        "ks": list(ks),
        "penalty": penalty,
        "max_length": length,
        "max_examples": max_examples,
        "families": len(families),
        "not_converged": probes.not_converged,
        **measurable([]),
        "means": {name: float(np.mean(values)) for name, values in columns.items() if name[:3] in ("sae", "llm")},
    }
    write_units(out, "data set", [s.name for s in sets], columns, facts)
    return facts


class _Probes:
    """What each probe said about each test example, by data set."""

    def __init__(self, ks: list[int], sets: Sequence[ProbeSet], seed: int) -> None:
        self.ks, self.sets, self.seed = ks, {s.name: s for s in sets}, seed
        self.not_converged: list[str] = []
        self._said: dict[str, dict[str, NDArray[Any]]] = {name: {} for name in self.sets}

    def of(self, name: str) -> Mapping[str, NDArray[Any]]:
        """``row``, ``label`` and probabilities of the test examples of a data set."""
        return self._said[name]

    @contextmanager
    def listening(self, done: Callable[[int], None]) -> Iterator[None]:
        """While it lasts, probes that sae-probes fits are recorded: first on latents, one per k, then the baselines."""
        on_latents, baselines = load("sae_probes.run_sae_evals"), load("sae_probes.run_baselines")
        fit, current = on_latents.find_best_reg, [""]
        one_set, one_baseline = on_latents.run_sae_eval, baselines.run_baseline_dataset_layer

        def fitted(X_train: Any, y_train: Any, X_test: Any, y_test: Any, **how: Any) -> Any:
            found = fit(X_train=X_train, y_train=y_train, X_test=X_test, y_test=y_test, **how)
            said = self._said[current[0]]
            arm = f"sae_k{self.ks[sum(name.startswith('sae_') for name in said)]}" if "penalty" in how else "llm"
            if stopped_early(found.classifier):
                self.not_converged.append(f"{current[0]} {arm}")
            said[arm] = np.asarray(found.classifier.predict_proba(X_test)[:, 1])
            _require_same(said.setdefault("label", np.asarray(y_test)), y_test, current[0])
            return found

        def on_set(*args: Any, **kwargs: Any) -> Any:
            current[0] = kwargs["dataset"]
            result = one_set(*args, **kwargs)
            done(1)
            return result

        def on_baseline(hook_name: str, dataset: str, method: str, **kwargs: Any) -> Any:
            current[0] = dataset
            result = one_baseline(hook_name, dataset, method, **kwargs)
            done(1)
            return result

        with (
            patch.object(on_latents, "find_best_reg", fitted),
            patch.object(on_latents, "run_sae_eval", on_set),
            patch.object(baselines, "run_baseline_dataset_layer", on_baseline),
            patch.dict(baselines.METHODS, {"logreg": fitted}),
        ):
            yield

    def columns(self, details: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[np.float64]]:
        """SAEBench's numbers per data set, each AUC and accuracy confirmed by the recorded probabilities."""
        lines = {line["dataset_name"]: line for line in details}
        columns: dict[str, list[float]] = {}
        for name, said in self._said.items():
            said["row"] = self._rows(name, said["label"])
            by_k = lines[name]["sae_metrics_by_k"]
            for short, theirs in METRICS.items():
                for k in self.ks:
                    columns.setdefault(f"sae_{short}_k{k}", []).append(float(by_k[str(k)][theirs]))
                columns.setdefault(f"llm_{short}", []).append(float(lines[name][f"llm_{theirs}"]))
            columns.setdefault("examples", []).append(len(said["label"]))
            for arm in (*(f"sae_k{k}" for k in self.ks), "llm"):
                auc, accuracy = (columns[_column(arm, metric)][-1] for metric in ("auc", "accuracy"))
                _require_scores(name, arm, said, auc, accuracy)
        return {name: np.array(values) for name, values in columns.items()}

    def _rows(self, name: str, label: NDArray[Any]) -> NDArray[np.int64]:
        """Which lines of the data set were tested: sae-probes's own seeded draw once more."""
        data = load("sae_probes.utils_data")
        whole = data.get_yvals(name)
        y, n_train = whole[:5000], min(len(whole) - 100, 1024)
        _, test = data.get_train_test_indices(y, n_train, len(y) - n_train - 1, 0.5, self.seed)
        _require_same(y[test], label, name)
        return np.asarray(data.read_numbered_dataset_df(name).index[test], dtype=np.int64)


def _collect(ready: Prepared, one: ProbeSet, length: int, batch_size: int) -> None:
    """sae-probes's activations of the last token, which it would collect by itself from a model that it loads."""
    load("sae_probes.generate_model_activations").ensure_dataset_activations(
        model_name=ready.name,
        dataset_short_names=[one.name],
        hook_names=[ready.coder.site_in],
        model_cache_path="activations",
        device=ready.device,
        max_seq_len=length,
        batch_size=batch_size,
        model=ready.model,
    )


def _bars() -> list[ModuleType]:
    return [load(f"sae_probes.{name}") for name in ("run_sae_evals", "run_baselines", "generate_model_activations")]


def _column(arm: str, metric: str) -> str:
    return f"llm_{metric}" if arm == "llm" else arm.replace("sae_", f"sae_{metric}_")


def _require_same(a: Any, b: Any, name: str) -> None:
    if not np.array_equal(np.asarray(a), np.asarray(b)):
        raise Refusal(
            f"test examples of {name} that differ between probes",
            "the same ones for every probe",
            "sae-probes draws its splits otherwise now.",
        )


def _require_scores(name: str, arm: str, said: Mapping[str, NDArray[Any]], auc: float, accuracy: float) -> None:
    from sklearn.metrics import roc_auc_score

    p, label = said[arm], said["label"]
    found = float(roc_auc_score(label, p)), float(np.mean((p > 0.5) == label))
    if not (abs(found[0] - auc) < 1e-9 and abs(found[1] - accuracy) < 1e-9):
        raise Refusal(
            f"recorded predictions of {arm} on {name} with AUC and accuracy {found}",
            f"{auc, accuracy}, which SAEBench reports",
            "Predictions were recorded of another probe, or on other examples.",
        )
