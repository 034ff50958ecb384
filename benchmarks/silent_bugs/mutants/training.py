"""Mutants of training: objectives, optimisers, saving, scaling (catalogue E, D07, D09, D13, D15)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, together, wrapped

SPARSIFY, SAELENS = "training-sparsify", "training-saelens"


def objective(*changes: tuple[str, str]) -> Enact:
    """Rewrite the forward pass of sparsify's coder, which holds its objective."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from sparsify import SparseCoder

        return rewritten(SparseCoder, "forward", *changes)

    return enact


def fit(*changes: tuple[str, str]) -> Enact:
    """Rewrite sparsify's training loop."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from sparsify import Trainer

        return rewritten(Trainer, "fit", *changes)

    return enact


def _centred_in_place(scene: Any) -> AbstractContextManager[None]:
    """One trainer centres its batch in place; the batch is shared, and the others get what it left."""
    from mi.coders.sparsify_run import SparsifyRun

    def around(take: Any) -> Any:
        def made(self: Any, step: int) -> Any:
            x, y = take(self, step)
            return (x.sub_(x.mean(0)), y) if self.name == "skip" else (x, y)

        return made

    return wrapped(SparsifyRun, "_take", around)


def _tiny_rate(scene: Any) -> AbstractContextManager[None]:
    rate = 5e-3 / (128 / 2**14) ** 0.5 / 50
    return replaced(scene, "settings", {**scene.settings, "lr": rate})


def _from_memory(scene: Any) -> AbstractContextManager[None]:
    """What is saved are the weights that train, not those that the schedule-free optimiser would evaluate."""
    from mi.coders.sparsify_run import SparsifyRun

    def around(save: Any) -> Any:
        def made(self: Any, folder: Any, training: Any) -> None:
            self.coder.save_to_disk(self.scratch / "run" / "replay")
            save(self, folder, training)

        return made

    return wrapped(SparsifyRun, "save", around)


def _norms_over_latents(scene: Any) -> AbstractContextManager[None]:
    import torch
    from sparsify import SparseCoder

    @torch.no_grad()
    def normalise(self: Any) -> None:
        self.W_dec.data /= self.W_dec.data.norm(dim=0, keepdim=True)

    return replaced(SparseCoder, "set_decoder_norm_to_unit_norm", normalise)


def _one_seed(scene: Any) -> AbstractContextManager[None]:
    """The seed of the recipe does not reach the generator that draws the weights."""
    from dataclasses import replace

    from mi.coders.sparsify_run import SparsifyRun

    def around(make: Any) -> Any:
        def made(self: Any) -> None:
            spec, self.spec = self.spec, replace(self.spec, seed=0)
            make(self)
            self.spec = spec

        return made

    return wrapped(SparsifyRun, "make", around)


def folded(without: str) -> Enact:
    """SAELens folds the scale of the activations into the weights, and forgets one of them."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from sae_lens.saes.sae import SAE

        def around(fold: Any) -> Any:
            def made(self: Any, *given: Any, **more: Any) -> None:
                weight = getattr(self, without, None)
                before = None if weight is None else weight.data.clone()
                fold(self, *given, **more)
                if before is not None:
                    weight.data = before

            return made

        return together(*(wrapped(c, FOLD, around) for c in (SAE, *_below(SAE)) if FOLD in vars(c)))

    return enact


FOLD = "fold_activation_norm_scaling_factor"


def _below(cls: Any) -> list[Any]:
    return [c for direct in cls.__subclasses__() for c in (direct, *_below(direct))]


def _scale_of_one_row(scene: Any) -> AbstractContextManager[None]:
    """The scale of the activations is estimated from the first row of each batch."""
    from mi.coders import saelens_run

    def around(of: Any) -> Any:
        return lambda cls, batches, site: of(cls, [{site: b[site][:1]} for b in batches], site)

    return wrapped(saelens_run.SiteInput, "of", around)


def _threshold_kept(scene: Any) -> AbstractContextManager[None]:
    """BatchTopK's threshold is not rescaled with the rest."""
    return folded("topk_threshold")(scene)


MUTANTS = (
    Mutant("D07a", "training", "folding the activation scale forgets the decoder", SAELENS, folded("W_dec"), ("K03", "K04"), "SAELens#212"),
    Mutant("D07b", "training", "folding the activation scale forgets b_dec", SAELENS, folded("b_dec"), ("K03", "K04"), "SAELens#354, #355"),
    Mutant("D07c", "training", "folding the activation scale forgets the encoder", SAELENS, folded("W_enc"), ("K03", "K04"), "SAELens#212"),
    Mutant("D09", "training", "the activation scale is estimated from one row", SAELENS, _scale_of_one_row, ("K06", "K21", "K24"), "SAELens#467"),
    Mutant("D13", "training", "rescaling forgets the learned threshold", SAELENS, _threshold_kept, ("K03", "K04"), "dictionary_learning efd76b1"),
    Mutant("D15", "training", "the weights in memory are saved, not those on disk", "training-schedule", _from_memory, ("K04",), "sparsify (schedule-free)"),
    Mutant("D17b", "training", "the decoder is normalised over latents while it trains", SPARSIFY, _norms_over_latents, ("K25", "K02", "K24"), "dictionary_learning 5383603"),
    Mutant("E01", "training", "auxiliary loss: plus its weight, not times", SPARSIFY, fit(("self.cfg.auxk_alpha * out.auxk_loss", "self.cfg.auxk_alpha + out.auxk_loss")), ("K25",), "dictionary_learning a3b71f7"),
    Mutant("E03", "training", "auxiliary loss: mean over the width, not sum", SPARSIFY, objective(("auxk_loss = (e_hat - e.detach()).pow(2).sum()", "auxk_loss = (e_hat - e.detach()).pow(2).mean(-1).sum()")), ("K25", "K24"), "dictionary_learning 0af1971"),
    Mutant("E05", "training", "the transcoder is trained to copy its input", SPARSIFY, objective(("if y is None:", "if True:")), ("K22", "K20", "K25"), "sparsify 6d51754"),
    Mutant("E07", "training", "dead latents are never revived", SPARSIFY, fit(("> self.cfg.dead_feature_threshold", "< -self.cfg.dead_feature_threshold")), ("K25",), "dictionary_learning 3406262"),
    Mutant("E09", "training", "auxiliary loss: residual not detached, k from the wrong width", SPARSIFY, objective(("k_aux = y.shape[-1] // 2", "k_aux = self.num_latents // 2"), ("e_hat - e.detach()", "e_hat - e")), ("K25",), "SAELens#432"),
    Mutant("E11", "training", "one trainer centres the shared batch in place", SPARSIFY, _centred_in_place, ("K27", "K06"), "dictionary_learning 93fd46e"),
    Mutant("E12", "training", "FVU in training is about zero, not about the mean", SPARSIFY, fit(("(outputs - outputs.mean(0)).pow(2).sum()", "outputs.pow(2).sum()")), ("K25", "K24", "K02"), "practice"),
    Mutant("E13", "training", "a learning rate 50 times too low", SPARSIFY, _tiny_rate, ("K25",), "microscope configs"),
)  # fmt: skip
