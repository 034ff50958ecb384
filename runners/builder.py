"""Builder: the function that a recipe names, found and checked before any work starts."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BuilderError
from .home import is_part_of, sibling
from .recipe import Recipe
from .surroundings import prepare


@dataclass(frozen=True)
class Builder:
    """A function ``f(out, *, progress, **inputs_and_params) -> facts | None``.

    Attributes:
        resumable: an interrupted build hands its folder to the next one (function attribute ``resumable = True``).
    """

    function: Callable[..., Mapping[str, Any] | None]
    resumable: bool


def builder_of(recipe: Recipe) -> Builder:
    """Import a recipe's builder and compare its keywords with what the recipe gives.

    Raises:
        BuilderError: no such function, or keywords that it does not take or misses.
    """
    prepare()
    module_name, _, name = recipe.build.partition(":")
    try:
        module = sibling(module_name)
    except ModuleNotFoundError as exc:
        if not is_part_of(exc.name, module_name):
            raise BuilderError(
                f"the builder {recipe.build} of {recipe} needs the module {exc.name!r}, which is not installed."
            ) from None
        raise BuilderError(f"no module {module_name!r}, the home of the builder of {recipe}.") from None
    function = getattr(module, name, None)
    if not callable(function):
        near = difflib.get_close_matches(name, dir(module), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise BuilderError(f"{module_name} has no function {name!r}, the builder of {recipe}.{hint}")
    _check_keywords(recipe, function)
    return Builder(function, bool(getattr(function, "resumable", False)))


def _check_keywords(recipe: Recipe, function: Callable[..., Any]) -> None:
    given = {"progress", *recipe.params, *recipe.inputs}
    wanted = list(inspect.signature(function).parameters.values())
    if not wanted or wanted[0].name != "out":
        raise BuilderError(
            f"{recipe.build}, the builder of {recipe}, is no builder: expected "
            "def build(out: Path, *, progress: Progress, ...), with the inputs and parameters as keywords."
        )
    takes = {p.name for p in wanted[1:] if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    needs = {p.name for p in wanted[1:] if p.name in takes and p.default is p.empty}
    anything = any(p.kind is p.VAR_KEYWORD for p in wanted)
    problems = [] if anything else [_unknown(name, takes) for name in sorted(given - takes)]
    problems += [f"{name!r} is missing" for name in sorted(needs - given)]
    if problems:
        raise BuilderError(f"{recipe.build} cannot build {recipe}: {'; '.join(problems)}. It takes {_listed(takes)}.")


def _unknown(name: str, takes: set[str]) -> str:
    near = difflib.get_close_matches(name, takes, 1)
    return f"{name!r} is not one of its keywords" + (f" (did you mean {near[0]!r}?)" if near else "")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names - {"progress"})) or "nothing"
