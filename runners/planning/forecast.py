"""Forecast: what a run will build, where, for how long and for how much, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..money.purse import Purse
from ..recipe import Recipe
from ..text import clean

if TYPE_CHECKING:
    from .discovery import Wanted


def builds(todo: Sequence[Recipe], purse: Purse) -> Iterator[str]:
    """Lines: every build, in the order in which it may start."""
    if todo:
        yield "to be built, inputs first:"
        yield _line("", "minutes", "USD", "where", "recipe")
        for r in todo:
            yield _line("", f"{purse.minutes(r):.1f}", _usd(purse.estimate(r)), purse.price(r).where, clean(r))
        yield ""


def tests(todo: Sequence[Recipe], wanted: Sequence[Wanted], purse: Purse) -> Iterator[str]:
    """Lines: every test with what it needs. A build that several need is counted in each of their lines."""
    missing = {recipe.digest: recipe for recipe in todo}
    yield "tests, each with all that it needs and that is not there:"
    yield _line("builds", "minutes", "USD", "", "test")
    for test in wanted:
        needed = _needed(test.recipes, missing)
        yield _line(
            f"{len(needed)}{'+' * (test.cut is not None)}",
            f"{sum(purse.minutes(r) for r in needed):.1f}",
            _usd(sum(purse.estimate(r) for r in needed)),
            "not run" if test.skipped else "",
            test.name + (f": {test.skipped}" if test.skipped else ""),
        )
    if any(test.cut for test in wanted):
        yield "  + at least: the test reads a result before it asks for more"
    yield ""


def in_all(todo: Sequence[Recipe], wanted: Sequence[Wanted], purse: Purse) -> Iterator[str]:
    """Lines: the sum, each build counted once, and on what terms."""
    usd, minutes = purse.expected(todo)
    worst = sum(purse.worst(recipe) for recipe in todo)
    yield (
        f"{len(todo)} builds for {len(wanted)} tests: ${_usd(usd)} expected, ${_usd(worst)} at worst, in about "
        f"{minutes:.0f} minutes with {purse.width} at a time"
    )
    yield from purse.terms()


def _needed(recipes: Sequence[Recipe], missing: Mapping[str, Recipe]) -> list[Recipe]:
    found: dict[str, Recipe] = {}

    def visit(recipe: Recipe) -> None:
        if recipe.digest in missing and recipe.digest not in found:
            found[recipe.digest] = missing[recipe.digest]
            for below in recipe.inputs.values():
                visit(below)

    for recipe in recipes:
        visit(recipe)
    return list(found.values())


def _usd(usd: float) -> str:
    return f"{usd:.2f}" if usd >= 0.005 or usd == 0 else f"{usd:.4f}"


def _line(builds: str, minutes: str, usd: str, where: str, what: str) -> str:
    return f"{builds:>6} {minutes:>8} {usd:>8}  {where:<12}  {what}"
