"""Statistics for interpretability claims that can be refuted.

Importing this package imports nothing else: a name is looked up in
``mi.claimable`` when it is first used.
"""

# ruff: noqa: F403, F405
from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .mi.claimable import *

__version__ = "0.1.0"

# Written out, so that type checkers and editors see it; tests/test_wheel.py compares it
# with the list in mi.claimable.
__all__ = [
    "Contrast",
    "Interval",
    "Refusal",
    "Sample",
    "__version__",
    "against_one_set",
    "against_random_sets",
    "clustered_mean",
    "faithfulness",
    "mean",
    "median",
    "outcomes",
    "over_runs",
    "paired",
    "proportion",
    "ratio_difference",
    "ratio_of_sums",
    "similarity",
    "two_proportions",
    "unpaired",
    "unpaired_summary",
]


def _home(package: str) -> str:
    """Where `package` ("mi" or "ledger") is importable from.

    The wheel carries it inside `mi_assay`; in a checkout it is a top-level package.
    Exactly one home is used, and the inner one wins: importing the same file under
    two names would give two copies of each class, and `isinstance` would then fail
    between a test and the plugin.
    """
    return f"{__name__}.{package}" if find_spec(f".{package}", __name__) else package


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{_home('mi')}.claimable"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
