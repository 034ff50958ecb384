"""Mutants of coders: loading, adapters, folds, encode and decode (catalogue D, B15, F11)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, together, wrapped

SCENE = "coders"


def loaded(change: Callable[[Any], Any], engine: str = "sparsify") -> Enact:
    """Change every coder that an engine's adapter reads; its library is left alone."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from importlib import import_module

        adapter = import_module(f"mi.coders.{engine}_coder")
        return wrapped(adapter, "read", lambda read: lambda folder, facts: change(read(folder, facts)))

    return enact


def method(name: str, around: Callable[[Any], Any]) -> Enact:
    """Wrap a method of every coder."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.coders.linear_coder import LinearCoder

        return wrapped(LinearCoder, name, around)

    return enact


def _no_input_bias(coder: Any) -> Any:
    return coder.changed(input_bias=None)


def _input_bias_everywhere(coder: Any) -> Any:
    return coder.changed(input_bias=coder.b_dec) if coder.facts.d_in == coder.facts.d_out else coder


def _doubled_bias(coder: Any) -> Any:
    return coder.changed(input_bias=2 * coder.input_bias) if coder.input_bias is not None else coder


def _plain_relu(scene: Any) -> AbstractContextManager[None]:
    """The architecture is guessed from the path, which does not say topk."""
    from mi.coders.linear_coder import Gate

    def guessed(coder: Any) -> Any:
        if coder.gate.name != "topk":
            return coder
        return coder.changed(gate=Gate("relu"), facts=replace(coder.facts, k=None))

    import mi.coders.load as load

    def read(cls: Any, folder: Any) -> Any:
        facts = inner(cls, folder)
        return replace(facts, k=None)

    inner = vars(load.CoderFacts)["read"].__func__
    return together(loaded(guessed)(scene), replaced(load.CoderFacts, "read", classmethod(read)))


def _double_k(scene: Any) -> AbstractContextManager[None]:
    """k comes from a default of the adapter instead of the file."""
    import mi.coders.load as load

    def wider(coder: Any) -> Any:
        return coder.changed(
            gate=replace(coder.gate, k=2 * coder.gate.k), facts=replace(coder.facts, k=2 * coder.gate.k)
        )

    inner = vars(load.CoderFacts)["read"].__func__
    read = classmethod(lambda cls, folder: (lambda f: replace(f, k=2 * f.k if f.k else None))(inner(cls, folder)))
    return together(loaded(wider)(scene), replaced(load.CoderFacts, "read", read))


def _fold_without_threshold(inner: Any) -> Any:
    return lambda self, scale: inner(self, scale).changed(gate=self.gate)


def _fold_without_decoder(inner: Any) -> Any:
    return lambda self, scale: inner(self, scale).changed(W_dec=self.W_dec)


def _without_threshold(coder: Any) -> Any:
    from mi.coders.linear_coder import Gate

    return coder.changed(gate=Gate("relu")) if coder.gate.name == "jumprelu" else coder


def _scaled_input(inner: Any) -> Any:
    """The input is scaled for the encoder, and the reconstruction is never scaled back."""
    return lambda self, x: inner(self, x * (x.shape[-1] ** 0.5 / x.norm(dim=-1).mean()))


def _skip_on_forward_only(inner: Any) -> Any:
    """As in attribution graphs: error nodes are made from a decode that forgets the linear path."""

    def decode(self: Any, z: Any, x: Any = None) -> Any:
        return inner(self, z, x) if self.W_skip is None else z @ self.W_dec + self.b_dec

    return decode


def _unshifted_forward(inner: Any) -> Any:
    """``reconstruct`` encodes the input as it is; ``encode`` shifts it."""

    def reconstruct(self: Any, x: Any) -> Any:
        return (
            self.decode(self.changed(input_bias=None).encode(x), x) if self.input_bias is not None else inner(self, x)
        )

    return reconstruct


def _magnitudes(inner: Any) -> Any:
    """What is reported as activations comes from before the gate."""
    return lambda self, x: self.pre(x).relu()


def _half(coder: Any) -> Any:
    import torch

    return coder.to(dtype=torch.bfloat16).to(dtype=torch.float32)


def _norms_over_the_model(coder: Any) -> Any:
    """The decoder is normalised over latents instead of per latent."""
    return coder.changed(W_dec=coder.W_dec / coder.W_dec.norm(dim=0) * (len(coder.W_dec) / coder.d_out) ** 0.5)


def _next_site(scene: Any) -> AbstractContextManager[None]:
    """The registry's entry for the coder names the site behind its own."""
    import mi.coders.load as load

    inner = vars(load.CoderFacts)["read"].__func__

    def read(cls: Any, folder: Any) -> Any:
        facts = inner(cls, folder)
        site = facts.site_out.replace("hook_mlp_out", "hook_resid_post")
        return replace(facts, site_in=site, site_out=site) if facts.kind == "sae" else facts

    return replaced(load.CoderFacts, "read", classmethod(read))


