"""The mechanistic interpretability platform: stability, circuits and refusal, from published counts."""

import pytest

from mi.claimable import mean, outcomes, proportion, unpaired


@pytest.fixture
def tables(other_tables):
    return other_tables["platform"]


@pytest.mark.claim("platform.latents-reproduce-across-seeds")
def test_latents_reproduce_across_seeds(judge, tables):
    judge(proportion(**tables["stable-latents"]), above=0.3)


@pytest.mark.claim("platform.acdc-finds-most-ioi-heads")
def test_acdc_finds_most_ioi_heads(judge, tables):
    judge(proportion(**tables["ioi-heads-found"]), above=0.5)


@pytest.mark.claim("platform.factual-recall-circuit-is-faithful")
def test_factual_recall_circuit_is_faithful(judge, tables):
    # Only the mean over four prompts is published; four copies of it are all there is to judge.
    judge(mean([tables["factual-recall"]["faithfulness"]] * tables["factual-recall"]["prompts"]), above=0.5)


@pytest.mark.claim("platform.steering-removes-refusals")
def test_steering_removes_refusals(judge, tables):
    steered, baseline = (tables["refusals-qwen2-0.5b"][arm] for arm in ("steered", "baseline"))
    judge(unpaired(outcomes(**steered), outcomes(**baseline)), below=0.0)
