"""scr, tpp: SAEBench's spurious correlation removal and targeted probe perturbation on texts of ours. Builders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch

from ..coders.linear_coder import LinearCoder
from ..metrics.measurable import measurable
from ..progress import Progress
from ..refusal import Refusal
from ..texts import Texts
from ..unit_table import write_units
from .engine import keep_result, load, plain_name, running
from .results import ADVISORY, read_results
from .subject_and_coder import prepare

NS = (2, 5, 10, 20, 50)
DATA = "texts"  # what SAEBench calls the data set


def scr(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    train: Path,
    test: Path,
    group: str,
    groups: list[str],
    attribute: str,
    attributes: list[str],
    **settings: Any,
) -> dict[str, Any]:
    """Ablate the latents of a spurious attribute, and see how much of the correlation it removes; advisory.

    Probes are trained on texts in which the first group always has the first attribute and the second the second.

    Args:
        out, progress, subject, coders, coder: of a builder.
        train, test: text artifacts with ``labels``.
        group, groups: a label, and the two of its values that are told apart.
        attribute, attributes: a label, and the two of its values that correlate with them.
        settings: ``ns`` (numbers of ablated latents), ``max_length``, ``batch_size``, ``seed``.

    Columns: as SAEBench names them (``scr_dir1_threshold_<n>``, ...); one unit, the pair of groups, so that no claim can rest
    on one run. Also written: ``saebench.json``.

    Raises:
        Refusal: labels or values that the texts do not have, too few texts of a combination, a text in both splits.
        CoderFault, FidelityFailed, SubjectError: see :func:`.subject_and_coder.prepare`.
    """
    _require_two(groups, attributes)
    where = (group, groups, attribute, attributes)
    return _run(out, progress, subject, coders, coder, train, test, where, perform_scr=True, **settings)


def tpp(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    train: Path,
    test: Path,
    group: str,
    groups: list[str],
    attribute: str,
    attributes: list[str],
    **settings: Any,
) -> dict[str, Any]:
    """Ablate one group's latents: does its own probe suffer more than the others' probes? Advisory.

    As :func:`scr`, with two groups or more, balanced by the attribute. Units are groups, columns as SAEBench names them
    (``tpp_threshold_<n>_total_metric``, ...).
    """
    if len(set(groups)) < 2 or len(set(groups)) != len(groups):
        raise Refusal(f"groups {groups}", "at least two different ones", "Name them.")
    where = (group, groups, attribute, attributes)
    return _run(out, progress, subject, coders, coder, train, test, where, perform_scr=False, **settings)


def _run(
    out: Path,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    train: Path,
    test: Path,
    where: tuple[str, list[str], str, list[str]],
    *,
    perform_scr: bool,
    ns: Sequence[int] = NS,
    max_length: int = 128,
    batch_size: int = 32,
    seed: int = 42,
) -> dict[str, Any]:
    out = out.resolve()
    group, groups, attribute, attributes = where
    rows = {split: _rows(path, *where) for split, path in (("train", train), ("test", test))}
    shared = {r["text"] for r in rows["train"]} & {r["text"] for r in rows["test"]}
    if shared:
        raise Refusal(
            f"{len(shared)} texts in both splits", "none", "Draw them from splits that the source keeps apart."
        )
    smallest = {split: _smallest(found, groups, attributes, perform_scr) for split, found in rows.items()}
    ready = prepare(subject, coders, coder, [r["text"] for r in rows["test"]], max_length)
    main = load("sae_bench.evals.scr_and_tpp.main")
    config = main.ScrAndTppEvalConfig(
        random_seed=seed,
        dataset_names=[DATA],
        perform_scr=perform_scr,
        train_set_size=4 * smallest["train"],
        test_set_size=4 * smallest["test"],
        context_length=max_length,
        llm_batch_size=batch_size,
        llm_dtype=str(subject["dtype"]),
        model_name=ready.name,
        n_values=[n for n in ns if n <= ready.coder.n_latents],
        column1_vals_lookup={DATA: [tuple(groups[:2])]},
    )
    kind = "scr" if perform_scr else "tpp"
    with ExitStack() as stack, progress(f"SAEBench {kind} {coder}", 1, "runs") as bar:
        collect = load("sae_bench.sae_bench_utils.activation_collection")
        folder = stack.enter_context(running(main, ready.model, seed, main.dataset_utils, collect))
        _as_data_set(stack, main, rows, where, smallest, seed)
        main.run_eval(
            config, [(f"{ready.name}_{plain_name(coder)}", ready.sae)], ready.device, "results", save_activations=False
        )
        keep_result(folder / "results" / kind, out)
        bar.update(1)
    result = read_results(out / "saebench.json")
    facts = {
        **ready.facts,
        "advisory": ADVISORY,
        "latents_firing_on_padding": _on_padding(ready.coder),
        **measurable([]),
        "saebench": result.facts["metrics"],
        "group": group,
        "groups": groups,
        "attribute": attribute,
        "attributes": attributes,
        "texts_per_combination": smallest,
    }
    table = result.classes or result.units
    write_units(out, "group" if result.classes else "pair", table.units, table.columns, facts)
    return facts


def _as_data_set(
    stack: ExitStack,
    main: ModuleType,
    rows: dict[str, list[dict[str, Any]]],
    where: tuple[str, list[str], str, list[str]],
    smallest: dict[str, int],
    seed: int,
) -> None:
    """While it lasts, SAEBench's own functions draw their balanced and biased sets from ``rows``."""
    _, groups, _, attributes = where
    creation, utils, info = main.dataset_creation, main.dataset_utils, main.dataset_info
    frame_of = utils.pd.DataFrame
    about = {
        "text_column_name": "text",
        "column1_name": "group",
        "column2_name": "attribute",
        "column1_mapping": {g: g for g in groups},
        "column2_mapping": {a: a for a in attributes},
    }

    def splits(name: str, spurious: bool, *args: Any) -> Any:
        frames = [(frame_of(rows[split]), smallest[split]) for split in ("train", "test")]
        if spurious:
            pairs = tuple(groups), tuple(attributes)
            return [creation.get_spurious_corr_data(frame, *pairs, name, n, seed) for frame, n in frames]
        return [utils.get_balanced_dataset(frame, name, n, seed) for frame, n in frames]

    stack.enter_context(patch.dict(info.dataset_metadata, {DATA: about}))
    stack.enter_context(patch.dict(info.chosen_classes_per_dataset, {DATA: groups}))
    stack.enter_context(patch.dict(main.COLUMN2_VALS_LOOKUP, {DATA: tuple(attributes)}))
    stack.enter_context(patch.object(creation, "get_train_test_data", splits))


