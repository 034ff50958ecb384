"""SaelensGroup: some SAEs in one of SAELens's MultiSAETrainers, from their making to their folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import saelens_coder
from .coder import CoderFault
from .last_look import ROWS
from .loss_curve import LossCurve
from .quiet_engine import quiet_engine
from .saelens_settings import DEFAULT_LR, SaelensSpec, advised
from .stream import Batch, SharedStream

FOLDED = 1e-3  # relative; float32 sums of other factors
TIED = 0.02  # share of rows in which a latent at its threshold may fall to the other side


@dataclass(frozen=True)
class SiteInput:
    """What trainers need to know of a site before they start.

    Attributes:
        mean: ``[d]`` float64.
        scale: the factor that gives rows a mean norm of sqrt(d).
        rows: how many rows they rest on.
    """

    mean: Tensor
    scale: float
    rows: int

    @classmethod
    def of(cls, batches: Iterable[Batch], site: str) -> SiteInput:
        """From a sample of rows; the factor by SAELens's own estimate."""
        import sae_lens.training.activation_scaler as engine

        norms, total, n = [], torch.zeros((), dtype=torch.float64), 0
        for batch in batches:
            rows = batch[site]
            norms.append(rows.norm(dim=-1, keepdim=True))  # all that the estimate needs of them
            total, n = total + rows.double().sum(0), n + len(rows)
        scaler = engine.ActivationScaler()
        with quiet_engine(1, engine):
            scaler.estimate_scaling_factor(len(total), iter(norms), n_batches_for_norm_estimate=len(norms))
        assert scaler.scaling_factor is not None
        return cls(total / n, scaler.scaling_factor, n)


def require_rows(inputs: Mapping[str, SiteInput], stored: int) -> None:
    """Refuse estimates from fewer rows than were to be looked at.

    Raises:
        CoderFault: with the site.
    """
    for site, seen in inputs.items():
        if seen.rows < min(stored, ROWS):
            raise CoderFault(
                f"mean and scale of {site} from {seen.rows} rows",
                f"{min(stored, ROWS)} rows",
                "Estimate them from whole batches.",
            )


def require_same_function(before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor], factor: float) -> None:
    """Refuse a coder that computes something else once the scale of its activations is folded into its weights.

    Args:
        before: latents and reconstruction of scaled rows. Latents may be in other units afterwards.
        after: of the rows as they are.
        factor: the scale.

    Raises:
        CoderFault: other latents fire on more than a few rows, or the reconstruction is not the same on the other scale.
    """
    same = ((before[0] > 0) == (after[0] > 0)).all(dim=-1)
    a, b = before[1][same], after[1][same] * factor
    gap = float((a - b).abs().max() / a.abs().max().clamp(min=1e-30)) if len(a) else float("inf")
    other = 1 - float(same.double().mean())
    if not (gap < FOLDED and other < TIED):
        raise CoderFault(
            f"folding the scale {factor:.4g} into the weights changes which latents fire on {other:.1%} of rows, and the reconstruction "
            f"of the others by {gap:.2g}",
            "the same function",
            "Look for a weight that was not rescaled.",
        )


