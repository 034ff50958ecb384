"""Number: a measured value and the range that it can honestly take."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite


@dataclass(frozen=True)
class Number:
    """A value, its possible range, and the interval that the court would give it, if any."""

    value: float
    lowest: float = -inf
    highest: float = inf
    interval: tuple[float, float] | None = None

    @property
    def problem(self) -> str | None:
        """Why nobody would believe the value, whatever it was measured on."""
        if not isfinite(self.value):
            return f"is {self.value}"
        if not self.lowest <= self.value <= self.highest:
            return f"is {self.value:g}, outside [{self.lowest:g}, {self.highest:g}]"
        return None

    def moved(self, other: Number) -> bool:
        """Whether ``other`` lies outside this number's interval."""
        return self.interval is not None and not self.interval[0] <= other.value <= self.interval[1]