def _other_rows(scene: Any) -> AbstractContextManager[None]:
    """The coder is scored on what another implementation calls its site: the residual stream behind the MLP."""
    from mi.activations.read import Activations

    from ..scenes.harvested import MLP_OUT, POST

    def around(read: Any) -> Any:
        def made(self: Any, names: Any, *where: Any) -> Any:
            if self.path != scene.data.held_out or MLP_OUT not in names:
                return read(self, names, *where)
            found = read(self, [POST if name == MLP_OUT else name for name in names], *where)
            return {MLP_OUT if name == POST else name: value for name, value in found.items()}

        return made

    return together(
        wrapped(Activations, "_read", around), replaced(scene, "real", {**scene.real, MLP_OUT: scene.real[POST]})
    )


def _neighbour(scene: Any) -> AbstractContextManager[None]:
    """A bundle's folders are listed in another order than its names: each name gets its neighbour's coder."""
    import sys

    from mi.coders import load

    other = {"sae": "jumprelu", "jumprelu": "sae", "skip": "transcoder", "transcoder": "skip"}

    def mixed(folder: Any, device: str = "cpu") -> Any:
        return inner(folder.with_name(other.get(folder.name, folder.name)), device)

    inner = load.load_coder
    users = [
        m for n, m in sys.modules.items() if n.startswith(("mi.", "benchmarks.")) and vars(m).get("load_coder") is inner
    ]
    return together(*(replaced(user, "load_coder", mixed) for user in users))


MUTANTS = (
    Mutant("B15", "coders", "forward encodes the unshifted input, encode the shifted one", SCENE, method("reconstruct", _unshifted_forward), ("K01", "K10"), "SAELens#295"),
    Mutant("B15b", "coders", "activations are reported from before the gate", SCENE, method("encode", _magnitudes), ("K01",), "SAELens#322"),
    Mutant("D01", "coders", "b_dec is not subtracted before encoding", SCENE, loaded(_no_input_bias), ("K01",), "microscope ec80998"),
    Mutant("D01b", "coders", "b_dec is subtracted in transcoders too", SCENE, loaded(_input_bias_everywhere), ("K01",), "microscope ec80998"),
    Mutant("D01c", "coders", "b_dec is subtracted twice", SCENE, loaded(_doubled_bias, "saelens"), ("K01",), "microscope ec80998"),
    Mutant("D03", "coders", "TopK coders are loaded as plain ReLU", SCENE, _plain_relu, ("K01", "K20"), "SAELens#308, SAEBench 8b7a6ec"),
    Mutant("D03b", "coders", "TopK coders are loaded with twice their k", SCENE, _double_k, ("K01", "K20"), "SAELens#308"),
    Mutant("D05", "coders", "folding decoder norms forgets the threshold", SCENE, method("with_latents_scaled", _fold_without_threshold), ("K03",), "SAELens#404"),
    Mutant("D05b", "coders", "folding decoder norms forgets the decoder", SCENE, method("with_latents_scaled", _fold_without_decoder), ("K03",), "SAELens#404"),
    Mutant("D05c", "coders", "JumpReLU coders are loaded without their threshold", SCENE, loaded(_without_threshold, "saelens"), ("K01",), "SAELens#404"),
    Mutant("D07", "coders", "the input is scaled, the output is not scaled back", SCENE, method("encode", _scaled_input), ("K01", "K03"), "SAELens#212"),
    Mutant("D11", "coders", "the skip term is left out of decode", SCENE, method("decode", _skip_on_forward_only), ("K10", "K01"), "circuit-tracer#74-76"),
    Mutant("D17", "coders", "the decoder is normalised over the model's width", SCENE, loaded(_norms_over_the_model), ("K01",), "dictionary_learning 5383603"),
    Mutant("D19", "coders", "the coder is evaluated at the site behind its own", SCENE, _next_site, ("K20", "K22", "K23"), "SAELens registry"),
    Mutant("F11", "coders", "the coder is scored on another implementation's rows", SCENE, _other_rows, ("K08", "K20", "K22", "K23"), "microscope A6-07, A6-25"),
    Mutant("D20", "coders", "each name of a bundle gets its neighbour's coder", SCENE, _neighbour, ("K20", "K01"), "AxBench a57d715"),
    Mutant("D30", "coders", "weights rounded to bfloat16 on loading", SCENE, loaded(_half), ("K30", "K01"), "practice"),
)  # fmt: skip
