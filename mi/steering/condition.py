"""Condition: one arm at one coefficient on some prompts, generated, judged and measured for fluency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Bar
from ..subjects.subject import Subject
from .directions import Directions
from .generate import Dose, Gumbel, generate
from .judge import Judge
from .perplexity import nats_per_token
from .replay import replay

BASELINE = "baseline"


@dataclass(frozen=True)
class Outcome:
    """What came of a condition, ``[n]`` per prompt.

    Attributes:
        arm, coefficient: the condition; ``baseline`` and 0 for the unsteered model.
        ids: of the prompts.
        texts: the continuations.
        success: 0 or 1 by judge.
        nats: per token, under the unsteered model.
    """

    arm: str
    coefficient: float
    ids: Sequence[str]
    texts: Sequence[str]
    success: Mapping[str, NDArray[np.int64]]
    nats: NDArray[np.float64]

    def row(self, split: str, judge: str, baseline: Outcome, cap: float) -> dict[str, Any]:
        """One line of the sweep; ``fluent``: perplexity at most ``cap`` times the baseline's on the same prompts."""
        return {
            **{"split": split, "arm": self.arm, "coefficient": self.coefficient, "n": len(self.ids)},
            "success": float(self.success[judge].mean()),
            **{f"success_{name}": float(values.mean()) for name, values in self.success.items() if name != judge},
            "nats": float(self.nats.mean()),
            "perplexity": exp(min(float(self.nats.mean()), 700.0)),
            "fluent": bool(self.nats.mean() <= baseline.nats.mean() + log(cap)),
        }


@dataclass(frozen=True)
class Bench:
    """What all conditions share.

    Attributes:
        subject: the model.
        directions: what it is steered along.
        judges: by name.
        noise: the same in every arm.
        max_new_tokens: of a continuation.
        batch_size: prompts at once.
    """

    subject: Subject
    directions: Directions
    judges: Mapping[str, Judge]
    noise: Gumbel
    max_new_tokens: int
    batch_size: int

    def run(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        bar: Bar,
        arm: str = BASELINE,
        coefficient: float = 0.0,
        first: int = 0,
    ) -> Outcome:
        """Continue each prompt once. ``first``: the row of the first prompt in arms that are drawn per prompt.

        Raises:
            Refusal: continuations that a :func:`.replay.replay` of some of them contradicts.
        """
        dose = None
        if arm != BASELINE:
            vectors = coefficient * self.directions.norm * self.directions.rows(arm, first, len(ids))
            dose = Dose(self.directions.site, vectors)
        made = generate(
            self.subject,
            texts,
            ids,
            noise=self.noise,
            max_new_tokens=self.max_new_tokens,
            dose=dose,
            batch_size=self.batch_size,
            bar=bar,
        )
        written = [g.text for g in made]
        success = {name: judge(written) for name, judge in self.judges.items()}
        nats = nats_per_token(self.subject, made, self.batch_size)
        outcome = Outcome(arm, coefficient, ids, written, success, nats)
        replay(self, outcome, made, first)
        return outcome