def _rows(path: Path, group: str, groups: list[str], attribute: str, attributes: list[str]) -> list[dict[str, Any]]:
    rows = []
    for line in Texts(path):
        labels = line.get("labels")
        if not isinstance(labels, dict) or group not in labels or attribute not in labels:
            raise Refusal(
                f"document {line['id']!r} without labels {group!r} and {attribute!r}",
                "both",
                "Take texts that have them.",
            )
        if labels[group] in groups and labels[attribute] in attributes:
            rows.append({"text": line["text"], "group": labels[group], "attribute": labels[attribute]})
    return rows


def _smallest(rows: list[dict[str, Any]], groups: list[str], attributes: list[str], biased: bool) -> int:
    """Texts per combination that SAEBench can draw: of the correlated ones it wants more than twice as many."""
    count = {(g, a): sum(r["group"] == g and r["attribute"] == a for r in rows) for g in groups for a in attributes}
    if biased:
        for pair in zip(groups, attributes, strict=True):
            count[pair] = (count[pair] - 1) // 2
    least: int = min(count.values())
    if least < 10:
        raise Refusal(f"texts per combination {count}", "at least 10 of each", "Give more texts, or other groups.")
    return least


def _on_padding(coder: LinearCoder) -> int:
    """SAEBench 0.6.0 ablates on masked positions too, which are rows of zeros, and adds what changes to the text's mean.

    Latents that fire on such a row make scores depend on ``max_length``.
    """
    zeros = torch.zeros(1, coder.d_in, device=coder.W_enc.device)
    return int((coder.encode(zeros) > 0).sum())


def _require_two(groups: list[str], attributes: list[str]) -> None:
    if len(set(groups)) != 2 or len(set(attributes)) != 2:
        raise Refusal(f"groups {groups} and attributes {attributes}", "two of each", "Name them.")
