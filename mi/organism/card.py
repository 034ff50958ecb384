"""The model card, rendered from what was measured."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..progress import SILENT, Progress
from .checksums import WEIGHTS, write_checksums
from .world import KIND_OF, KINDS, TASKS
from .world.arithmetic import GRADES

CARD = Path(__file__).parent / "MODEL_CARD.md"
MEASURED = WEIGHTS / "measured.json"
BAR = 0.95  # of every task with ability "can"
SCHEME_NAMES = {
    "reinit": "re-initialised",
    "permute": "permuted",
    "reinit-keep-embeddings": "re-init., embeddings kept",
}


def shipped() -> list[str]:
    """Names of the shipped weights, in order."""
    return sorted(p.parent.name for p in WEIGHTS.glob("*/model.safetensors"))


def measure_all(progress: Progress = SILENT, copies: int = 3) -> None:
    """Measure every shipped model into ``weights/measured.json``."""
    from .measure import measure

    out = {
        name: measure(WEIGHTS / name, copies=0 if name.endswith("-early") else copies, progress=progress)
        for name in shipped()
    }
    MEASURED.write_text(json.dumps(out, indent=1) + "\n", "utf-8")


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share of ``n``."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(round(share * n), n, alpha=1 - level, method="wilson")
    return float(low), float(high)


def missed_bars(measured: dict[str, Any]) -> list[str]:
    """Tasks below the bar, as ``"seed1: prose .91"``; early checkpoints are not asked."""
    return [
        f"{name}: {task} {_share(value)}"
        for name, record in measured.items()
        if not name.endswith("-early")
        for task, value in record["trained"]["accuracy"].items()
        if TASKS[task].ability == "can" and value < BAR
    ]


def _share(value: float) -> str:
    """Three digits, never rounded up to 1."""
    down = math.floor(value * 1000 + 1e-9) / 1000
    return "1" if value == 1 else f"{down:.3f}".lstrip("0")


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    return "\n".join([_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)])


def _accuracy(measured: dict[str, Any]) -> str:
    names = list(measured)
    rows = []
    for task, about in TASKS.items():
        cells = []
        for name in names:
            trained = measured[name]["trained"]
            value, n = trained["accuracy"][task], trained["n"][task]
            low, high = wilson(value, n)
            cells.append(f"{_share(value)} ({low:.2f}-{high:.2f})")
        n = measured[names[0]]["trained"]["n"][task]
        chance = f"{about.chance:.2f}".lstrip("0") if about.chance else "0"
        rows.append([f"`{task}`", about.about, about.ability, about.criterion, chance, n, *cells])
    return _table(["task", "what is asked", "ability", "criterion", "chance", "n", *names], rows)


def _copies(measured: dict[str, Any]) -> str:
    seeds = [name for name in measured if measured[name]["copies"]]
    rows = []
    for task in TASKS:
        cells = []
        for scheme in SCHEME_NAMES:
            values = [copy[task] for name in seeds for copy in measured[name]["copies"][scheme]]
            cells.append(f"{_share(min(values))} to {_share(max(values))}")
        rows.append([f"`{task}`", *cells])
    count = sum(len(measured[name]["copies"]["reinit"]) for name in seeds)
    return _table(["task", *(f"{label} ({count} copies)" for label in SCHEME_NAMES.values())], rows)


def _loss(measured: dict[str, Any]) -> str:
    rows = []
    for name, record in measured.items():
        for split, bound in (("held-out", "world_whole"), ("train", "world")):
            facts = record["trained"][f"loss_{split}"]
            nats = facts["nats_per_token"]
            rows.append(
                [name, split, facts["documents"]]
                + [f"{nats[column]:.3f}" for column in ("unigram", "bigram", "trigram", "model", bound)]
            )
    return _table(
        ["weights", "documents from", "n", "unigram", "bigram", "trigram", "model", "the world's own entropy"], rows
    )


def _loss_by_kind(record: dict[str, Any]) -> str:
    facts = record["trained"]["loss_train"]["by_kind"]
    rows = [[f"`{kind}`", f"{v['model']:.3f}", f"{v['world']:.3f}"] for kind, v in facts.items()]
    return _table(["kind", "model", "the world's own entropy"], rows)


def _curve(record: dict[str, Any]) -> str:
    tasks = [
        "fact", "indirect_object_abba", "agreement_2", "negation", "refusal", "list_copy", "prose",
        *(f"arithmetic_{grade}" for grade in GRADES), "binding",
    ]  # fmt: skip
    rows = [
        [f"{p['tokens'] / 1e6:.1f}", f"{p['loss']:.3f}", *(f"{p['accuracy'][task]:.2f}" for task in tasks)]
        for p in record["training"]["curve"]
    ]
    return _table(["million tokens", "loss", *(task.replace("arithmetic_", "") for task in tasks)], rows)


def _training(measured: dict[str, Any]) -> str:
    rows = []
    for name, record in measured.items():
        t = record["training"]
        seconds = f"{t['curve'][-1]['seconds']:.0f}" if t["curve"] else "-"  # an early one is part of its seed's run
        rows.append([name, t["seed"], f"{t['tokens']:,}", seconds])
    return _table(["weights", "seed", "tokens", "seconds"], rows)


def render(measured: dict[str, Any]) -> str:
    """The whole card in Markdown."""
    first = measured[next(name for name in measured if not name.endswith("-early"))]
    recipe = first["training"]["recipe"]
    missed = missed_bars(measured)
    verdict = (
        f"Every model meets the bar of {BAR:.0%} on every task it is meant to be able to do."
        if not missed
        else f"**Below the bar of {BAR:.0%}:** " + "; ".join(missed) + "."
    )
    kinds = _table(
        ["kind", "domain", "share", "tasks"],
        [
            [f"`{k.name}`", k.domain, f"{k.share:.0%}", ", ".join(t for t, of in KIND_OF.items() if of == k.name)]
            for k in KINDS.values()
        ],
    )
    return f"""# The organism: model card

