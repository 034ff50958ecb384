"""NoiseFloor: how far a metric may move when nothing that matters changed; the default margin of an equivalence."""

from __future__ import annotations

from typing import NamedTuple

from .errors import RegistrationError

WORD = "noise-floor"


class NoiseFloor(NamedTuple):
    """One metric's.

    Attributes:
        margin: differences below this are tolerated between seeds, in the metric's own unit.
        source: where the number comes from.
    """

    margin: float
    source: str


# The spread itself is smaller: SAEBench reports .005 on average for sparse probing, outliers up to .03.
_SAEBENCH = "SAEBench 0.6.0, tolerance of its acceptance tests"
NOISE_FLOORS: dict[str, NoiseFloor] = {
    "probe accuracy": NoiseFloor(0.04, _SAEBENCH),
    "top-1 probe accuracy": NoiseFloor(0.04, _SAEBENCH),
    "TPP": NoiseFloor(0.04, _SAEBENCH),
    "auto-interp accuracy": NoiseFloor(0.04, _SAEBENCH),
    "absorption": NoiseFloor(0.06, _SAEBENCH),
    "SCR": NoiseFloor(0.08, _SAEBENCH),
    "FVU": NoiseFloor(0.02, _SAEBENCH + " (core)"),
}


def noise_floor(quantity: str, where: str) -> float:
    """The margin that ``within: noise-floor`` stands for.

    Raises:
        RegistrationError: nobody has stated how far this quantity may move.
    """
    if quantity not in NOISE_FLOORS:
        raise RegistrationError(
            f"{where}: within: {WORD}: no noise floor is known for {quantity!r}; expected one of "
            f"{', '.join(sorted(NOISE_FLOORS))}. State a margin, or add the floor with its source to ledger/noise_floor.py."
        )
    return NOISE_FLOORS[quantity].margin
