"""Where the sibling packages live: beside this one at the top of a checkout, in ``mi_assay`` when installed."""

from __future__ import annotations

import importlib
from types import ModuleType


def command() -> str:
    """How to call the command line from here: ``python -m ledger``, or ``python -m mi_assay`` when installed."""
    return "python -m mi_assay" if __package__ and "." in __package__ else "python -m ledger"


def sibling(module: str) -> ModuleType:
    """Import ``module`` (``"mi.claimable"``) from the home that this package itself was loaded from.

    Done at call time: commands that only read rows never load numpy.
    """
    assert __package__ is not None
    prefix = __package__.rpartition(".")[0]
    return importlib.import_module(f"{prefix}.{module}" if prefix else module)
