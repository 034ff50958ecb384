"""Purse: what builds of one engine cost, before, while and after they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..engines.engine import Engine, Price
from ..recipe import Recipe
from .budget import Budget, dollars
from .prices import Rates, require_fresh
from .schedule import expected_minutes

ASSUMED = 10.0  # minutes of a build that nobody has estimated
SHORTEST, LONGEST = 300.0, 86_400.0  # seconds: limits of the limit
GRACE = 60.0  # seconds beyond its limit that a submission may take: a container that was taken away begins it anew
SLACK = 3.0  # estimates are good to such a factor; a build that was ended for nothing costs more than one that is late
TRIES = 2  # of a build whose worker was lost: once may be the machine's fault


@dataclass(frozen=True)
class _Live:
    began: float
    price: Price
    estimate: float


class Purse:
    """Money and time of builds on ``engine``. Without a budget nothing is refused and nothing written down."""

    def __init__(
        self, engine: Engine, budget: Budget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine, self._budget, self._clock = engine, budget, clock
        self._live: dict[str, _Live] = {}
        self._promised: dict[str, Recipe] = {}

    @property
    def width(self) -> int:
        """Builds at a time."""
        return self._engine.width

    @property
    def _rates(self) -> Rates | None:
        """Of an engine that sends bills."""
        return getattr(self._engine, "rates", None)

    def price(self, recipe: Recipe) -> Price:
        """Where it would be built, and what a second costs there."""
        return Price(0.0, "here") if recipe.here else self._engine.price(recipe.resources)

    def minutes(self, recipe: Recipe) -> float:
        """Expected minutes of one build."""
        return ASSUMED if recipe.resources.minutes is None else recipe.resources.minutes

    def estimate(self, recipe: Recipe) -> float:
        """Expected USD of one build."""
        price = self.price(recipe)
        return (60 * self.minutes(recipe) + price.idle) * price.usd_per_second

    def worst(self, recipe: Recipe) -> float:
        """USD of one build that runs into its time limit in every try."""
        price = self.price(recipe)
        return TRIES * (self.timeout(recipe) + GRACE + price.idle) * price.usd_per_second

    def timeout(self, recipe: Recipe) -> float:
        """Seconds after which a build is ended: three times the expected ones where time is money, else a day."""
        if self.price(recipe).usd_per_second == 0:
            return LONGEST
        return min(max(SLACK * 60 * self.minutes(recipe), SHORTEST), LONGEST)

    def expected(self, todo: Sequence[Recipe]) -> tuple[float, float]:
        """USD and minutes of all these, with as much at a time as the engine takes."""
        usd = sum(self.estimate(recipe) for recipe in todo)
        return usd, expected_minutes(todo, self.minutes, self.width)

    def require_approved(self, todo: Sequence[Recipe]) -> None:
        """Stop before something that is expected to be expensive or long.

        Elsewhere, everything that this session has agreed to counts together. Here, where tests ask one by one and nobody
        sends a bill, each request counts for itself.

        Raises:
            ApprovalNeededError: more than the gate lets through, and nobody has approved it.
            PricesTooOldError: nobody knows what it costs.
        """
        if self._budget is None:
            return
        if self._rates is not None and any(self.price(recipe).usd_per_second for recipe in todo):
            require_fresh(self._rates, datetime.now(UTC).date(), self._budget.prices_ok)
        promised = self._promised if self._engine.storage else {}
        together = promised | {recipe.digest: recipe for recipe in todo}
        everything = list(together.values())
        usd, minutes = self.expected(everything)
        kinds = sorted({recipe.build.partition(":")[2] for recipe in everything})
        buys = f"{len(everything)} builds ({', '.join(kinds[:6])}{', ...' if len(kinds) > 6 else ''})"
        self._budget.require_approved(usd, minutes, buys, sum(self.worst(recipe) for recipe in everything))
        self._promised = together

    def terms(self) -> Iterator[str]:
        """Lines about prices and what is left."""
        if self._rates is not None:
            yield f"prices of {self._rates.date}: {self._rates.source}"
        if self._budget is not None:
            left = self._budget.cap - self._budget.journal.total()
            yield f"left of the cap of {dollars(self._budget.cap)}: {dollars(max(left, 0.0))}; see python -m ledger budget"

    def start(self, key: str, recipe: Recipe) -> None:
        """A build is about to be handed to a worker: written down before that happens.

        Raises:
            CapReachedError: the budget has no room for it; nothing was written then.
        """
        price = self.price(recipe)
        if self._budget is not None and price.usd_per_second:
            committed = sum(max(live.estimate, self._cost(live)) for live in self._live.values())
            self._budget.admit(self.estimate(recipe), self.worst(recipe), committed)
            self._budget.journal.start(
                recipe,
                key=key,
                session=self._budget.session,
                engine=self._engine.name,
                gpu=price.where if recipe.resources.gpu else None,
                usd_per_second=price.usd_per_second,
                estimate_usd=self.estimate(recipe),
                worst_usd=self.worst(recipe),
            )
        self._live[key] = _Live(self._clock(), price, self.estimate(recipe))

    def end(self, key: str, how: str, charged: bool = True) -> None:
        """A build has ended, or was ended; ``charged`` is false if it never began.

        One of which nobody knows whether it goes on has no end: it counts as running here, and at its worst for others.
        """
        live = self._live.pop(key, None)
        if live is not None and self._budget is not None and live.price.usd_per_second:
            seconds = self._clock() - live.began
            self._budget.journal.end(key, usd=self._cost(live) if charged else 0.0, seconds=seconds, how=how)

    def _cost(self, live: _Live) -> float:
        # From the moment of submission: a wait for a worker is counted although nobody may charge for it.
        return (self._clock() - live.began + live.price.idle) * live.price.usd_per_second

    def watch(self) -> None:
        """Called while builds run.

        Raises:
            CapReachedError: what is running has used up the budget.
        """
        usd = sum(self._cost(live) for live in self._live.values())
        if self._budget is not None and usd:
            self._budget.require_below_cap(usd)
