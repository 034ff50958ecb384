"""Organism scene: the shipped model, where hooks, edits and losses have consequences that can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mi.claimable import faithfulness, ratio_of_sums
from mi.coders.load import save_coder
from mi.metrics.loss_recovered import loss_recovered
from mi.progress import SILENT
from mi.subjects.gates import GATES, Exam, examine
from mi.subjects.load import load_hf, load_subject
from mi.subjects.spec import subject_spec
from mi.unit_table import UnitTable

from ..court import judged, ratio
from ..guards import SECOND_LOOK, lifted, unmeasurable
from ..number import Number
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import tiny_coder
from .subject import kinds_of, write_texts

MLP_IN, MLP_OUT = "blocks.3.mlp.hook_in", "blocks.3.hook_mlp_out"
LENGTH = 48
DOCUMENTS = 192


@dataclass
class OrganismScene(Scene):
    """The organism, texts, and two coders for its last MLP."""

    spec: dict[str, Any]
    texts: Path
    held: list[dict[str, Any]]
    coders: Path
    batch_size: int = 16
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def measure(self) -> Measured:
        numbers: dict[str, Number] = {}
        verdicts: dict[str, str] = {}
        for name in ("sae", "skip"):
            out = fresh("loss")
            self.facts[name] = loss_recovered(
                out,
                progress=SILENT,
                texts=self.texts,
                subject=self.spec,
                coders=self.coders,
                coder=name,
                max_length=LENGTH,
                batch_size=self.batch_size,
            )
            table = UnitTable.read(out)
            numbers[f"{name}: loss added"] = ratio(table, "lost", "n_tokens", -1e9)
            numbers[f"{name}: clean loss"] = ratio(table, "ce_clean", "n_tokens")
            numbers[f"{name}: mean-ablated loss"] = ratio(table, "ce_mean", "n_tokens")
            verdicts[f"{name}: recovered > .5"] = judged(lambda t=table: _recovered(t), "above", 0.5)
            verdicts[f"{name}: loss added < .5"] = judged(
                lambda t=table: ratio_of_sums(t.column("lost"), t.column("n_tokens"), t.units, unit="document"),
                "below",
                0.5,
            )
        return Measured(numbers, verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.subjects.gates", (), lambda scene: scene.gates()),
            Check("mi.metrics.measurable", (), lambda scene: unmeasurable(scene.facts.values())),
        )

    def gates(self) -> list[Fired]:
        texts = tuple(d["text"] for d in self.held[:12])
        exam = Exam(load_subject(self.spec), load_hf(self.spec), (MLP_IN, MLP_OUT), texts)
        failed = [report for report in examine(exam, GATES) if not report.ok]
        return [Fired(f"gate {r.name}", kinds_of(r.name), f"{r.compared}: {r.worst:.3g} at {r.where}") for r in failed]

    def unguarded(self) -> AbstractContextManager[Any]:
        return lifted(
            *SECOND_LOOK, "mi.metrics.loss_recovered:_require_in_place", "mi.subjects.tokens:Vocabulary.check"
        )


def _recovered(table: UnitTable) -> Any:
    return faithfulness(table.column("recovered_mean"), table.column("headroom_mean"), table.units, chance=0)


def trained(seed: int) -> OrganismScene:
    """The organism's first training seed, on texts of this data seed."""
    spec = subject_spec("organism")
    texts, held = write_texts(seed, DOCUMENTS)
    _, more = write_texts(1000 + seed, 360, "train")
    subject = load_subject(spec)
    batch = subject.tokens([d["text"] for d in more], LENGTH)
    acts = subject.activations(batch, [MLP_IN, MLP_OUT])
    x, y = acts[MLP_IN][batch.scored], acts[MLP_OUT][batch.scored]
    coders = fresh("coders")
    save_coder(tiny_coder(y, y, "sae", "sparsify", "topk", (MLP_OUT, MLP_OUT), seed), coders / "sae")
    save_coder(tiny_coder(x, y, "skip-transcoder", "sparsify", "topk", (MLP_IN, MLP_OUT), seed), coders / "skip")
    return OrganismScene(seed, spec, texts, held, coders)
