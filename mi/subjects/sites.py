"""Sites: names of places in a model, in TransformerLens's words, found in the Hugging Face model's own modules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn

from .errors import SubjectError

Edit = Callable[[Tensor], Tensor]
Read = Callable[[Tensor], None]
PATTERN = re.compile(
    r"blocks\.(\d+)\.(hook_resid_pre|hook_attn_out|mlp\.hook_in|mlp\.hook_out|hook_mlp_out|hook_resid_post)"
)
KINDS = ("hook_resid_pre", "hook_attn_out", "mlp.hook_in", "mlp.hook_out", "hook_mlp_out", "hook_resid_post")


class Place(NamedTuple):
    """Where a site is: what goes into a module, or what comes out of it."""

    module: str
    side: Literal["in", "out"]


def layer_of(site: str) -> int:
    """Layer of a site.

    Raises:
        SubjectError: no such kind of site.
    """
    match = PATTERN.fullmatch(site)
    if match is None:
        raise SubjectError(f"site {site!r}", f"blocks.<layer>.<one of {', '.join(KINDS)}>", "Name a site.")
    return int(match.group(1))


def places(bridge: Any, hf: nn.Module) -> dict[str, Place]:
    """Every site that this architecture has, in the order in which a forward pass comes by.

    The names of the modules are the bridge's; ``hf`` is the untouched model in which they are looked up. A site whose
    meaning the bridge computes by itself (scaled residuals, say) is not in ``hf`` and not offered. ``hook_resid_mid``
    is not offered either: it can be read before the second norm, but an edit there would miss the skip connection.
    """
    if "blocks" not in bridge.adapter.component_mapping:
        return {}
    stem = bridge.adapter.component_mapping["blocks"].name
    found: dict[str, Place] = {}
    modules = dict(hf.named_modules())
    for layer, block in enumerate(bridge.blocks):
        parts = {name: part.name for name, part in block.submodules.items()}
        for kind in KINDS:
            target = block.hook_aliases.get(kind, kind if kind.startswith("mlp.") else None)
            if not isinstance(target, str):
                continue
            part, _, end = target.rpartition(".")
            name = f"{stem}.{layer}" + (f".{parts.get(part)}" if part else "")
            if end in ("hook_in", "hook_out") and name in modules:
                found[f"blocks.{layer}.{kind}"] = Place(name, "in" if end == "hook_in" else "out")
    return found


class Hooks:
    """Reads and edits installed at some sites of a model, each of which must come by exactly once.

    ``fired`` counts how often each site came by.
    """

    def __init__(self, hf: nn.Module, at: Mapping[str, Place]) -> None:
        self.hf, self.at = hf, at
        self.fired: dict[str, int] = {}

    @contextmanager
    def installed(self, reads: Mapping[str, Read], edits: Mapping[str, Edit], stop: bool = False) -> Any:
        """Hooks are there inside the ``with`` only.

        Args:
            reads: called with the tensor itself; what is to outlive the call has to be copied. A site that is also
                edited is read after the edit.
            edits: given a copy, return what takes its place.
            stop: end the forward pass by :class:`Enough` once everything was read.
        """
        self.fired = dict.fromkeys([*reads, *edits], 0)
        handles = []
        try:
            for site in self.fired:
                module, side = self.at[site]
                visit = self._visitor(site, reads.get(site), edits.get(site), stop)
                target = self.hf.get_submodule(module)
                if side == "in":
                    handles.append(target.register_forward_pre_hook(_entering(visit, site), with_kwargs=True))
                else:
                    handles.append(target.register_forward_hook(_leaving(visit, site)))
            yield self
        finally:
            for handle in handles:
                handle.remove()

    def _visitor(
        self, site: str, read: Read | None, edit: Edit | None, stop: bool
    ) -> Callable[[Tensor], Tensor | None]:
        def visit(value: Tensor) -> Tensor | None:
            self.fired[site] += 1
            new = None
            if edit is not None:
                new = edit(value.clone())
                if not isinstance(new, Tensor) or new.shape != value.shape or new.dtype != value.dtype:
                    got = f"{list(new.shape)} {new.dtype}" if isinstance(new, Tensor) else repr(new)
                    raise SubjectError(
                        f"edit of {site} returned {got}", f"a tensor {list(value.shape)} {value.dtype}", "Return x."
                    )
            if read is not None:
                read(value if new is None else new)
            if stop and all(self.fired.values()):
                raise Enough
            return new

        return visit


class Enough(Exception):
    """Everything asked for has been read; the rest of the forward pass is not needed."""


def _entering(visit: Callable[[Tensor], Tensor | None], site: str) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and isinstance(args[0], Tensor):
            new = visit(args[0])
            return None if new is None else ((new, *args[1:]), kwargs)
        if isinstance(kwargs.get("hidden_states"), Tensor):
            new = visit(kwargs["hidden_states"])
            return None if new is None else (args, {**kwargs, "hidden_states": new})
        raise SubjectError(f"{site}: {type(module).__name__} was called without hidden states", "a tensor", _UNHOOKED)

    return hook


def _leaving(visit: Callable[[Tensor], Tensor | None], site: str) -> Any:
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        if isinstance(output, Tensor):
            return visit(output)
        if isinstance(output, tuple) and output and isinstance(output[0], Tensor):
            new = visit(output[0])
            return None if new is None else (new, *output[1:])
        raise SubjectError(f"{site}: {type(module).__name__} returned {type(output).__name__}", "a tensor", _UNHOOKED)

    return hook


_UNHOOKED = "This architecture cannot be hooked at this site; choose another site."