class SaelensGroup:
    """Some of the coders, in one MultiSAETrainer."""

    def __init__(
        self,
        number: int,
        specs: Mapping[str, SaelensSpec],
        stream: SharedStream,
        inputs: Mapping[str, SiteInput],
        settings: Mapping[str, Any],
        curves: Mapping[str, LossCurve],
        device: str,
    ) -> None:
        self.number, self.specs, self.stream, self.inputs = number, specs, stream, inputs
        self.settings, self.curves, self.device = settings, curves, device
        self.seconds = 0.0

    def make(self, steps: int) -> None:
        """Draw the weights, each coder's from its own seed, and build the trainer."""
        from dataclasses import replace

        from sae_lens.config import LoggingConfig, SAETrainerConfig
        from sae_lens.registry import get_sae_training_class
        from sae_lens.training.multi_sae_trainer import MultiSAETrainer
        from sae_lens.training.sae_trainer import SAETrainer

        self.saes = {}
        for name, s in self.specs.items():
            cls, config = get_sae_training_class(s.architecture)
            fields = {**advised(s, steps), **s.options}
            torch.manual_seed(s.seed)
            try:
                made = config(d_in=s.d, d_sae=s.n_latents, device=self.device, **fields)
            except TypeError as wrong:
                known = ", ".join(config.__dataclass_fields__)
                raise CoderFault(f"coder {name}: {wrong}", f"options among {known}", "Correct the recipe.") from None
            self.saes[name] = cls(made)
            self.saes[name].cfg.metadata.hook_name = s.site
            self._record(name)
            self._guard_fold(name)
        config = SAETrainerConfig(
            total_training_samples=self.settings["tokens"],
            train_batch_size_samples=self.settings["batch_rows"],
            lr=DEFAULT_LR,
            lr_end=DEFAULT_LR / 10,
            lr_decay_steps=self.settings["lr_decay_steps"],
            dead_feature_window=self.settings["dead_feature_window"],
            device=self.device,
            logger=LoggingConfig(log_to_wandb=False),
        )
        hooks = {name: s.site for name, s in self.specs.items()}
        self.trainer = MultiSAETrainer(config, self.saes, hooks, self._batches())
        for name, s in self.specs.items():
            if s.lr != DEFAULT_LR:
                # The coordinator has one rate for all; its parts are ordinary trainers.
                own = replace(self.trainer.trainers[name].cfg, lr=s.lr, lr_end=s.lr / 10)
                self.trainer.trainers[name] = SAETrainer(own, self.saes[name], iter(()))
            self._start(name)

    def fit(self) -> None:
        """Train to the end."""
        self.trainer.fit()

    def save(self, out: Path) -> None:
        """Write every coder in the form for use, with scales and decoder norms folded."""
        for name, s in self.specs.items():
            (out / name).mkdir(parents=True)
            self.saes[name].save_inference_model(out / name)
            training = {
                "engine": f"sae-lens {version('sae-lens')}",
                **self.settings,
                "lr": s.lr,
                "default_lr": DEFAULT_LR,
                "k": s.k,
                "options": dict(s.options),
                "seconds": round(self.seconds, 2),
                "tokens_per_second": round(self.settings["tokens"] / self.seconds),
                **self.curves[name].summary(),
            }
            saelens_coder.native_facts(out / name, s.site, s.site, seed=s.seed, training=training).write(out / name)

    def _start(self, name: str) -> None:
        """Set what the engine would estimate from batches of its own, and the bias at which the coder starts.

        SAELens starts ``b_dec`` at 0; where the mean of the activations is large, that alone kills most latents of a short run.
        """
        sae, seen = self.saes[name], self.inputs[self.specs[name].site]
        factor = 1.0
        if sae.cfg.normalize_activations == "expected_average_only_in":
            factor = seen.scale
            self.trainer.trainers[name].activation_scaler.scaling_factor = factor
        if sae.cfg.normalize_activations != "covariance_whitening":
            sae.b_dec.data = (seen.mean * factor).to(sae.b_dec)

    def _guard_fold(self, name: str) -> None:
        """Compare what the coder computes before and after the trainer folds the scale into its weights."""
        sae, site = self.saes[name], self.specs[name].site
        fold = sae.fold_activation_norm_scaling_factor

        def checked(factor: float) -> None:
            rows = self.last[site].to(sae.W_dec)
            before = _both(sae, rows * factor)
            fold(factor)
            require_same_function(before, _both(sae, rows), factor)

        sae.fold_activation_norm_scaling_factor = checked

    def _batches(self) -> Iterator[Batch]:
        step = 0
        while True:
            self.last = self.stream.take(self.number, step)
            yield self.last
            step += 1

    def _record(self, name: str) -> None:
        sae, curve = self.saes[name], self.curves[name]
        step = sae.training_forward_pass

        def recorded(step_input: Any) -> Any:
            result = step(step_input)
            x = step_input.sae_in
            variance = float((x - x.mean(0)).square().sum(-1).mean())
            acts = result.feature_acts.detach()
            curve.add(float(result.losses["mse_loss"].detach()) / variance, float((acts > 0).float().sum(-1).mean()))
            return result

        sae.training_forward_pass = recorded


@torch.no_grad()
def _both(sae: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
    latents = sae.encode(rows)
    return latents, sae.decode(latents)
