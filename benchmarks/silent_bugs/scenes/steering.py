"""Steering scene: a direction is added at one token of each text, and what that does to the tokens behind it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mi.claimable import Contrast, Sample, mean
from mi.metrics.next_token_loss import next_token_losses
from mi.subjects.gates import GATES, Exam, examine
from mi.subjects.load import load_hf, load_subject
from mi.subjects.sites import Hooks
from mi.subjects.spec import subject_spec

from ..court import number, verdict
from ..guards import lifted
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from .subject import kinds_of, write_texts

SITE = "blocks.2.hook_mlp_out"
LENGTH, TEXTS, DOSE, AT = 48, 64, 1.0, 4
BAR = 0.05


class Lenient(Hooks):
    """Hooks that nobody counts."""

    class Once(dict[str, int]):
        def items(self) -> Any:
            return [(site, 1) for site in self]

    @property
    def fired(self) -> dict[str, int]:
        return self._fired

    @fired.setter
    def fired(self, counts: dict[str, int]) -> None:
        self._fired = Lenient.Once(counts)


@dataclass
class SteeringScene(Scene):
    """The organism, texts, and what is added: a random direction, as long as what is there."""

    spec: dict[str, Any]
    texts: list[str]
    direction: Tensor

    def measure(self) -> Measured:
        subject = load_subject(self.spec)
        added, elsewhere = [], []
        for k in range(0, len(self.texts), 16):
            batch = subject.tokens(self.texts[k : k + 16], LENGTH)

            def steer(value: Tensor) -> Tensor:
                value[:, AT] += self.direction.to(value)
                return value

            clean, steered = subject.logits(batch), subject.run_edited(batch, {SITE: steer})
            kl = _divergence(clean, steered)
            behind = batch.scored & (torch.arange(batch.ids.shape[1]) >= AT)
            losses = [next_token_losses(logits, batch.ids, behind) for logits in (clean, steered)]
            rows = losses[0].row
            gap = losses[1].values - losses[0].values
            added += [gap[rows == i].mean() for i in np.unique(rows)]
            elsewhere += (kl * behind).sum(1).div(behind.sum(1)).tolist()
        contrasts = {"nats added": _mean(added), "divergence": _mean(elsewhere)}
        numbers = {name: number(c, -np.inf, np.inf) for name, c in contrasts.items()}
        return Measured(numbers, {f"divergence < {BAR}": verdict(contrasts["divergence"], "below", BAR)})

    @property
    def checks(self) -> Sequence[Check]:
        return (Check("mi.subjects.gates", (), lambda scene: scene.gates()),)

    def gates(self) -> list[Fired]:
        exam = Exam(load_subject(self.spec), load_hf(self.spec), (SITE,), tuple(self.texts[:12]))
        failed = [report for report in examine(exam, GATES) if not report.ok]
        return [Fired(f"gate {r.name}", kinds_of(r.name), f"{r.compared}: {r.worst:.3g} at {r.where}") for r in failed]

    def unguarded(self) -> AbstractContextManager[Any]:
        import mi.subjects.subject as subject

        return together(replaced(subject, "Hooks", Lenient), lifted("mi.subjects.tokens:Vocabulary.check"))


def _mean(values: Sequence[float]) -> Contrast:
    return mean(Sample(np.array(values), unit="document"))


def _divergence(a: Tensor, b: Tensor) -> Tensor:
    p, q = a.double().log_softmax(-1), b.double().log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def organism(seed: int) -> SteeringScene:
    """The organism's first training seed, and a random direction of this data seed."""
    _, held = write_texts(seed, TEXTS * 2)
    texts = [d["text"] for d in held if len(d["text"].split()) > AT + 4][:TEXTS]
    subject = load_subject(spec := subject_spec("organism"))
    batch = subject.tokens(texts[:16], LENGTH)
    usual = subject.activations(batch, [SITE])[SITE][batch.scored].norm(dim=-1).mean()
    direction = torch.randn(subject.d_model, generator=torch.Generator().manual_seed(seed))
    return SteeringScene(seed, spec, texts, DOSE * usual * direction / direction.norm())
