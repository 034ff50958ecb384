"""microscope: steering along an SAE latent against the difference of means, 16 generations an arm."""

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
