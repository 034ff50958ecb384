"""microscope: feature-set circuits against random sets, their faithfulness, and what they drive in the model."""

import pytest

from mi.claimable import against_one_set, against_random_sets, faithfulness, mean


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


@pytest.mark.claim("microscope.latent-set-beats-random-sets")
def test_latent_set_beats_random_sets(judge, circuits, concept, layers, k, kind):
    judge(circuits.against_random(concept, k, kind, layers), above=0.0)


@pytest.mark.claim("microscope.latent-set-beats-most-random-sets")
def test_latent_set_beats_most_random_sets(judge, circuits, concept, layers, k, kind):
    judge(mean(circuits.sets_beaten(concept, k, kind, layers)), above=0.9)


@pytest.mark.claim("microscope.latent-set-keeps-the-ceiling")
def test_latent_set_keeps_the_ceiling(judge, circuits, concept, layers, k):
    judge(circuits.faithfulness(concept, k, layers), above=0.9)


@pytest.mark.claim("microscope.latent-set-builds-up")
def test_latent_set_builds_up(judge, circuits, concept, k, first):
    judge(circuits.buildup(concept, k, first), above=-0.02)


@pytest.mark.claim("microscope.latent-set-is-built-late")
def test_latent_set_is_built_late(judge, circuits, concept, k, first):
    judge(circuits.buildup(concept, k, first), above=0.1)


@pytest.mark.claim("microscope.latent-set-leak-is-small")
def test_latent_set_leak_is_small(judge, circuits, concept, layers, k, null):
    judge(circuits.leak(concept, k, layers, null), within=0.05)


@pytest.mark.claim("microscope.latent-set-of-nothing")
def test_latent_set_of_nothing(judge, circuits, concept, null, k):
    judge(circuits.of_nothing(concept, k, null), within=0.1)


@pytest.mark.claim("microscope.latent-set-of-an-inability")
def test_latent_set_of_an_inability(judge, circuits, concept, k):
    judge(circuits.of_nothing(concept, k, "none"), within=0.1)


@pytest.mark.claim("microscope.latent-set-of-nothing-is-faithful")
def test_latent_set_of_nothing_is_faithful(judge, circuits, concept, null):
    judge(circuits.faithfulness(concept, 20, null=null), above=0.9)


@pytest.mark.claim("microscope.latent-set-alone-drives-the-model")
def test_latent_set_alone_drives_the_model(judge, circuits, concept, attribution, layers, k, error):
    judge(circuits.kept(concept, attribution, k, error, layers), above=0.9)


@pytest.mark.claim("microscope.latent-set-alone-does-not-overshoot")
def test_latent_set_alone_does_not_overshoot(judge, circuits, concept, attribution, layers, k, error):
    judge(circuits.kept(concept, attribution, k, error, layers), below=1.25)


@pytest.mark.claim("microscope.latent-set-matters-more-than-random-sets")
def test_latent_set_matters_more_than_random_sets(judge, circuits, concept, attribution, k):
    judge(circuits.ablated_against_random(concept, attribution, k), above=0.0)


@pytest.mark.claim("microscope.latent-set-alone-beats-random-sets")
def test_latent_set_alone_beats_random_sets(judge, circuits, concept, attribution, k):
    judge(circuits.kept_against_random(concept, attribution, k), above=0.0)


@pytest.mark.claim("microscope.latent-set-is-specific")
def test_latent_set_is_specific(judge, circuits, concept, other, attribution, k):
    judge(circuits.spared(concept, other, attribution, k), above=0.9)
