"""Sample: one number per independent unit, keyed by unit id."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .refusal import Refusal

if TYPE_CHECKING:
    from .contrasts.contrast import Contrast

# Tokens of one document share that document: as units they make intervals 2 to 4 times too narrow.
_PARTS = frozenset({"token", "tokens", "position", "positions", "activation", "activations"})


@dataclass(frozen=True, eq=False)
class Sample:
    """One number (or one 0/1 outcome) per *independent* unit.

    Args:
        values: ``[n_units]`` finite numbers; outcomes are 0 and 1 (or booleans).
        units: ``[n_units]`` unit ids, unique. Needed for pairing: two samples are paired by id, never
            by position. Values are kept in the order of their ids, so that no result can depend on
            the order in which they came.
        quantity: what was measured, e.g. ``"test AUC"``.
        unit: what a unit is, e.g. ``"document"``. Tokens are refused: see ``clustered_mean``.
        support: the lowest and highest value the quantity can take; ``(0, 1)`` for outcomes.
        sources: digests of the artifacts that it was measured on.
        params: how it was really measured, in what JSON can say (numpy numbers and paths are
            converted); compared with what the claim registered.
        planned: units that were planned, if more than were scored; the rest count as excluded.
        selected_on: unit ids on which settings (a coefficient, a threshold) were chosen.

    Raises:
        Refusal: not one-dimensional, empty, NaN or infinite, outside ``support``, ids repeated or
            not as many as values.
    """

    values: NDArray[np.float64]
    units: tuple[str, ...]
    quantity: str | None
    unit: str | None
    support: tuple[float, float] | None
    sources: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    planned: int | None = None
    selected_on: tuple[str, ...] = ()

    def __init__(
        self,
        values: ArrayLike,
        units: Sequence[object] | None = None,
        *,
        quantity: str | None = None,
        unit: str | None = None,
        support: tuple[float, float] | None = None,
        sources: Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
        planned: int | None = None,
        selected_on: Sequence[object] = (),
    ) -> None:
        array = _finite(values)
        ids = () if units is None else tuple(str(u) for u in units)
        if units is not None:
            _check_ids(ids, len(array))
            order = sorted(range(len(ids)), key=ids.__getitem__)
            ids = tuple(ids[i] for i in order)
            array = array[order]
        if support is None and _is_binary(array):
            support = (0.0, 1.0)
        if support is not None:
            lo, hi = float(support[0]), float(support[1])
            if not -inf < lo < hi < inf:
                raise Refusal(f"support=({lo:g}, {hi:g})", "the lowest and the highest value", "Swap or widen them.")
            if array.min() < lo or array.max() > hi:
                raise Refusal(
                    f"values from {array.min():g} to {array.max():g} with support=({lo:g}, {hi:g})",
                    "every value inside the support",
                    "Check the scale of the values, or declare the true range.",
                )
            support = (lo, hi)
        if planned is not None and not planned >= len(array):
            raise Refusal(
                f"planned={planned} with {len(array)} values",
                "at least as many planned units as scored ones",
                "Give the number of units in the plan, before any was dropped.",
            )
        if selected_on and units is None:
            raise Refusal(
                "selected_on= without units=", "ids on both sides", "Without ids nobody can tell what was tested twice."
            )
        array.setflags(write=False)
        for name, value in (
            ("values", array),
            ("units", ids),
            ("quantity", quantity),
            ("unit", unit),
            ("support", support),
            ("sources", tuple(sources)),
            ("params", {str(k): _plain(v) for k, v in (params or {}).items()}),
            ("planned", planned),
            ("selected_on", tuple(str(u) for u in selected_on)),
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        what = f" {self.quantity}" if self.quantity else ""
        per = f" per {self.unit}" if self.unit else ""
        return f"<Sample{what}{per}: n={len(self)}, mean={self.values.mean():.4g}>"

    def __sub__(self, other: Sample) -> Contrast:
        """The paired difference ``self - other``; see :func:`mi.contrasts.difference.paired`."""
        if not isinstance(other, Sample):
            return NotImplemented
        from .contrasts.difference import paired

        return paired(self, other)

    @property
    def dependent(self) -> bool:
        """Whether the unit is a part of a document: ``token``, ``Token position``, ``SAE activations``."""
        words = (self.unit or "").split()
        return bool(words) and words[-1].casefold() in _PARTS

    @property
    def binary(self) -> bool:
        """Whether every value is 0 or 1 on a 0-to-1 scale."""
        return self.support == (0.0, 1.0) and _is_binary(self.values)

    @property
    def excluded(self) -> int:
        """Units that were planned and not scored."""
        return 0 if self.planned is None else self.planned - len(self)

    @property
    def ordered(self) -> NDArray[np.float64]:
        """``[n_units]`` the values in an order that does not depend on how they came."""
        return self.values if self.units else np.sort(self.values)

    @property
    def digest(self) -> str:
        """SHA-256 over ids and values: the identity of the data, whatever it was called."""
        h = hashlib.sha256()
        for u in self.units:
            h.update(u.encode() + b"\0")
        h.update(b"|" + np.ascontiguousarray(self.ordered).tobytes())
        return h.hexdigest()


def as_sample(data: Sample | ArrayLike, units: Sequence[object] | None = None) -> Sample:
    """Plain arrays become samples, so that every public entry point takes both."""
    if isinstance(data, Sample):
        return data
    return Sample(data, units)


def _plain(value: Any) -> Any:
    """A parameter as JSON says it, so that it can cross processes, be hashed, and be compared."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_plain(v) for v in items]
    if isinstance(value, PurePath):
        return value.as_posix()
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise Refusal(f"a parameter {value!r}", "text, finite numbers, true, false, null, lists and mappings", "Name it.")


def _is_binary(array: NDArray[np.float64]) -> bool:
    return bool(((array == 0.0) | (array == 1.0)).all())


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    try:
        given = np.asarray(values)
        array = np.array(given, dtype=np.float64) if given.dtype.kind in "biufO" else None
    except (TypeError, ValueError) as exc:
        raise Refusal(f"values that are not numbers ({exc})", "one number per unit", "Convert them first.") from None
    if array is None or isinstance(values, np.ma.MaskedArray):
        what = f"type {given.dtype}" if array is None else "a masked array"
        fix = "Convert them first; leave out what is masked and give planned=."
        raise Refusal(f"values that are not numbers ({what})", "one finite real number per unit", fix)
    if array.ndim != 1:
        raise Refusal(
            f"values of shape {array.shape}",
            "one number per independent unit, shape [n_units]",
            "Reduce to one number per document, latent, prompt or training run.",
        )
    if array.size == 0:
        raise Refusal("no values", "one number per unit", "Check what dropped them: nothing was measured.")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise Refusal(
            f"{bad.size} of {array.size} values are NaN or infinite (first at position {bad[0]})",
            "finite numbers",
            "Find out why; if the units are truly unscorable, drop them and give planned=.",
        )
    return array


def _check_ids(ids: tuple[str, ...], n: int) -> None:
    if len(ids) != n:
        raise Refusal(f"{n} values with {len(ids)} unit ids", "one id per value", "Pass units= of the same length.")
    if len(set(ids)) != n:
        name, times = Counter(ids).most_common(1)[0]
        raise Refusal(
            f"unit id {name!r} occurs {times} times",
            "one number per independent unit",
            "Repeated ids usually mean tokens or generations of one unit: reduce them with "
            "clustered_mean(values, clusters=ids), or give each independent unit its own id.",
        )
