"""Headroom, choice of the coefficient, number of prompts: what may be looked at, and what must not."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.refusal import Refusal
from mi.steering.choice import choose
from mi.steering.headroom import scan_prompts
from mi.steering.power import prompts_needed


def outcomes(successes, n=100):
    return np.arange(n) < successes


def test_the_candidate_nearest_one_half_is_taken():
    found = scan_prompts({"i": outcomes(100), "this-person": outcomes(56), "my-favorite": outcomes(81)})
    assert found.chosen == "this-person"
    assert not found.reasons
    assert found.scan["my-favorite"]["rate"] == 0.81


@pytest.mark.parametrize("rates", [(100, 98), (0, 3), (15, 100), (88, 2)])
def test_floor_and_ceiling_leave_no_room(rates):
    found = scan_prompts({f"c{k}": outcomes(rate) for k, rate in enumerate(rates)})
    assert "no headroom" in found.reasons[0]


def test_too_few_prompts_show_no_room_either():
    """microscope scanned 8 generations a prompt; at .5 of 8 the interval is [.16, .84], at 2 of 8 [.03, .65]."""
    assert not scan_prompts({"a": outcomes(4, 8)}).reasons
    assert scan_prompts({"a": outcomes(2, 8)}).reasons


rows = st.lists(
    st.builds(
        lambda arm, c, success, fluent: {
            **{"split": "validation", "arm": arm, "coefficient": c},
            **{"success": success, "fluent": fluent},
        },
        st.sampled_from(["dom", "latent"]),
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.integers(0, 4).map(lambda k: k / 4),
        st.booleans(),
    ),
    unique_by=lambda row: (row["arm"], row["coefficient"]),
)


@settings(deadline=None)
@given(rows)
def test_the_best_fluent_coefficient_and_never_0(swept):
    found = choose(swept)
    assert set(found) == {row["arm"] for row in swept}
    for arm, about in found.items():
        fluent = [r for r in swept if r["arm"] == arm and r["fluent"] and r["coefficient"] > 0]
        assert about["decided"] is bool(fluent)
        if fluent:
            best = max(r["success"] for r in fluent)
            assert about["coefficient"] == min(r["coefficient"] for r in fluent if r["success"] == best)


def test_test_prompts_decide_nothing():
    with pytest.raises(Refusal, match="chosen on test"):
        choose([{"split": "test", "arm": "dom", "coefficient": 1.0, "success": 1.0, "fluent": True}])


def test_the_number_of_prompts_gives_the_power_it_promises():
    """Bonett and Price's interval, by which claims are judged, on simulated pairs."""
    from mi.contrasts.difference import bonett_price

    rng = np.random.default_rng(0)
    for discordance, difference in ((0.3, 0.1), (0.2, 0.15)):
        n = prompts_needed(discordance, difference)
        p = ((discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance)
        draws = rng.multinomial(n, p, size=2_000)
        pivots = [bonett_price(int(a), int(b), n) for a, b, _ in draws]
        power = np.mean([pivot.centre - 1.96 * pivot.se > 0 for pivot in pivots])
        assert 0.76 < power < 0.85


def test_more_discordance_smaller_differences_and_more_power_need_more():
    for discordance, difference in product((0.1, 0.3, 0.6), (0.05, 0.1)):
        n = prompts_needed(discordance, difference)
        assert prompts_needed(discordance + 0.1, difference) > n
        assert prompts_needed(discordance, difference / 2) > n
        assert prompts_needed(discordance, difference, power=0.9) > n
