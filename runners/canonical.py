"""Canonical JSON: the one way to write a value down, so that it can be hashed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .errors import RecipeError

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_EXACT = (type(None), bool, int, str)


def checked(value: Any, where: str) -> Any:
    """A deep copy of ``value`` in plain JSON types; tuples become lists.

    Raises:
        RecipeError: NaN or infinity, a key that is not a string, or a type that JSON has not (a numpy number is one of
            them: two libraries may write it differently). ``where`` names the place in the message.
    """
    kind = type(value)
    if kind in _EXACT:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise RecipeError(f"{where} is {value}: expected a finite number, for JSON has no other. Leave it out.")
        return value
    if kind in (list, tuple):
        return [checked(v, f"{where}[{k}]") for k, v in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if type(key) is not str:
                raise RecipeError(
                    f"{where} has the key {key!r} ({type(key).__name__}): expected a string. Write {str(key)!r}."
                )
        return {key: checked(v, f"{where}[{key!r}]") for key, v in value.items()}
    raise RecipeError(
        f"{where} is {value!r:.80} ({kind.__module__}.{kind.__qualname__}): expected None, a bool, int, float, str, "
        "list or dict. Convert it where the recipe is made: float(x), str(path), sorted(a_set)."
    )


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, ASCII only: equal values have equal bytes on every platform."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def sha256_of(value: Any) -> str:
    """Hex digest of the canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()
