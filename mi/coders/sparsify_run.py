"""SparsifyRun: one coder's sparsify trainer, from its making to its facts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import advice, sparsify_coder
from .coder import CoderFacts
from .linear_coder import LinearCoder
from .loss_curve import LossCurve
from .objective import Objective
from .replay import POINT, ReplayModel, ReplayRows
from .stream import SharedStream

KINDS: dict[str, dict[str, bool]] = {
    "sae": {},
    "transcoder": {"transcode": True},
    "skip-transcoder": {"transcode": True, "skip_connection": True},
}
NEVER = 10**12  # steps; the engine writes a checkpoint at the end anyway


@dataclass(frozen=True)
class Spec:
    """One coder to train; an unknown key in its JSON is an error."""

    kind: str
    k: int
    n_latents: int
    seed: int
    site_in: str
    site_out: str
    d: int
    lr: float | None = None

    @property
    def sites(self) -> tuple[str, str]:
        """Where it reads and what it reconstructs: an SAE both at ``site_out``."""
        return (self.site_out if self.kind == "sae" else self.site_in), self.site_out


def default_lr(optimizer: str, n_latents: int) -> float:
    """What sparsify 1.3 takes when no learning rate is given."""
    base = {"signum": 5e-3, "adam": 2e-4}[optimizer]
    return float(base / (n_latents / 2**14) ** 0.5)


def auxk_reaches_encoder() -> bool:
    """Whether the loss for dead latents moves their encoder.

    In sparsify 1.3.3 it does not: the backward pass of its fused encoder ignores the gradient of the pre-activations, from which
    that loss is made, so that only decoder rows of latents that never fire are trained.
    """
    from sparsify import SparseCoder, SparseCoderConfig

    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        coder = SparseCoder(4, SparseCoderConfig(num_latents=8, k=1))
        x = torch.randn(16, 4)
        coder(x, x, dead_mask=torch.arange(8) >= 4).auxk_loss.backward()
    grad = coder.encoder.weight.grad
    return grad is not None and bool(grad.any())


class SparsifyRun:
    """One coder's trainer, from its making to its facts."""

    def __init__(
        self,
        number: int,
        name: str,
        spec: Spec,
        stream: SharedStream,
        steps: int,
        rows: int,
        engine: Mapping[str, Any],
        scratch: Path,
        device: str,
    ) -> None:
        self.name, self.spec, self.scratch = name, spec, scratch
        self.stream, self.number, self.steps, self.rows, self.device = stream, number, steps, rows, device
        self.engine = dict(engine)
        self.curve = LossCurve()
        self.seconds = 0.0
        self.facts: CoderFacts | None = None

    def make(self) -> None:
        """Build the engine's trainer: it seeds the global generator and draws the weights."""
        from sparsify import SparseCoderConfig, TrainConfig, Trainer

        coder = SparseCoderConfig(num_latents=self.spec.n_latents, k=self.spec.k, **KINDS[self.spec.kind])
        config = TrainConfig(
            coder,
            batch_size=1,  # one item of the data is one step
            hookpoints=[POINT],
            init_seeds=[self.spec.seed],
            lr=self.spec.lr,
            save_every=NEVER,
            log_to_wandb=False,
            run_name="run",
            save_dir=str(self.scratch),
            **self.engine,
        )
        model = ReplayModel(self._take, self.spec.d, self.rows, self.device)
        self.trainer = Trainer(config, ReplayRows(self.steps, self.rows), model)
        self.coder = self.trainer.saes[POINT]
        self.objective = Objective(self.engine["auxk_alpha"], self.engine["dead_feature_threshold"])
        self.coder.register_forward_hook(self._record, with_kwargs=True)

    def fit(self) -> None:
        """Train to the end."""
        self.trainer.fit()

    def save(self, folder: Path, training: Mapping[str, Any]) -> None:
        """Take the coder from the checkpoint on disk: in memory the weights are still those that train (schedule-free)."""
        saved = self.scratch / "run" / POINT
        folder.mkdir(parents=True)
        for file in (sparsify_coder.CONFIG, sparsify_coder.WEIGHTS):
            shutil.copyfile(saved / file, folder / file)
        default = default_lr(self.engine["optimizer"], self.spec.n_latents)
        training = {
            "engine": f"eai-sparsify {version('eai-sparsify')}",
            **training,
            "lr": self.spec.lr or default,
            "default_lr": default,
            "seconds": round(self.seconds, 2),
            "tokens_per_second": round(training["tokens"] / self.seconds),
            **self.curve.summary(),
        }
        self.facts = sparsify_coder.native_facts(folder, *self.spec.sites, seed=self.spec.seed, training=training)
        self.facts.write(folder)

    def finish(self, folder: Path, look: Mapping[str, float], about_rows: list[str]) -> dict[str, Any]:
        """Complete the facts with what the saved weights measure, and warn."""
        assert self.facts is not None
        t, spec = dict(self.facts.training), self.spec
        asked = t["auxk_alpha"] > 0
        reaches = not asked or auxk_reaches_encoder()
        revival = asked and reaches and t["dead_feature_threshold"] < t["tokens"]
        said = [
            *about_rows,
            *self.objective.advice,
            *advice.on_settings(
                lr=t["lr"],
                default_lr=t["default_lr"],
                k=spec.k,
                d_in=spec.d,
                n_latents=spec.n_latents,
                tokens=t["tokens"],
            ),
            *advice.on_result(look=look, revival=revival, curve=t, k=spec.k),
        ]
        if asked and not reaches:
            said.append(
                "the auxiliary loss of this version of sparsify revives nothing: its gradient misses the encoder"
            )
        if asked and t["dead_feature_threshold"] >= t["tokens"]:
            said.append(f"the auxiliary loss never acts: no latent is silent for {t['dead_feature_threshold']} tokens")
        advice.warn_all(self.name, said)
        found = {"on_training_rows": dict(look), "warnings": said}
        CoderFacts(**{**vars(self.facts), "training": {**t, **found}}).write(folder)
        return {**look, "converged": t["converged"], "tokens_per_second": t["tokens_per_second"], "warnings": said}

    def in_memory(self) -> LinearCoder:
        """The coder as the trainer leaves it in memory; used to show that it is another one."""
        with tempfile.TemporaryDirectory() as folder:
            self.coder.save_to_disk(folder)
            assert self.facts is not None
            return sparsify_coder.read(Path(folder), self.facts)

    def _take(self, step: int) -> tuple[Tensor, Tensor]:
        batch = self.stream.take(self.number, step)
        return batch[self.spec.sites[0]], batch[self.spec.sites[1]]

    def _record(self, module: Any, args: object, kwargs: Mapping[str, Any], result: Any) -> None:
        self.objective.see(module, kwargs, result)
        # The engine's L0 counts places, not activations: a zero among the k largest is not on.
        self.curve.add(float(result.fvu.detach()), float((result.latent_acts > 0).float().sum(-1).mean()))
