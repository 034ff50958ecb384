"""UnitTable: the per-unit numbers that come home from a measurement. Needs numpy only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .refusal import Refusal

FILE = "units.json"


@dataclass(frozen=True)
class UnitTable:
    """Columns of numbers, one row per independent unit.

    Attributes:
        unit: what a row is, e.g. ``"document"``.
        units: ``[n_units]`` ids, unique.
        columns: ``[n_units]`` float64 each; NaN where a unit has no value.
        facts: what else the measurement found out, in JSON.
    """

    unit: str
    units: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> UnitTable:
        """The table that :func:`write_units` left in ``folder``."""
        data = json.loads((folder / FILE).read_text("utf-8"))
        columns = {name: np.array(values, dtype=np.float64) for name, values in data["columns"].items()}
        return cls(data["unit"], tuple(data["units"]), columns, data["facts"])

    def column(self, name: str) -> NDArray[np.float64]:
        """``[n_units]`` one column.

        Raises:
            Refusal: no such column.
        """
        try:
            return self.columns[name]
        except KeyError:
            raise Refusal(
                f"column {name!r}", f"one of {', '.join(sorted(self.columns))}", "Name what was measured."
            ) from None


def write_units(
    out: Path,
    unit: str,
    units: Sequence[str],
    columns: Mapping[str, Iterable[float]],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write ``units.json`` into ``out``.

    Raises:
        Refusal: repeated ids, or a column that has not one number per unit.
    """
    if len(set(units)) != len(units):
        raise Refusal(f"{len(units)} ids, {len(set(units))} different", "one id per unit", "Merge rows of one unit.")
    table = {name: [None if np.isnan(v) else float(v) for v in values] for name, values in columns.items()}
    for name, values in table.items():
        if len(values) != len(units):
            raise Refusal(f"{len(values)} values in column {name!r}", f"{len(units)}, one per {unit}", "Align them.")
    text = json.dumps({"unit": unit, "units": list(units), "columns": table, "facts": dict(facts or {})})
    (out / FILE).write_text(text, "utf-8")
