"""read_results: a result file that SAEBench wrote, by anybody and anywhere, as tables of units. Needs numpy only."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ..refusal import Refusal
from ..unit_table import UnitTable

ADVISORY = (
    "SCR and TPP fail at their canonical settings (arXiv 2605.18229): TPP falls as training goes on, SCR is "
    "anti-correlated with quality at large N"
)
# Both probes are early-stopped on the accuracy that they report (probe_training.train_probe_gpu).
SELECTED_ON_TEST = ("llm_test_accuracy", "sae_test_accuracy")
CORE_DEPARTURES = {
    "explained_variance": "where the variance subtracts the squared mean, SAEBench 0.6.0 subtracts the square of the mean "
    "squared activation (SAELens#659, repaired there in #665): it can exceed 1",
    "explained_variance_legacy": "a mean of ratios per token (SAELens#443); the numbers of SAEBench's paper (SAEBench#76)",
    "mse": "SAEBench 0.6.0 divides each token's squared error by the number of tokens in its batch",
}
"""Core metrics that are something else than their names say."""
MISSING = -1.0  # what SAEBench writes for NaN, and for probes that it left out


@dataclass(frozen=True)
class Kind:
    """One of SAEBench's evaluations, as far as its files are read.

    Attributes:
        unit: what its ``eval_result_details`` has a line of, and ``key``, the field that names it.
        advisory: why nobody should decide on it; empty if there is no such reason.
    """

    unit: str
    key: str
    advisory: str = ""


KINDS: Mapping[str, Kind] = {
    "sparse_probing": Kind("data set", "dataset_name"),
    "sparse_probing_sae_probes": Kind("data set", "dataset_name"),
    "core": Kind("latent", "index"),
    "absorption_first_letter": Kind("letter", "first_letter"),
    "scr": Kind("data set", "dataset_name", ADVISORY),
    "tpp": Kind("data set", "dataset_name", ADVISORY),
}


@dataclass(frozen=True)
class SaebenchResult:
    """A result file.

    Attributes:
        evaluation: SAEBench's ``eval_type_id``, a key of ``KINDS``.
        units: the finest table of independent lines; facts as below. No rows where the file has no details.
        classes: per class (``data set/class``) where the file has them: correlated within a data set.
        metrics: SAEBench's own aggregates, as one flat table of names.
        facts: ``evaluation``, ``metrics``, ``model``, ``coder``, ``config``, ``versions`` and, where there is one,
            ``advisory``, ``departures`` and ``selected_on_test``.
        source: the file by its content.
    """

    evaluation: str
    units: UnitTable
    classes: UnitTable | None
    metrics: Mapping[str, float]
    facts: Mapping[str, Any]
    source: str


def read_results(path: str | Path) -> SaebenchResult:
    """The result in a ``*_eval_results.json`` of SAEBench.

    Values that SAEBench could not compute (it writes -1) are missing here.

    Raises:
        Refusal: no such file, no JSON, not one of the evaluations in ``KINDS``, or a file that lacks what they have.
    """
    file = Path(path).expanduser()
    try:
        raw = file.read_bytes()
        data = json.loads(raw)
    except OSError as error:
        raise Refusal(
            f"no file {file.name} ({error.strerror})", "a result file of SAEBench", "Check the path."
        ) from None
    except ValueError as error:
        raise Refusal(f"{file.name}, which is no JSON ({error})", "a result file of SAEBench", _AGAIN) from None
    evaluation = str(data.get("eval_type_id")) if isinstance(data, dict) else "none"
    if evaluation not in KINDS:
        raise Refusal(f"{file.name} of evaluation {evaluation!r}", f"one of {', '.join(KINDS)}", "Name such a file.")
    absent = [key for key in ("eval_config", "eval_result_metrics", "eval_result_details") if data.get(key) is None]
    if absent:
        raise Refusal(f"{file.name} without {', '.join(absent)}", "a complete result", _AGAIN)
    try:
        return _read(data, KINDS[evaluation], f"{file.name}@sha256:{sha256(raw).hexdigest()[:16]}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, Refusal):
            raise
        what = f"{file.name}, in which {type(error).__name__} {error} came up"
        raise Refusal(what, f"the fields that SAEBench writes for {evaluation}", _AGAIN) from error


def _read(data: Mapping[str, Any], kind: Kind, source: str) -> SaebenchResult:
    evaluation = data["eval_type_id"]
    metrics = {
        name: number
        for category in data["eval_result_metrics"].values()
        for name, number in _numbers(category, evaluation).items()
    }
    facts: dict[str, Any] = {
        "evaluation": evaluation,
        "metrics": {name: None if math.isnan(v) else v for name, v in metrics.items()},
        "model": data["eval_config"].get("model_name"),
        "coder": {key: data.get(f"sae_lens_{key}") for key in ("release_id", "id")},
        "config": data["eval_config"],
        "versions": {"sae_bench": data.get("sae_bench_commit_hash"), "sae_lens": data.get("sae_lens_version")},
    }
    if kind.advisory:
        facts["advisory"] = kind.advisory
    if evaluation == "core":
        facts["departures"] = dict(CORE_DEPARTURES)
    if evaluation == "sparse_probing":
        facts["selected_on_test"] = list(SELECTED_ON_TEST)
    lines = {}
    for line in data["eval_result_details"]:
        name = str(line[kind.key])
        if name in lines:
            raise Refusal(f"{kind.unit} {name!r} twice", f"one line per {kind.unit}", _AGAIN)
        lines[name] = _line(line, evaluation, kind.key)
    classes = _classes(data.get("eval_result_unstructured"), evaluation)
    return SaebenchResult(
        evaluation,
        _table(kind.unit, lines, facts),
        _table("class", classes, facts) if classes else None,
        metrics,
        facts,
        source,
    )


def _line(line: Mapping[str, Any], evaluation: str, key: str) -> dict[str, float]:
    """The numbers of one line; those by k under the names that SAEBench has for some ks only."""
    by_k = line.get("sae_metrics_by_k") or {}
    extra = {f"sae_top_{k}_{name}": value for k, found in by_k.items() for name, value in found.items()}
    return _numbers({**{k: v for k, v in line.items() if k not in (key, "sae_metrics_by_k")}, **extra}, evaluation)


def _classes(unstructured: Any, evaluation: str) -> dict[str, dict[str, float]]:
    """``{data set: {metric: {class: value}}}`` (sparse probing) or ``{data set: {class: {metric: value}}}`` (TPP)."""
    found: dict[str, dict[str, float]] = {}
    if evaluation not in ("sparse_probing", "tpp") or not isinstance(unstructured, dict):
        return found
    for data_set, inner in unstructured.items():
        for outer_name, values in inner.items():
            for inner_name, value in values.items():
                metric, label = (outer_name, inner_name) if evaluation == "sparse_probing" else (inner_name, outer_name)
                if label == "-1":  # a probe that was left out
                    continue
                name = f"{data_set.removesuffix('_results')}/{label}"
                found.setdefault(name, {}).update(_numbers({metric: value}, evaluation))
    return found


def _numbers(values: Mapping[str, Any], evaluation: str) -> dict[str, float]:
    numbers = {}
    for name, value in values.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Refusal(f"{name} = {value!r}", "a number", _AGAIN)
        may_be_negative = evaluation in ("scr", "tpp") or name in ("encoder_bias", "encoder_decoder_cosine_sim")
        if value is None or (value == MISSING and not may_be_negative):
            numbers[name] = math.nan
        else:
            numbers[name] = float(value)
    return numbers


def _table(unit: str, lines: Mapping[str, Mapping[str, float]], facts: Mapping[str, Any]) -> UnitTable:
    """Columns that no line has a value for are left out."""
    names = _ordered(name for line in lines.values() for name, value in line.items() if not math.isnan(value))
    columns = {name: np.array([line.get(name, math.nan) for line in lines.values()]) for name in names}
    return UnitTable(unit, tuple(lines), columns, facts)


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


_AGAIN = "Take the file that SAEBench wrote, as it is."
