"""microscope: feature-set circuits against random sets, and their faithfulness."""

import pytest

from mi.claimable import against_one_set, against_random_sets, faithfulness


@pytest.mark.claim("microscope.circuit-beats-its-random-set")
def test_circuit_beats_its_random_set(judge, probe_outcomes, circuit):
    ours, random_set = probe_outcomes(circuit)
    judge(ours - random_set, above=0.0)


@pytest.mark.claim("microscope.circuit-beats-random-sets")
def test_circuit_beats_random_sets(judge, probe_outcomes, circuit):
    ours, random_set = probe_outcomes(circuit)
    judge(against_random_sets(ours, [random_set]), above=0.0)


@pytest.mark.claim("microscope.every-k-beats-random-sets")
def test_every_k_beats_random_sets(judge, probe_outcomes, microscope, circuit):
    spread = microscope["between_set"]
    ours, random_set = probe_outcomes(circuit)
    judge(against_one_set(ours, random_set, between_set_sd=spread["sd"], between_set_df=spread["df"]), above=0.0)


@pytest.mark.claim("microscope.circuit-is-faithful")
def test_circuit_is_faithful(judge, disjoint_outcomes, circuit):
    judge(faithfulness(*disjoint_outcomes(circuit), chance=0.5), above=0.9)


@pytest.mark.claim("microscope.circuit-accuracy-ratio")
def test_circuit_accuracy_ratio(judge, disjoint_outcomes, circuit):
    judge(faithfulness(*disjoint_outcomes(circuit), chance=0.0), above=0.9)
