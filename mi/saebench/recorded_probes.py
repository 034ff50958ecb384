"""RecordedProbes: what each probe of SAEBench's sparse probing answered, example by example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..refusal import Refusal

POSITIVE, NEGATIVE = "1", "0"


@dataclass
class RecordedProbes:
    """Outcomes of every probe on every test example, in the order in which the probes were trained.

    SAEBench returns accuracies only. Its probes are asked once more on the test activations that they were scored on,
    class by class; with two classes of equal size every example is scored once.

    Attributes:
        names: of the probes, in SAEBench's order.
        outcomes: per name ``[n_negative + n_positive]`` 1 where the probe for label 1 was right; negatives come first.
        accuracies: per name, per class, as SAEBench computed them.
        not_converged: names of probes for label 1 whose fit stopped at its limit of iterations.
    """

    names: Sequence[str]
    outcomes: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    accuracies: dict[str, dict[str, float]] = field(default_factory=dict)
    not_converged: list[str] = field(default_factory=list)

    @contextmanager
    def listening(self, training: ModuleType) -> Iterator[None]:
        """While it lasts, probes trained by ``training`` (SAEBench's ``probe_training``) are recorded."""
        train, choose = training.train_probe_on_activations, training.get_top_k_mean_diff_mask
        masks: list[Tensor] = []

        def chosen(*args: Any, **kwargs: Any) -> Tensor:
            masks.append(choose(*args, **kwargs))
            return masks[-1]

        def trained(train_rows: Any, test_rows: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> Any:
            masks.clear()
            probes, accuracies = train(train_rows, test_rows, *args, **kwargs)
            self._add(test_rows, probes, accuracies, dict(zip(probes, masks, strict=False)))
            return probes, accuracies

        with (
            patch.object(training, "get_top_k_mean_diff_mask", chosen),
            patch.object(training, "train_probe_on_activations", trained),
        ):
            yield

    def require(self, reported: Mapping[str, Mapping[str, float]], saebench_name: Mapping[str, str]) -> None:
        """Refuse recordings that are not what SAEBench reports.

        Args:
            reported: per metric and class, SAEBench's accuracies.
            saebench_name: per name here, its metric there.

        Raises:
            Refusal: another number of probes, or another accuracy of one.
        """
        if list(self.outcomes) != list(self.names):
            raise Refusal(
                f"probes {list(self.outcomes)}",
                f"{list(self.names)}, in this order",
                "SAEBench trains other probes now.",
            )
        for name in self.names:
            theirs, ours = dict(reported[saebench_name[name]]), self.accuracies[name]
            recorded = float(self.outcomes[name].mean())
            if theirs != ours or not abs(recorded - ours[POSITIVE]) < 1e-6:
                raise Refusal(
                    f"{recorded:.6f} of the recorded outcomes of {name} right, and accuracies {ours}",
                    f"{theirs}, which SAEBench reports",
                    "Outcomes were recorded on other examples, or of another probe.",
                )

    def _add(
        self,
        rows: Mapping[str, Tensor],
        probes: Mapping[str, Any],
        accuracies: Mapping[str, float],
        masks: Mapping[str, Tensor],
    ) -> None:
        name = self.names[len(self.outcomes)] if len(self.outcomes) < len(self.names) else f"{len(self.outcomes)}"
        x = torch.cat([rows[NEGATIVE], rows[POSITIVE]])
        label = np.repeat([0, 1], [len(rows[NEGATIVE]), len(rows[POSITIVE])])
        if POSITIVE in masks:
            x = x[:, ~masks[POSITIVE]]
        if stopped_early(probes[POSITIVE]):
            self.not_converged.append(name)
        self.outcomes[name] = (_answers(probes[POSITIVE], x) == label).astype(np.float64)
        self.accuracies[name] = {key: float(value) for key, value in accuracies.items()}


def stopped_early(probe: Any) -> bool:
    """Whether scikit-learn used up all iterations; SAEBench's own full probes have no such limit."""
    return hasattr(probe, "n_iter_") and bool(np.max(probe.n_iter_) >= probe.max_iter)


def _answers(probe: Any, x: Tensor) -> NDArray[np.int64]:
    with torch.no_grad():
        if isinstance(probe, torch.nn.Module):
            return np.asarray((probe(x) > 0).long().cpu())
        return np.asarray(probe.predict(x.to(torch.float32).cpu().numpy()), dtype=np.int64)
