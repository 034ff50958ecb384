"""Where the sibling packages live: beside this one at the top of a checkout, in ``mi_assay`` when installed."""

from __future__ import annotations

import importlib
from types import ModuleType

assert __package__ is not None
PREFIX = __package__.rpartition(".")[0]


def command() -> str:
    """How to call the command line from here: ``python -m runners``, or ``python -m mi_assay.runners``."""
    return f"python -m {__package__}"


def sibling(module: str) -> ModuleType:
    """Import ``module`` (``"mi.texts"``) from the home that this package was loaded from, or from anywhere on the path.

    Raises:
        ModuleNotFoundError: it is in neither place, with its full name; or something that it imports is missing.
    """
    if PREFIX:
        try:
            return importlib.import_module(f"{PREFIX}.{module}")
        except ModuleNotFoundError as exc:
            if not is_part_of(exc.name, f"{PREFIX}.{module}"):
                raise
    return importlib.import_module(module)


def is_part_of(missing: str | None, module: str) -> bool:
    """Whether a missing module is ``module`` itself or a package on the way to it, rather than something it imports."""
    return missing is not None and (module == missing or module.startswith(f"{missing}."))
