"""Mutants of hooks: what is read or written is not what the site's name says (catalogue B)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, together, wrapped
from .loading import altered


def visiting(change: Callable[[Any, str, Any, Any], tuple[Any, Any]]) -> Enact:
    """Change reader and edit of every hook: ``change(hooks, site, read, edit) -> read, edit``."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.subjects.sites import Hooks

        def around(visitor: Any) -> Any:
            def made(self: Any, site: str, read: Any, edit: Any, stop: bool) -> Any:
                return visitor(self, site, *change(self, site, read, edit), stop)

            return made

        return wrapped(Hooks, "_visitor", around)

    return enact


def placing(rename: Callable[[str], str]) -> Enact:
    """Every site stands where another one belongs: ``rename(site)`` says which."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        import mi.subjects.subject as subject

        def around(places: Any) -> Any:
            def made(bridge: Any, hf: Any) -> Any:
                found = places(bridge, hf)
                return {site: found.get(rename(site), place) for site, place in found.items()}

            return made

        return wrapped(subject, "places", around)

    return enact


def _edit_on_a_copy(hooks: Any, site: str, read: Any, edit: Any) -> tuple[Any, Any]:
    if edit is None:
        return read, edit

    def lost(value: Any) -> Any:
        edit(value.detach().clone())
        return value

    return read, lost


def _twice(hooks: Any, site: str, read: Any, edit: Any) -> tuple[Any, Any]:
    return read, edit and (lambda value: edit(edit(value).clone()))


def _everywhere(hooks: Any, site: str, read: Any, edit: Any) -> tuple[Any, Any]:
    """What was added where it was meant is added once more at every position, on average."""
    if edit is None:
        return read, edit

    def spread(value: Any) -> Any:
        edited = edit(value.clone())
        change = edited - value
        return edited + change[change.abs().sum(-1) > 0].mean(0).nan_to_num()

    return read, spread


def _before_the_gain(hooks: Any, site: str, read: Any, edit: Any) -> tuple[Any, Any]:
    if read is None or not site.endswith("mlp.hook_in"):
        return read, edit
    gain = hooks.hf.model.layers[int(site.split(".")[1])].post_attention_layernorm.weight
    return (lambda value: read(value / gain)), edit


def _rows_rolled(hooks: Any, site: str, read: Any, edit: Any) -> tuple[Any, Any]:
    return read and (lambda value: read(value.roll(1, 0))), edit


def _previous_block(site: str) -> str:
    _, layer, kind = site.split(".", 2)
    return f"blocks.{int(layer) - 1}.{kind}" if kind == "hook_mlp_out" else site


def _input_for_output(site: str) -> str:
    return site.replace("hook_resid_post", "hook_resid_pre")


def _other_side(site: str) -> str:
    return site.replace("hook_mlp_out", "mlp.hook_in")


def _in_place(hf: Any) -> None:
    """Layers that add into the residual stream they were given, as fused kernels do."""

    def forward_of(layer: Any) -> Any:
        def forward(hidden_states: Any, **more: Any) -> Any:
            out, _ = layer.self_attn(hidden_states=layer.input_layernorm(hidden_states), **more)
            hidden_states.add_(out)
            return hidden_states.add_(layer.mlp(layer.post_attention_layernorm(hidden_states)))

        return forward

    for layer in hf.model.layers:
        layer.forward = forward_of(layer)


def _saved_by_reference(scene: Any) -> AbstractContextManager[None]:
    import mi.subjects.subject as subject

    def keep(kept: dict[str, Any], site: str) -> Any:
        def read(value: Any) -> None:
            kept[site] = value.detach()

        return read

    return together(replaced(subject, "_keep", keep), altered(_in_place)(scene))


def _unhooked_mlp(hf: Any) -> None:
    """Blocks that call the MLP's ``forward``, which passes by its hooks."""
    for layer in hf.gpt_neox.layers:
        layer.mlp.__class__ = type("Unhooked", (type(layer.mlp),), {"__call__": type(layer.mlp).forward})


def _slice_assignment(scene: Any) -> AbstractContextManager[None]:
    """``x[a][b] = y`` writes into a copy."""
    import mi.metrics.loss_recovered as loss_recovered

    def lost(value: Any, where: Any, by: Any) -> Any:
        copy = value.clone()
        copy[where][:] = by.to(copy)
        return copy

    return replaced(loss_recovered, "replaced", lost)


def _every_position(scene: Any) -> AbstractContextManager[None]:
    """The reconstruction is written where it belongs, the ablation at BOS and padding too."""
    import mi.metrics.loss_recovered as loss_recovered

    def around(inner: Any) -> Any:
        def spread(value: Any, where: Any, by: Any) -> Any:
            return inner(value, where if by.dim() > 1 else where | True, by)

        return spread

    return wrapped(loss_recovered, "replaced", around)


MUTANTS = (
    Mutant("B01", "hooks", "edits are made on a detached copy and thrown away", "steering", visiting(_edit_on_a_copy), ("K09", "K25"), "TransformerLens#1526, #1527"),
    Mutant("B03", "hooks", "the MLP's input is read before the norm's gain", "subject-llama", visiting(_before_the_gain), ("K08", "K10"), "TransformerLens#747, #1002"),
    Mutant("B05", "hooks", "the MLP's forward is called past its hooks", "steering", altered(_unhooked_mlp), ("K09",), "TransformerLens#1256"),
    Mutant("B07", "hooks", "every edit is applied twice", "steering", visiting(_twice), ("K09",), "CAA#2"),
    Mutant("B07b", "hooks", "an edit of one position is added at all of them", "steering", visiting(_everywhere), ("K09",), "CAA#2"),
    Mutant("B07c", "hooks", "the ablation also replaces BOS and padding", "organism", _every_position, ("K09", "K07"), "CAA#2"),
    Mutant("B09", "hooks", "the patch is assigned to a slice's copy", "organism", _slice_assignment, ("K09", "K23"), "nnsight#502"),
    Mutant("B11", "hooks", "a block's output is registered on its input", "subject-neox", placing(_input_for_output), ("K08", "K20"), "pyvene 2963569"),
    Mutant("B11b", "hooks", "an MLP's output is that of the block before", "subject-neox", placing(_previous_block), ("K08", "K20"), "pyvene 2963569"),
    Mutant("B11c", "hooks", "an MLP's output is its input", "subject-gemma2", placing(_other_side), ("K08", "K20", "K10"), "pyvene 2963569"),
    Mutant("B13", "hooks", "saved by reference, overwritten by a later in-place sum", "subject-llama", _saved_by_reference, ("K27", "K10"), "nnsight a4080d1d"),
    Mutant("C15", "tokens", "results of a batch come back in another order", "subject-neox", visiting(_rows_rolled), ("K06", "K14"), "lm-eval#2595"),
)  # fmt: skip
