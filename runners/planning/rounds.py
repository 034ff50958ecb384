"""Rounds: a session before its tests run. What they need is found out, priced, and built all together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ..errors import BudgetError, CapReachedError, RunnersError
from ..recipe import Recipe
from ..session_runner import SessionRunner
from .discovery import Discovery, Wanted
from .forecast import builds, in_all, tests


def print_plan(runner: SessionRunner, items: Sequence[pytest.Item]) -> None:
    """Say what would be built for these tests. Nothing is; a storage elsewhere is asked what it has, if that is possible."""
    wanted = _wanted(runner, items)
    ask = bool(runner.conductor.todo(_recipes(wanted), ask=False))
    try:
        if ask:
            runner.require_usable()
    except RunnersError as exc:
        runner.progress.say(f"what lies in the storage of {runner.name} is not known: {exc}")
        ask = False
    todo = runner.conductor.todo(_recipes(wanted), ask=ask)
    purse = runner.conductor.purse
    runner.show([*builds(todo, purse), *tests(todo, wanted, purse), *in_all(todo, wanted, purse)])
    try:
        purse.require_approved(todo)
    except BudgetError as exc:
        runner.show([f"to run it: {exc.told}"])


def build_first(runner: SessionRunner, items: Sequence[pytest.Item]) -> None:
    """Build what these tests need, going on after failures: each test finds out for itself what became of its own.

    Raises:
        BudgetError: nobody has agreed to what it costs.
        RunnersError: the runner cannot be used.
    """
    wanted = _wanted(runner, items)
    recipes = _recipes(wanted)
    conductor = runner.conductor
    if conductor.todo(recipes, ask=False):
        runner.require_usable()
    todo = conductor.todo(recipes)
    if not todo:
        runner.progress.say("everything that these tests need is there: nothing is built")
        return
    runner.show([*builds(todo, conductor.purse), *in_all(todo, wanted, conductor.purse)])
    try:
        conductor.build_what_can_be(recipes)
    except CapReachedError as exc:  # some of it is there: the tests that have all they need can run
        runner.progress.say(exc.told)
        runner.incomplete = True


def _wanted(runner: SessionRunner, items: Sequence[pytest.Item]) -> list[Wanted]:
    discovery = Discovery(items)
    with runner.discovering(discovery), runner.progress("planning", len(items), "tests") as bar:
        return discovery.run(lambda: bar.update(1))


def _recipes(wanted: Sequence[Wanted]) -> list[Recipe]:
    return list(dict.fromkeys(recipe for test in wanted for recipe in test.recipes))
