"""microscope: steering along an SAE latent against the difference of means: as published, and measured here."""

import pytest

from mi.claimable import unpaired


@pytest.mark.claim("microscope.steer-v1")
def test_steer_v1(judge, generations):
    sae = generations("steer-v1-sae", coefficient=0, selected=True)
    dom = generations("steer-v1-dom", coefficient=0, selected=True)
    judge(unpaired(sae, dom), above=0.0)


@pytest.mark.claim("microscope.steer-sae-beats-dom")
def test_steer_sae_beats_dom(judge, generations):
    sae = generations("steer-v2-sae", direction="sae", coefficient=0.5, selected=True)
    dom = generations("steer-v2-dom", direction="dom", coefficient=0.5, selected=True)
    judge(unpaired(sae, dom), above=0.0)


@pytest.mark.claim("microscope.steer-dom-matches-sae")
def test_steer_dom_matches_sae(judge, generations):
    dom = generations("steer-v2-dom", direction="dom", coefficient=0.5, selected=True)
    sae = generations("steer-v2-sae", direction="sae", coefficient=0.5, selected=True)
    judge(unpaired(dom, sae), within=0.1)


@pytest.mark.claim("microscope.steering-works")
def test_steering_works(judge, generations, direction):
    steered = generations(f"steer-v2-{direction}", direction=direction, coefficient=0.5, selected=True)
    baseline = generations("steer-v2-baseline", coefficient=0, selected=False)
    judge(unpaired(steered, baseline), above=0.0)


@pytest.mark.claim("microscope.dom-steers")
def test_dom_steers(judge, steering):
    judge(steering.arm("dom") - steering.baseline(), above=0.1)


@pytest.mark.claim("microscope.caa-steers")
def test_caa_steers(judge, steering):
    judge(steering.arm("caa") - steering.baseline(), above=0.1)


@pytest.mark.claim("microscope.latent-steers")
def test_latent_steers(judge, steering):
    judge(steering.arm("latent") - steering.baseline(), above=0.1)


@pytest.mark.claim("microscope.dom-beats-chance")
def test_dom_beats_chance(judge, steering, control):
    judge(steering.arm("dom") - steering.arm(control, role="control"), above=0.0)


@pytest.mark.claim("microscope.caa-beats-chance")
def test_caa_beats_chance(judge, steering, control):
    judge(steering.arm("caa") - steering.arm(control, role="control"), above=0.0)


@pytest.mark.claim("microscope.latent-beats-chance")
def test_latent_beats_chance(judge, steering, control):
    judge(steering.arm("latent") - steering.arm(control, role="control"), above=0.0)


@pytest.mark.claim("microscope.latent-beats-dom")
def test_latent_beats_dom(judge, steering):
    judge(steering.arm("latent") - steering.arm("dom"), above=0.0)


@pytest.mark.claim("microscope.latent-matches-dom")
def test_latent_matches_dom(judge, steering):
    judge(steering.arm("latent") - steering.arm("dom"), within=0.1)


@pytest.mark.claim("microscope.caa-matches-dom")
def test_caa_matches_dom(judge, steering):
    judge(steering.arm("caa") - steering.arm("dom"), within=0.1)


@pytest.mark.claim("microscope.dom-is-fluent")
def test_dom_is_fluent(judge, steering):
    judge(steering.nats("dom") - steering.nats(), below=0.405)


@pytest.mark.claim("microscope.caa-is-fluent")
def test_caa_is_fluent(judge, steering):
    judge(steering.nats("caa") - steering.nats(), below=0.405)


@pytest.mark.claim("microscope.latent-is-fluent")
def test_latent_is_fluent(judge, steering):
    judge(steering.nats("latent") - steering.nats(), below=0.405)


@pytest.mark.claim("microscope.steering-judges-agree")
def test_steering_judges_agree(judge, steering):
    judge(steering.judges_agree(), above=0.9)
