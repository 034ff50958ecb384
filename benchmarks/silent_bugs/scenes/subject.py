"""Subject scene: a model in a folder, loaded, harvested and measured with a coder that fits it.

The models are random, their coders trained on a clean harvest; what a user would claim of them is that the coder
explains the site, and that the last token tells two kinds of text apart.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mi.claimable import Sample, ratio_of_sums, unpaired
from mi.coders.load import save_coder
from mi.organism.world.generate import documents
from mi.progress import SILENT
from mi.subjects.gates import GATES, Exam, examine
from mi.subjects.load import load_hf, load_subject
from mi.subjects.spec import subject_spec
from mi.subjects.tiny import make_tiny
from mi.unit_table import UnitTable

from ..court import number, verdict
from ..guards import SECOND_LOOK, SPOT_CHECK, lifted
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import tiny_coder

LAYER = 2
MLP_IN, MLP_OUT, POST = (f"blocks.{LAYER}.{k}" for k in ("mlp.hook_in", "hook_mlp_out", "hook_resid_post"))
SITES = (MLP_IN, MLP_OUT, POST)
KINDS_OF_TEXT = ("prose", "code", "agreement", "topics", "arithmetic", "chat")
LENGTH = 48
BAR_FVU = 0.4
GATE_KINDS = {
    "weights": ("K20",),
    "seed": ("K18",),
    "bos": ("K07",),
    "census": ("K09",),
    "causality": ("K08",),
    "padding": ("K05",),
    "last-token": ("K05",),
    "company": ("K06",),
    "identity": ("K09",),
    "dose": ("K09",),
    "spill": ("K09",),
    "effect": ("K09", "K08"),
    "connected": ("K09",),
    "parts": ("K10", "K08"),
    "aliasing": ("K27",),
}


def kinds_of(gate: str) -> tuple[str, ...]:
    """K-numbers of a gate of :mod:`mi.subjects.gates`; all the others are kinds of parity."""
    return next((kinds for stem, kinds in GATE_KINDS.items() if gate.startswith(stem)), ("K08",))


@dataclass
class SubjectScene(Scene):
    """A subject, texts, and a coder bundle fitted to a clean harvest of it."""

    architecture: str
    folder: Path
    spec: dict[str, Any]
    texts: Path
    texts_of: list[dict[str, Any]]
    coders: Path
    direction: torch.Tensor
    padding_side: str = "right"
    other: Path = field(default_factory=Path)
    """Another model of the same shape, which only a mix-up would load."""
    options: dict[str, Any] = field(default_factory=dict)
    """Keywords for the harvest."""

    def harvest(self) -> Path:
        from mi.activations.harvest import harvest

        out = fresh("activations")
        harvest(
            out,
            progress=SILENT,
            texts=self.texts,
            subject=self.spec,
            sites=list(SITES),
            max_length=LENGTH,
            **self.options,
        )
        return out

    def measure(self) -> Measured:
        from mi.metrics.reconstruction import reconstruction

        out = fresh("reconstruction")
        facts = reconstruction(out, progress=SILENT, activations=self.harvest(), coders=self.coders, coder="sae")
        table = UnitTable.read(out)
        fvu = ratio_of_sums(table.column("sse"), table.column("sst"), table.units, unit="document")
        ends = self.last_tokens()
        apart = unpaired(*(Sample(ends[kind], unit="document") for kind in ("code", "prose")))
        numbers = {
            "FVU": number(fvu, 0.0, float("inf")),
            "L0": Number(facts["l0_mean"], 0.0, float(facts["n_latents"])),
            "last token, code - prose": number(apart, -np.inf, np.inf),
            "tokens": Number(float(facts["n_tokens"]), 1.0),
        }
        return Measured(
            numbers,
            {f"FVU < {BAR_FVU}": verdict(fvu, "below", BAR_FVU), "code - prose > 0": verdict(apart, "above", 0.0)},
        )

    def last_tokens(self) -> dict[str, np.ndarray[Any, Any]]:
        """Per kind of text, each document's last token along the scene's direction."""
        subject = load_subject(self.spec)
        scores: dict[str, np.ndarray[Any, Any]] = {}
        for kind in ("code", "prose"):
            texts = [d["text"] for d in self.texts_of if d["kind"] == kind]
            found = []
            for k in range(0, len(texts), 16):
                batch = subject.tokens(texts[k : k + 16], LENGTH, self.padding_side)
                values = subject.run(batch, [POST])[1][POST]
                # Under left padding the last column is the last token, and everybody reads it there.
                at = batch.last() if self.padding_side == "right" else torch.full((len(batch),), values.shape[1] - 1)
                found.append(values[torch.arange(len(batch)), at] @ self.direction.to(values))
            scores[kind] = torch.cat(found).double().numpy()
        return scores

    def unguarded(self) -> AbstractContextManager[Any]:
        import mi.metrics.rows as rows

        return together(
            lifted(*SECOND_LOOK, *SPOT_CHECK, "mi.subjects.tokens:Vocabulary.check"),
            replaced(rows, "FEW", 1 << 30),
            replaced(__import__("mi.subjects.spec", fromlist=["spec"]), "digest", lambda folder: self.spec["digest"]),
        )

    @property
    def checks(self) -> Sequence[Check]:
        return (Check("mi.subjects.gates", (), lambda scene: scene.gates()),)

    def gates(self) -> list[Fired]:
        """What every gate of the subject says, one by one."""
        texts = tuple(d["text"] for d in self.texts_of[:16])
        exam = Exam(load_subject(self.spec), load_hf(self.spec), SITES, texts)
        failed = [report for report in examine(exam, GATES) if not report.ok]
        return [Fired(f"gate {r.name}", kinds_of(r.name), f"{r.compared}: {r.worst:.3g} at {r.where}") for r in failed]


def write_texts(seed: int, n: int = 240, split: str = "held-out") -> tuple[Path, list[dict[str, Any]]]:
    """A text artifact of unequal documents, each kind in turn."""
    each = {kind: list(documents(split, seed, n // len(KINDS_OF_TEXT), [kind])) for kind in KINDS_OF_TEXT}
    drawn = [d for row in zip(*each.values(), strict=True) for d in row]
    held = [{"id": d.id, "text": d.text, "domain": d.domain, "kind": d.kind} for d in drawn]
    out = fresh("texts")
    (out / "documents.jsonl").write_text("".join(json.dumps(d) + "\n" for d in held), "utf-8")
    return out, held


def _make_loud(folder: Path) -> None:
    """Give one head of layer 1 large biases on queries and keys, of opposite sign, where nothing is rotated."""
    from transformers import AutoModelForCausalLM

    hf = AutoModelForCausalLM.from_pretrained(folder)
    size = hf.config.hidden_size // hf.config.num_attention_heads
    rotated = size // 4
    with torch.no_grad():
        bias = hf.gpt_neox.layers[1].attention.query_key_value.bias
        bias[rotated:size] = 7.5
        bias[size + rotated : 2 * size] = -7.5
    hf.save_pretrained(folder)


def _scene(architecture: str, seed: int, loud: bool = False, side: str = "right", **config: Any) -> SubjectScene:
    texts, held = write_texts(seed)
    corpus = [d["text"] for d in held]
    folders = [
        make_tiny(fresh(architecture), architecture, seed=s, corpus=corpus, vocabulary=400, **config)
        for s in (seed, seed + 100)
    ]
    if loud:
        _make_loud(folders[0])
    spec = subject_spec(folders[0])
    subject = load_subject(spec)
    batch = subject.tokens(corpus, LENGTH)
    acts = subject.activations(batch, list(SITES))
    x, y = acts[MLP_IN][batch.scored], acts[MLP_OUT][batch.scored]
    coders = fresh("coders")
    save_coder(tiny_coder(y, y, "sae", "sparsify", "topk", (MLP_OUT, MLP_OUT), seed), coders / "sae")
    save_coder(tiny_coder(x, y, "skip-transcoder", "sparsify", "topk", (MLP_IN, MLP_OUT), seed), coders / "skip")
    ends = acts[POST][torch.arange(len(batch)), batch.last()]
    kinds = np.array([held[row.text]["kind"] for row in batch.rows])
    direction = ends[kinds == "code"].mean(0) - ends[kinds == "prose"].mean(0)
    return SubjectScene(
        seed, architecture, folders[0], spec, texts, held, coders, direction / direction.norm(), side, folders[1]
    )


def neox(seed: int) -> SubjectScene:
    """GPT-NeoX: rotary, LayerNorm, biases."""
    return _scene("neox", seed)


def neox_loud(seed: int) -> SubjectScene:
    """GPT-NeoX with a head whose attention scores lie near -110 (Pythia-70M has one near -1.1e5)."""
    return _scene("neox", seed, loud=True)


def llama(seed: int) -> SubjectScene:
    """Llama: RMSNorm with gain, grouped heads wider than the model."""
    return _scene("llama", seed)


def left(seed: int) -> SubjectScene:
    """Llama, whose user pads on the left and reads the last column."""
    return _scene("llama", seed, side="left")


def gemma2_left(seed: int) -> SubjectScene:
    """Gemma 2, read the same way."""
    return _scene("gemma2", seed, side="left")


def gpt2_left(seed: int) -> SubjectScene:
    """GPT-2, whose positions are embedded: counted wrongly, they are other positions."""
    return _scene("gpt2", seed, side="left")


def gemma2(seed: int) -> SubjectScene:
    """Gemma 2: BOS needed, soft caps, every second layer sees 8 tokens."""
    return _scene("gemma2", seed)
