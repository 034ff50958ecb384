"""resumed: forward passes that start where they begin to differ, instead of at the first block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from ..refusal import Refusal
from ..subjects.sites import layer_of
from ..subjects.subject import Subject
from ..subjects.tokens import TokenBatch

KIND = "hook_resid_post"


@contextmanager
def resumed(subject: Subject, batch: TokenBatch, site: str, last: int) -> Iterator[None]:
    """Inside, every pass over ``batch`` takes the residual stream at ``site`` as it was, and goes on from there.

    Edits at ``site`` and later ones act as ever; an earlier one would be lost, so there must be none. Logits are those of the
    ``last`` columns only, which is where a causal model's answer stands. Both save work and change no number
    beyond rounding: :func:`require_parity` says so of a batch.

    Raises:
        Refusal: not the residual stream behind a block.
    """
    layer = layer_of(site)
    blocks = [subject.places.get(f"blocks.{below}.{KIND}") for below in range(layer + 1)]
    head = subject.hf.get_output_embeddings()
    if not site.endswith(KIND) or any(b is None or b.side != "out" for b in blocks) or head is None:
        raise Refusal(f"a pass resumed at {site}", f"blocks.<layer>.{KIND}", "Run the whole pass.")
    modules = [subject.hf.get_submodule(b.module) for b in blocks if b is not None]
    shapes: list[bool] = []
    watch = modules[-1].register_forward_hook(lambda m, a, out: shapes.append(isinstance(out, tuple)))
    try:
        x = subject.activations(batch, [site])[site]
    finally:
        watch.remove()
    wrap: Callable[[Tensor], Any] = (lambda h: (h,)) if shapes[0] else (lambda h: h)
    whole = head.forward
    with ExitStack() as stack:
        for module in modules[:-1]:
            stack.enter_context(_instead(module, _pass_on(wrap)))
        stack.enter_context(_instead(modules[-1], lambda *args, **kwargs: wrap(x)))
        stack.enter_context(_instead(head, lambda h: whole(h[:, -last:])))
        yield


def require_parity(subject: Subject, batch: TokenBatch, site: str, last: int, edits: Any) -> float:
    """Largest difference of a logit between a resumed pass and a whole one.

    Raises:
        Refusal: beyond rounding.
    """
    whole = subject.run_edited(batch, edits)[:, -last:]
    with resumed(subject, batch, site, last):
        again = subject.run_edited(batch, edits)
    gap = float((again - whole).abs().max())
    if not gap <= 1e-4 * float(whole.abs().max()):
        raise Refusal(
            f"a pass resumed at {site} whose logits are off by {gap:.2g}",
            "those of a whole pass",
            "Run the whole pass: this architecture carries more than the residual stream from block to block.",
        )
    return gap


def _pass_on(wrap: Callable[[Tensor], Any]) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        return wrap(args[0] if args else kwargs["hidden_states"])

    return forward


@contextmanager
def _instead(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    before = module.__dict__.get("forward")
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        if before is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = before
