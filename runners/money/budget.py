"""Budget: whether something may be started for money. Arithmetic on the journal, and what to say when it may not."""

from __future__ import annotations

import os
from math import ceil, isfinite

from ..errors import ApprovalNeededError, BudgetError, CapReachedError
from .spending import Journal

GATE_USD, GATE_MINUTES = 5.0, 90.0
CAP_USD = 30.0
VARIABLE = "MI_ASSAY_BUDGET"


def cap_usd(given: float | str | None = None) -> float:
    """The cap over everything ever spent: what was given, or ``$MI_ASSAY_BUDGET``, or 30.

    Raises:
        BudgetError: no amount from 0 up.
    """
    said = os.environ.get(VARIABLE) or CAP_USD if given is None else given
    try:
        usd = float(said)
    except ValueError:
        usd = -1.0
    if not (isfinite(usd) and usd >= 0):
        where = f"${VARIABLE}" if given is None else "--budget"
        raise BudgetError(f"{where} is {said!r}: expected an amount in USD, such as 30.", "Give a number from 0 up.")
    return usd


class Budget:
    """The gate in front of a run, and the cap over all of them.

    Attributes:
        journal: what was spent, by everybody who writes to it.
        session: whose open starts are not counted, since whoever asks knows what they have come to. Each process that
            starts something needs one of its own.
        cap: USD, over everything in the journal.
        approved: USD that somebody agreed to for this run; None for nothing.
        prices_ok: whether somebody takes the price list as it is, however old.
    """

    def __init__(
        self,
        journal: Journal,
        session: str,
        cap: float = CAP_USD,
        approved: float | None = None,
        prices_ok: bool = False,
    ) -> None:
        self.journal, self.session, self.cap = journal, session, cap
        self.approved, self.prices_ok = approved, prices_ok

    def require_approved(self, usd: float, minutes: float, buys: str, worst_usd: float) -> None:
        """Stop before a run that is expected to cost over $5 or to take over 90 minutes.

        Args:
            usd: what the whole run is expected to cost.
            minutes: how long it is expected to take.
            buys: what it is for, such as ``"12 builds: 3 coders, 9 measurements"``.
            worst_usd: what it costs if every build takes as long as it may.

        Raises:
            ApprovalNeededError: it does, and nobody agreed to as much.
        """
        cents = ceil(round(usd * 100, 6))  # as somebody can type it, and never less than the estimate
        if usd <= GATE_USD and minutes <= GATE_MINUTES:
            return
        if self.approved is not None and round(self.approved * 100, 6) >= cents:
            return
        agreed = "" if self.approved is None else f" Only {dollars(self.approved)} were approved."
        raise ApprovalNeededError(
            f"this run is expected to cost {dollars(usd)} and to take {minutes:.0f} minutes, at worst "
            f"{dollars(worst_usd)}, for {buys}. Over {dollars(GATE_USD)} or {GATE_MINUTES:.0f} minutes somebody has to "
            f"agree.{agreed}",
            f"Add --approve={cents / 100:.2f}, or ask for less.",
        )

    def admit(self, estimate_usd: float, worst_usd: float, live_usd: float) -> None:
        """Stop before a build with which everything together is expected to exceed the cap.

        Args:
            estimate_usd: what the build is expected to cost.
            worst_usd: what it costs if it takes as long as it may.
            live_usd: what this session's running builds will have cost: their estimates, or more where it is more.

        Raises:
            CapReachedError: it would.
        """
        spent, others = self._sum()
        if spent + others + live_usd + estimate_usd > self.cap:
            raise CapReachedError(
                f"a build that is expected to cost {dollars(estimate_usd)} (at worst {dollars(worst_usd)}) does not fit "
                f"under the cap of {dollars(self.cap)}: {self._figures(spent, others, live_usd)}.",
                _WAYS,
            )

    def require_below_cap(self, live_usd: float) -> None:
        """Stop what is running when everything together has come to more than the cap.

        Args:
            live_usd: what this session's running builds have come to so far.

        Raises:
            CapReachedError: it has.
        """
        spent, others = self._sum()
        if spent + others + live_usd > self.cap:
            raise CapReachedError(
                f"the cap of {dollars(self.cap)} is reached: {self._figures(spent, others, live_usd)}.", _WAYS
            )

    def _sum(self) -> tuple[float, float]:
        return self.journal.spent(), self.journal.open_worst(self.session)

    @staticmethod
    def _figures(spent: float, others: float, live: float) -> str:
        return (
            f"{dollars(spent)} were spent, starts of other sessions without an end count {dollars(others)} (their worst "
            f"case), and running builds {dollars(live)}"
        )


_WAYS = (
    "See python -m ledger budget; settle a start there whose process was killed (--settle KEY=USD), or raise the cap: "
    f"--budget=USD or ${VARIABLE}."
)


def dollars(usd: float) -> str:
    """``$7.50``; a tenth of a cent is ``$0.0010``, and no nothing."""
    return f"${usd:,.2f}" if usd == 0 or usd >= 0.005 else f"${max(usd, 0.0001):.4f}"