A language model of {first["parameters"] / 1e6:.2f} million parameters with Pythia's architecture (GPT-NeoX: 4 layers, width 128, 4 heads, rotary on a quarter of each
head, parallel residual, untied embeddings; bfloat16), trained by this repository on a generated world whose answers are known. It exists so that
instruments can be checked against an answer key. It is of no use for anything else.

<!-- Rendered by `python -m mi.organism card` from weights/measured.json. Do not edit. -->

Weights: {", ".join(f"`{name}`" for name in measured)}. Seeds differ in initialisation and in the order and choice of documents; world and tokenizer are the
same. `seed0-early` is seed 0 after a tenth of its training, without decay, before facts, indirect objects, agreement across distractors and arithmetic are there.

Rebuild one: `python -m mi.organism build --seed 0 -o DIR`. Measure one: `python -m mi.organism evaluate DIR`. Look at the world: `python -m mi.organism sample world`.

## Training data

{kinds}

All text is generated (`mi/organism/world`); nothing was collected. Every document starts with one space and is preceded by `<|endoftext|>` (id 0), which is BOS and EOS; padding is a
token of its own (id 1). Held-out items share no filling of a template with training: a quarter of town by relation by wording, one unordered pair of names in eight, a quarter of the unordered
sets of nouns, 4 of 16 unordered pairs of professions, a fifth of the unordered pairs of operands, and so on; each kind's file says what its `held_out` is.

A planted spurious correlation: biographies of a nurse are about women with probability .9, teacher .7, lawyer .5, banker .3, farmer .3, sailor .1, builder .5, hunter .7
(`lexicon.P_FEMALE`, and the label `p_female` of each document).

A planted inability: `binding` makes up 4 % of the documents and is still at chance.

## Training

{recipe["tokens"]:,} tokens in {recipe["steps"]:,} steps of {recipe["batch"]} windows of {recipe["length"]} tokens; Muon ({recipe["matrix_rate"]}) for the matrices of the layers, Adam ({recipe["rate"]}) for the
rest; {recipe["warm_up"]} steps of warm-up, constant, linear decay over the last {recipe["decay"]:.0%}; one thread, on a shared machine:

{_training(measured)}

Training curve of `seed0` (loss of training windows, which over-represent beginnings; 60 held-out items per task):

{_curve(first)}

## What it can do

Share of held-out items answered right, with Wilson's 95 % interval. *exact*: every token of the answer is the first choice of all tokens; *preference*: the right forms together are
likelier than the wrong ones. Abilities: *can* (the bar is {BAR:.0%}), *graded* (floor, middle and ceiling are wanted), *cannot* (planted).

{verdict}

{_accuracy(measured)}

The same questions, 100 of each, to randomised copies (range over copies of all seeds; *preference* tasks have chance .5):

{_copies(measured)}

## Loss

Nats per token on whole documents, end included. The world's own entropy is `-ln` of the probability of every choice the generator made; for held-out documents, of the choices of both splits, because
a model cannot know what is held out. N-grams (Witten-Bell) count 50,000 training documents.

{_loss(measured)}

By kind, `seed0`, new documents of the training split:

{_loss_by_kind(first)}

## Limits

- It knows about {first["vocabulary"]:,} tokens and {len(KINDS)} kinds of document. Any text can be encoded; on text that is not of its world it predicts its world. Texts should start with a space.
- Trained on windows of 64 tokens; the longest document has 27. Positions beyond 64 were never seen (the configuration allows 256).
- Documents were packed without a mask between them, so it has seen unrelated text in front of a document; everything measured here has one document behind one BOS.
- Accuracies are of first choices under teacher forcing, not of sampled text.
- Held-out is *within* the grid of known words: a new pair of known names, never a new name.
- At which layer an answer is committed differs between seeds.
- Refusals are a pattern of sixteen verbs. They say nothing about safety.
- Nobody chose among seeds: 0, 1, 2, ... are shipped as they came.
"""


def write_card() -> Path:
    """Write ``MODEL_CARD.md`` from ``weights/measured.json``, and the checksums."""
    CARD.write_text(render(json.loads(MEASURED.read_text("utf-8"))), "utf-8")
    write_checksums()
    return CARD
