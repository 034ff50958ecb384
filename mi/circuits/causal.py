"""The causal reading: a circuit kept alone, or ablated alone, inside the running model. Builders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..activations.harvest import require_gates
from ..coders.linear_coder import LinearCoder
from ..coders.load import load_coder
from ..metrics.loss_recovered import CLEARLY
from ..metrics.measurable import measurable
from ..organism.evaluate import held_out_items
from ..organism.world import items
from ..probing.labelled import Labelled
from ..progress import Progress
from ..refusal import Refusal
from ..subjects.load import load_subject
from ..subjects.subject import Subject
from ..texts import text_hash
from ..unit_table import write_units
from .ablation import ERRORS, Ablation, Edits, require_in_place
from .answers import Answers
from .found import Found, write_found
from .random_sets import KINDS
from .reference import Reference, reference
from .resumed import require_parity, resumed
from .second_look import SecondLook, require_complete

Array = NDArray[np.float64]
GRADIENT = "integrated-gradients"
READINGS = ("only", "without")
STEPS = 10  # as in sparse feature circuits
TRAIN_SEED = 5  # of the questions whose gradients are taken


def find(
    out: Path,
    *,
    progress: Progress,
    examples: Path,
    gates: Path,
    subject: dict[str, Any],
    coders: Path,
    names: list[str],
    tasks: list[str],
    ks: list[int],
    n_items: int = 200,
    draws: int = 100,
    seed: int = 0,
    max_length: int = 128,
) -> dict[str, Any]:
    """Builder: the ``k`` latents of each coder that matter most to the logit difference, on training questions.

    Integrated gradients (Sundararajan et al. 2017) from the latents' means to what they are, summed over positions, as
    in sparse feature circuits (Marks et al. 2024, arXiv 2403.19647); one coder at a time, the others untouched.

    Args:
        examples: labelled training texts; latents' means and firing rates are taken over their scored positions.
        names: SAEs of the bundle ``coders``, in the order of a forward pass.
        tasks: of the world; ``n_items`` training questions in all.

    Writes what :class:`.found.Found` reads.
    """
    model, loaded, means, texts = _loaded(progress, examples, gates, subject, coders, names, max_length)
    per_task = -(-n_items // len(tasks))
    asked = [item for task in tasks for item in items(task, "train", TRAIN_SEED, per_task)]
    answers = Answers(model, asked)
    scores = {}
    with progress("integrated gradients", STEPS * len(loaded), "passes") as bar:
        for name, coder in loaded.items():
            effect = integrated_gradients(model, answers, coder, means.latents[name], bar.update)
            ends = (answers.differences(logits).sum() for logits in _ends(model, answers, name, coder, means))
            require_complete(name, effect, *ends)
            scores[name] = effect / len(asked)
    hashes = [*texts.hashes, *(text_hash(item.prompt) for item in asked)]
    return write_found(out, progress, GRADIENT, scores, means.rates, hashes, ks, draws, seed)


def integrated_gradients(
    subject: Subject, answers: Answers, coder: LinearCoder, mean: Tensor, step: Any = None, steps: int = STEPS
) -> Array:
    """``[n_latents]`` what each latent adds to the summed logit difference, on the line from its mean to what it is."""
    scored = answers.batch.scored.to(subject.device)
    x = subject.activations(answers.batch, [coder.site_in])[coder.site_in]
    z = coder.encode(x[scored].float()).detach()
    total = torch.zeros_like(mean, dtype=torch.float64)
    hook = subject.hf.get_submodule(subject.places[coder.site_in].module)
    with resumed(subject, answers.batch, coder.site_in, answers.last):
        for k in range(steps):
            at = (mean + (z - mean) * ((k + 0.5) / steps)).detach().requires_grad_(True)

            def write(module: Any, args: Any, output: Any, at: Tensor = at) -> Any:
                value = output[0] if isinstance(output, tuple) else output
                new = value.clone()
                new[scored] = (x[scored].float() + (at - z) @ coder.W_dec).to(new.dtype)
                return (new, *output[1:]) if isinstance(output, tuple) else new

            handle = hook.register_forward_hook(write)
            try:
                with torch.enable_grad():
                    logits = subject.hf(**subject.inputs(answers.batch)).logits
                    (gradient,) = torch.autograd.grad(answers.differentiable(logits), at)
            finally:
                handle.remove()
            total += ((z - mean) * gradient).double().sum(0) / steps
            if step is not None:
                step(1)
    effect: Array = total.cpu().numpy()
    return effect


def _ends(subject: Subject, answers: Answers, name: str, coder: LinearCoder, means: Reference) -> tuple[Tensor, Tensor]:
    """Logits as they are, and with all latents of one coder at their means."""
    edits = Ablation({name: coder}, means).only(None, answers.batch)
    return subject.logits(answers.batch), subject.run_edited(answers.batch, edits)


def causal(
    out: Path,
    *,
    progress: Progress,
    circuits: Path,
    examples: Path,
    gates: Path,
    subject: dict[str, Any],
    coders: Path,
    tasks: list[str],
    n_items: int,
    random_ks: list[int],
    kinds: list[str] | None = None,
    draws: int = 100,
    seed: int = 7,
    max_length: int = 128,
) -> dict[str, Any]:
    """Builder: logit differences of held-out questions with a circuit kept alone, and with it ablated alone.

    At every scored position, at the sites of the circuit's coders (:class:`.ablation.Ablation`): latents that are not kept
    take their means over the examples, and so does the error in the columns that end in ``_ablated``; in those that end in
    ``_kept`` it stays. Ablating the last position alone would leave the model what later blocks read elsewhere.

    Args:
        circuits: a :class:`.found.Found`; refused if it was chosen on any of these questions.
        examples: labelled training texts of what the tasks are about; means are taken over their scored positions.
        tasks: of the world, the circuit's own or (as a control of specificity) others; ``n_items`` questions in all.
        random_ks: sizes at which ``draws`` random sets of each of ``kinds`` (matched ones, if None) are put in the
            circuit's place, error kept.

    ``units.json``: items, in nats: ``clean``, ``all_<error>`` (everything ablated), ``none_ablated`` (all latents kept),
    ``only_k<K>_<error>``, ``without_k<K>_<error>``, ``headroom_<error>`` (clean - all) and ``kept_k<K>_<error>`` (only - all), the
    denominator and the numerator of faithfulness.
    ``random/<only|without>_<kind>_k<K>/units.json``: one column per random set.

    Raises:
        Refusal: end-points that are not met item by item (all kept is the clean run, all ablated is the mean of the
            site), an ablation out of place, a shortened pass that is not the whole one, or circuits that a second look
            at some items finds to be others.
    """
    found = Found(circuits)
    parts = _loaded(progress, examples, gates, subject, coders, list(found.widths), max_length)
    model, loaded, means, _ = parts
    asked = held_out_items(-(-n_items // len(tasks)), seed, tasks)
    found.require_apart([text_hash(item.prompt) for item in asked])
    answers, ablation = Answers(model, asked), Ablation(loaded, means)
    require_in_place(model, answers.batch, ablation)
    first = next(iter(loaded.values())).site_in
    gap = require_parity(model, answers.batch, first, answers.last, ablation.only(None, answers.batch))
    clean = answers.differences(model.logits(answers.batch))
    many = {(kind, k): found.random(kind, k)[:draws] for kind in kinds or KINDS[:1] for k in random_ks}
    total = 3 + 4 * len(found.ks) + 2 * sum(map(len, many.values()))
    with (
        progress(f"ablate {' '.join(tasks)}", total, "passes") as bar,
        resumed(model, answers.batch, first, answers.last),
    ):

        def run(edits: Edits) -> Array:
            bar.update(1)
            return answers.differences(model.run_edited(answers.batch, edits))

        identity = run(ablation.without(None, answers.batch))
        columns = {"clean": clean, **_circuits(found, ablation, answers, run)}
        for (kind, k), sets in many.items():
            for reading in READINGS:
                change = getattr(ablation, reading)
                outcomes = {str(i): run(change(s, answers.batch)) for i, s in enumerate(sets)}
                _write_part(out / "random" / f"{reading}_{kind}_k{k}", answers.ids, outcomes, {"kind": kind, "k": k})
    ends = _end_points(model, ablation, answers, clean, identity, columns["all_ablated"])
    again = SecondLook(model, asked, loaded, means)
    again.require_clean(columns["clean"])
    for k in found.ks:
        for error in ERRORS:
            for reading in READINGS:
                label = f"{reading}_k{k}_{error}"
                again.require(label, columns[label], found.circuit(k), reading == "only", error)
    columns |= _shares(found, columns)
    columns["task"] = np.array([float(tasks.index(item.task)) for item in asked])
    facts = {
        "attribution": found.attribution,
        "coders": list(found.widths),
        "sizes": {str(k): found.circuit(k).size for k in found.ks},
        "tasks": tasks,
        "mean": {name: float(values.mean()) for name, values in columns.items() if name != "task"},
        "positions": means.positions,
        "resumed_gap": gap,
        **ends,
        **measurable(_reasons(columns)),
    }
    write_units(out, "item", answers.ids, columns, facts)
    return {"mean": facts["mean"], **ends, "resumed_gap": gap}


def _loaded(
    progress: Progress,
    examples: Path,
    gates: Path,
    spec: dict[str, Any],
    bundle: Path,
    names: Sequence[str],
    max_length: int,
) -> tuple[Subject, dict[str, LinearCoder], Reference, Labelled]:
    texts = Labelled(examples)
    if texts.split != "train":
        raise Refusal(f"means over the split {texts.split}", "train", "Take them over training texts.")
    model = load_subject(spec)
    loaded = {name: load_coder(bundle / name, device=str(model.device)) for name in names}
    require_gates(gates, spec, [coder.site_in for coder in loaded.values()])
    return model, loaded, reference(model, loaded, texts.texts, progress, max_length), texts


def _circuits(found: Found, ablation: Ablation, answers: Answers, run: Any) -> dict[str, Array]:
    columns: dict[str, Array] = {"none_ablated": run(ablation.without(None, answers.batch, "ablated"))}
    for error in ERRORS:
        columns[f"all_{error}"] = run(ablation.only(None, answers.batch, error))
    for k in found.ks:
        for error in ERRORS:
            for reading in READINGS:
                edits = getattr(ablation, reading)(found.circuit(k), answers.batch, error)
                columns[f"{reading}_k{k}_{error}"] = run(edits)
    return columns


def _shares(found: Found, columns: Mapping[str, Array]) -> dict[str, Array]:
    """Numerators and denominators of faithfulness."""
    parts = {}
    for error in ERRORS:
        empty = columns[f"all_{error}"]
        parts[f"headroom_{error}"] = columns["clean"] - empty
        parts |= {f"kept_k{k}_{error}": columns[f"only_k{k}_{error}"] - empty for k in found.ks}
    return parts


def _end_points(
    model: Subject, ablation: Ablation, answers: Answers, clean: Array, identity: Array, emptied: Array
) -> dict[str, float]:
    scored = answers.batch.scored

    def mean_of(name: str) -> Any:
        def write(value: Tensor) -> Tensor:
            copy = value.clone()
            copy[scored.to(value.device)] = ablation.reference.site[name].to(copy.dtype)
            return copy

        return write

    # Written apart from Ablation: the mean of the site itself, in a whole pass.
    plain = {coder.site_in: mean_of(name) for name, coder in ablation.coders.items()}
    empty = float(np.abs(answers.differences(model.run_edited(answers.batch, plain)) - emptied).max())
    full = float(np.abs(identity - clean).max())
    _require_end_points(full, empty, float(np.abs(clean).max()))
    return {"full_off_by": full, "empty_off_by": empty}


def _require_end_points(full: float, empty: float, largest: float) -> None:
    if not max(full, empty) <= 1e-3 * max(1.0, largest):
        raise Refusal(
            f"a full circuit {full:.2g} nats from the clean run and an empty one {empty:.2g} from the site's mean",
            "the same logit difference for every item",
            "Look for a splice that is not the identity, or for an ablation that is not there.",
        )


def _reasons(columns: Mapping[str, Array]) -> list[str]:
    reasons = []
    for error in ERRORS:
        headroom = columns[f"headroom_{error}"]
        if not headroom.mean() > CLEARLY * headroom.std(ddof=1) / np.sqrt(len(headroom)):
            reasons.append(f"ablating everything (error {error}) does not clearly lower the logit difference")
    return reasons


def _write_part(folder: Path, ids: list[str], columns: dict[str, Array], facts: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    write_units(folder, "item", ids, columns, {**facts, **measurable([])})
