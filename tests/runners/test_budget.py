"""The gate in front of a run and the cap over all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.errors import ApprovalNeededError, BudgetError, CapReachedError, NotRunError
from runners.money.budget import CAP_USD, VARIABLE, Budget, cap_usd, dollars
from runners.money.spending import Journal
from runners.recipe import Recipe

PLAIN = Recipe("toy_builders:write", 1, {"text": "a"})


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "spending.jsonl")


@pytest.fixture
def busy(journal):
    """$10 spent, $6 open elsewhere, $3 open here."""
    for key, session, worst in (("a", "theirs", 1.0), ("b", "theirs", 6.0), ("c", "mine", 3.0)):
        usd = {"usd_per_second": 0.001, "estimate_usd": 1.0, "worst_usd": worst}
        journal.start(PLAIN, key=key, session=session, engine="modal", gpu=None, **usd)
    journal.end("a", usd=10.0, seconds=1.0, how="built")
    return journal


@pytest.mark.parametrize(
    ("usd", "minutes", "asks"),
    [(5.0, 90.0, False), (5.01, 1, True), (0, 90.5, True), (0, 0, False), (4.99, 89, False), (100, 1000, True)],
)
def test_the_gate_is_at_5_dollars_and_90_minutes(journal, usd, minutes, asks):
    budget = Budget(journal, "mine")
    if asks:
        with pytest.raises(ApprovalNeededError):
            budget.require_approved(usd, minutes, "builds", usd)
    else:
        budget.require_approved(usd, minutes, "builds", usd)


def test_what_it_says(journal):
    with pytest.raises(ApprovalNeededError) as caught:
        Budget(journal, "mine").require_approved(7.4911, 42.4, "12 builds (train)", 18.2)
    text = str(caught.value)
    assert all(
        w in text for w in ("$7.49", "42 minutes", "at worst $18.20", "12 builds (train)", "$5.00", "90 minutes")
    )
    assert caught.value.fix.startswith("Add --approve=7.50,")


def test_what_was_approved_has_to_be_enough(journal):
    Budget(journal, "mine", approved=7.5).require_approved(7.5, 200, "builds", 9)
    with pytest.raises(ApprovalNeededError, match=r"Only \$7\.00 were approved"):
        Budget(journal, "mine", approved=7.0).require_approved(7.5, 1, "builds", 9)


def test_a_long_run_that_costs_nothing_is_approved_with_nothing(journal):
    with pytest.raises(ApprovalNeededError) as caught:
        Budget(journal, "mine").require_approved(0, 600, "builds", 0)
    assert "--approve=0.00" in caught.value.fix
    Budget(journal, "mine", approved=0.0).require_approved(0, 600, "builds", 0)


@given(st.floats(5.001, 1e4))
def test_the_option_that_it_names_is_the_one_that_lets_it_through(usd):
    with pytest.raises(ApprovalNeededError) as caught:
        Budget(None, "mine").require_approved(usd, 1, "builds", usd)
    approved = float(caught.value.fix.partition("--approve=")[2].partition(",")[0])
    assert usd - 1e-7 < approved < usd + 0.0101
    Budget(None, "mine", approved=approved).require_approved(usd, 1, "builds", usd)
    with pytest.raises(ApprovalNeededError):
        Budget(None, "mine", approved=approved - 0.01).require_approved(usd, 1, "builds", usd)


@pytest.mark.parametrize(
    ("estimate", "live", "fits"), [(4, 10, True), (4.01, 10, False), (14, 0, True), (0, 14.1, False)]
)
def test_spent_others_at_worst_live_and_estimate_stay_below_the_cap(busy, estimate, live, fits):
    budget = Budget(busy, "mine")
    if fits:
        budget.admit(estimate, 99.0, live)
    else:
        with pytest.raises(CapReachedError):
            budget.admit(estimate, 99.0, live)


def test_a_refused_build_names_every_figure(busy):
    with pytest.raises(CapReachedError) as caught:
        Budget(busy, "mine", cap=20).admit(4.5, 9.25, 1.5)
    text = str(caught.value)
    assert all(f"${usd}" in text for usd in ("10.00", "6.00", "1.50", "4.50", "9.25", "20.00"))
    assert all(w in caught.value.fix for w in ("python -m ledger budget", "--settle", "--budget=USD", VARIABLE))
    assert isinstance(caught.value, NotRunError)


def test_the_watchdog_counts_what_runs(busy):
    budget = Budget(busy, "mine")
    budget.require_below_cap(14.0)
    with pytest.raises(
        CapReachedError, match=r"the cap of \$30\.00 is reached: \$10\.00 were spent.*\$6\.00.*\$14\.01"
    ):
        budget.require_below_cap(14.01)
    busy.end("b", usd=0.5, seconds=1.0, how="settled")
    budget.require_below_cap(14.01)


def test_approval_does_not_lift_the_cap(busy):
    with pytest.raises(CapReachedError):
        Budget(busy, "mine", approved=1000.0).admit(20, 20, 0)


def test_the_cap_comes_from_the_option_the_environment_or_here(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert cap_usd() == CAP_USD == 30
    monkeypatch.setenv(VARIABLE, "12.5")
    assert (cap_usd(), cap_usd(3.0), cap_usd(0.0)) == (12.5, 3.0, 0.0)


@pytest.mark.parametrize("said", ["much", "-1", "nan", "inf"])
def test_a_cap_that_is_no_amount_is_refused(monkeypatch, said):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(BudgetError, match=rf"\${VARIABLE} is '{said}'"):
        cap_usd()
    with pytest.raises(BudgetError, match="--budget is"):
        cap_usd(said)


def test_cents_are_not_lost_in_the_text():
    assert [dollars(x) for x in (0, 1234.5, 0.42, 0.005, 0.0049, 1e-9)] == [
        "$0.00",
        "$1,234.50",
        "$0.42",
        "$0.01",
        "$0.0049",
        "$0.0001",
    ]
