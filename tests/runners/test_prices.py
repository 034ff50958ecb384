"""The table of prices, how long it is believed, and reading the provider's own."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from runners.errors import NotRunError, PricesTooOldError, RunnersError
from runners.money.prices import DATE, GPUS, LISTED, live, require_fresh

TODAY = DATE + timedelta(days=30)
# As clients print them: per hour, under modal's names, with things that are not ours.
TOLD = {
    "cpu_hour_cost": "0.04730",
    "cpu_hour_cost_sandbox": "0.141900",
    "mem_gib_hour_cost": "0.00800",
    "mem_gib_hour_cost_sandbox": "0.024000",
    "gpu_hour_cost_t4": "0.59000",
    "gpu_hour_cost_l4": "0.80000",
    "gpu_hour_cost_a10g": "1.10000",
    "gpu_hour_cost_l40s": "1.95000",
    "gpu_hour_cost_a100_40gb": "2.10000",
    "gpu_hour_cost_a100_80gb": "2.50000",
    "gpu_hour_cost_rtx6000": "3.03000",
    "gpu_hour_cost_h100": "3.95000",
    "gpu_hour_cost_h200": "4.54000",
    "gpu_hour_cost_b200": "6.25000",
    "gpu_hour_cost_b300": "7.10000",
    "volume_storage_gib_month_cost": "0.09000",
}


def told(**changes):
    known = {**TOLD, **changes}
    return {key: Decimal(usd) for key, usd in known.items() if usd is not None}


def test_a_container_is_its_gpu_its_cores_and_its_memory():
    assert LISTED.usd_per_second("H100", 4, 32) == pytest.approx(0.001097 + 4 * 0.0000131 + 32 * 0.00000222)
    assert LISTED.usd_per_second(None, 2, 8) == pytest.approx(2 * 0.0000131 + 8 * 0.00000222)


def test_an_eighth_of_a_core_is_charged_at_least():
    assert LISTED.usd_per_second(None, 0.01, 0) == LISTED.usd_per_second(None, 0.125, 0) == pytest.approx(1.6375e-6)


@pytest.mark.parametrize(
    ("gpu", "near"),
    [("A100", "A100-40GB or A100-80GB"), ("h100", "H100"), ("A10G", "A10"), ("RTX6000", "RTX-PRO-6000")],
)
def test_an_unknown_gpu_names_the_known_ones(gpu, near):
    with pytest.raises(RunnersError, match=rf"GPU '{gpu}' has no price: expected one of T4, L4.*Did you mean {near}\?"):
        LISTED.usd_per_second(gpu, 1, 1)
    with pytest.raises(RunnersError, match=r"B200\.$"):
        LISTED.usd_per_second("Zzz", 1, 1)


@pytest.mark.parametrize("days", [0, 180])
def test_prices_are_believed_for_half_a_year(days):
    require_fresh(LISTED, DATE + timedelta(days=days), ok=False)


def test_older_ones_only_if_somebody_says_so():
    late = DATE + timedelta(days=181)
    require_fresh(LISTED, late, ok=True)
    with pytest.raises(PricesTooOldError, match="2026-10-04, 181 days old") as caught:
        require_fresh(LISTED, late, ok=False)
    assert "--prices-ok" in caught.value.fix
    assert isinstance(caught.value, NotRunError)


def test_the_providers_own_prices_are_per_hour():
    found = live(told(), TODAY)
    assert found is not None
    assert set(found.gpu) == set(GPUS)
    assert found.gpu["A100-80GB"] == pytest.approx(2.5 / 3600)
    assert found.gpu["A10"] == pytest.approx(1.1 / 3600)
    assert found.core == pytest.approx(0.0473 / 3600)
    assert found.gib == pytest.approx(0.008 / 3600)
    assert found.date == TODAY
    assert found.source != LISTED.source


def test_they_may_also_be_per_second_and_differently_written():
    per_second = {f"GPU-{gpu}": usd for gpu, usd in GPUS.items()} | {"CPU": LISTED.core, "Memory": LISTED.gib}
    found = live(per_second, TODAY)
    assert found is not None
    assert (found.gpu, found.core, found.gib) == (GPUS, LISTED.core, LISTED.gib)


def test_a_changed_price_is_taken():
    found = live(told(gpu_hour_cost_h100="4.50"), TODAY)
    assert found is not None
    assert found.usd_per_second("H100", 0.125, 0) > LISTED.usd_per_second("H100", 0.125, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu_hour_cost_l4": None},
        {"cpu_hour_cost": None},
        {"mem_gib_hour_cost": None},
        {"gpu_second_cost_l4": "0.000222"},
        {"GPU_L4": "0.000222"},
        {"gpu_hour_cost_h100": "0.001097"},
        {"gpu_hour_cost_h100": "12.5"},
        {"gpu_hour_cost_h100": "1.2"},
        {"gpu_hour_cost_h100": "NaN"},
        {"gpu_hour_cost_h100": "-3.95"},
        {"mem_gib_hour_cost": "8"},
    ],
    ids=str,
)
def test_what_is_missing_ambiguous_or_implausible_is_not_taken(changes):
    assert live(told(**changes), TODAY) is None


def test_the_price_of_a_sandbox_is_not_ours():
    """It is three times as high, and within what is plausible."""
    assert live(told(cpu_hour_cost=None, cpu_hour_cost_sandbox="0.0473"), TODAY) is None


@pytest.mark.parametrize("rates", [{}, {"gpu": "x"}, {"cpu": None}, {"": "1"}])
def test_nonsense_is_no_table(rates):
    assert live(rates, date(2026, 1, 1)) is None
