"""Prices: what a second costs, from a dated table or from the provider itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..errors import PricesTooOldError, RunnersError

DATE = date(2026, 10, 4)
SOURCE = "modal.com/pricing, list price; three copies agreed; region choice (x1.25 to 1.75) not included"
LIVE_SOURCE = "modal's own rates for this workspace; region choice (x1.25 to 1.75) not included"
MIN_CORES = 0.125
FRESH_DAYS = 180
PLAUSIBLE = 3.0  # a live rate further from the table than this factor is another unit or another thing

GPUS: Mapping[str, float] = {
    "T4": 0.000164,
    "L4": 0.000222,
    "A10": 0.000306,
    "L40S": 0.000542,
    "A100-40GB": 0.000583,
    "A100-80GB": 0.000694,
    "RTX-PRO-6000": 0.000842,
    "H100": 0.001097,
    "H200": 0.001261,
    "B200": 0.001736,
}
_CORE, _GIB = 0.0000131, 0.00000222

# What modal calls the same thing in its rates, letters and digits only.
_ALSO = {"A10": "a10g", "RTX-PRO-6000": "rtx6000"}
_UNITS = {"hour": 3600.0, "second": 1.0}
_FILLING = {"cost", "price", "rate", "usd", "per"}


@dataclass(frozen=True)
class Rates:
    """What resources cost.

    Attributes:
        gpu: USD per second, by kind.
        core: USD per second and physical core; at least 0.125 of one are charged.
        gib: USD per second and GiB of memory.
        date: of which day.
        source: in words, for the plan.
    """

    gpu: Mapping[str, float]
    core: float
    gib: float
    date: date
    source: str

    def usd_per_second(self, gpu: str | None, cores: float, gib: float) -> float:
        """Price of a container with one such GPU (None for none), physical cores and GiB of memory.

        Raises:
            RunnersError: a GPU that is not in the table.
        """
        if gpu is not None and gpu not in self.gpu:
            near = [g for g in self.gpu if g.startswith(gpu.upper())]
            near = near or difflib.get_close_matches(gpu.upper(), self.gpu, 1, 0.4)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise RunnersError(f"GPU {gpu!r} has no price: expected one of {', '.join(self.gpu)}.{hint}")
        return (self.gpu[gpu] if gpu else 0.0) + max(cores, MIN_CORES) * self.core + gib * self.gib


LISTED = Rates(GPUS, _CORE, _GIB, DATE, SOURCE)


def require_fresh(rates: Rates, today: date, ok: bool) -> None:
    """Refuse prices that nobody has looked at for 180 days, unless ``ok`` says that they may be used.

    Raises:
        PricesTooOldError: they are older.
    """
    age = (today - rates.date).days
    if age > FRESH_DAYS and not ok:
        raise PricesTooOldError(
            f"the prices are of {rates.date}, {age} days old ({rates.source}): no estimate made with them can be relied "
            f"on after {FRESH_DAYS} days.",
            "Let modal tell its own (a token and the network), compare runners/money/prices.py with modal.com/pricing, or take "
            "them as they are: --prices-ok.",
        )


def live(rates: Mapping[str, Any], today: date) -> Rates | None:
    """The same table from what modal's ``workspace.billing.rates()`` returns; None if it cannot be read beyond doubt.

    Its keys are documented nowhere. Seen in use are ``gpu_hour_cost_a100_80gb``, ``cpu_hour_cost`` and
    ``mem_gib_hour_cost``, in USD per hour, beside the dearer ``cpu_hour_cost_sandbox``. A key counts if nothing is left
    of it but the resource and its unit (none is a second). Every resource of the table has to be there once, within a
    factor of 3 of it.
    """
    found: dict[str, list[float]] = {}
    for key, value in rates.items():
        words = [w for w in re.split(r"[^a-z0-9]+", key.lower()) if w not in _FILLING]
        seconds = [_UNITS[w] for w in words if w in _UNITS]
        name = "".join(w for w in words if w not in _UNITS)
        try:
            usd = float(value)
        except (TypeError, ValueError):
            continue
        found.setdefault(name, []).append(usd / (seconds[0] if seconds else 1.0))
    gpus = {gpu: _one(found, _spellings(gpu), listed) for gpu, listed in GPUS.items()}
    core = _one(found, {"cpu", "cpucore"}, _CORE)
    gib = _one(found, {"memory", "mem", "memorygib", "memgib"}, _GIB)
    if core is None or gib is None or None in gpus.values():
        return None
    return Rates({gpu: usd for gpu, usd in gpus.items() if usd is not None}, core, gib, today, LIVE_SOURCE)


def _spellings(gpu: str) -> set[str]:
    plain = gpu.lower().replace("-", "")
    return {start + name for start in ("", "gpu") for name in (plain, _ALSO.get(gpu, plain))}


def _one(found: Mapping[str, list[float]], names: set[str], listed: float) -> float | None:
    """The only value under any of the names, if it is plausible."""
    values = [usd for name in names for usd in found.get(name, [])]
    plausible = len(values) == 1 and listed / PLAUSIBLE <= values[0] <= listed * PLAUSIBLE
    return values[0] if plausible else None
