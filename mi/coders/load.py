"""Loading coders from the folders that the builders leave, whichever engine made them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .coder import FILE, CoderFacts, CoderFault

if TYPE_CHECKING:
    from .linear_coder import LinearCoder


def load_coder(folder: Path, device: str = "cpu") -> LinearCoder:
    """The coder in ``folder``, which holds ``coder.json`` and the engine's own files.

    Raises:
        CoderFault: not a coder, or one whose ``coder.json`` contradicts its weights.
    """
    facts = CoderFacts.read(folder)
    coder: LinearCoder = _adapter(facts.engine).read(folder, facts)
    k = coder.gate.k
    if k != facts.k:
        raise CoderFault(f"{folder}: k = {facts.k} in {FILE}, {k} in the engine's file", "one k", "Build it again.")
    return coder.to(device=device)


def save_coder(coder: LinearCoder, folder: Path) -> None:
    """Write ``coder`` in the format of its engine, so that the engine can load it as well."""
    _adapter(coder.facts.engine).write(coder, folder)
    coder.facts.write(folder)


def coder_names(bundle: Path) -> list[str]:
    """The coders in a bundle, the folder that a builder fills, in alphabetical order.

    Raises:
        CoderFault: none there.
    """
    names = sorted(p.parent.name for p in bundle.glob(f"*/{FILE}"))
    if not names:
        raise CoderFault(f"{bundle} without coders", "a folder with one sub-folder per coder", "Build one.")
    return names


def load_bundle(bundle: Path, device: str = "cpu") -> dict[str, LinearCoder]:
    """All coders of a bundle by name."""
    return {name: load_coder(bundle / name, device) for name in coder_names(bundle)}


def _adapter(engine: str) -> Any:
    # Imported here: they need torch.
    if engine == "sparsify":
        from . import sparsify_coder as adapter
    elif engine == "saelens":
        from . import saelens_coder as adapter  # type: ignore[no-redef]
    else:
        from . import control_coder as adapter  # type: ignore[no-redef]
    return adapter
