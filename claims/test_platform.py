"""The mechanistic interpretability platform: stability, circuits and refusal, from published counts."""

import pytest

from mi.claimable import mean, outcomes, unpaired


@pytest.mark.claim("platform.latents-reproduce-across-seeds")
def test_latents_reproduce_across_seeds(judge, counted):
    judge(counted("platform", "stable-latents"), above=0.3)


@pytest.mark.claim("platform.these-latents-are-stable")
def test_these_latents_are_stable(judge, counted):
    judge(counted("platform", "stable-latents"), above=0.3)


@pytest.mark.claim("platform.acdc-finds-most-ioi-heads")
def test_acdc_finds_most_ioi_heads(judge, counted):
    judge(counted("platform", "ioi-heads-found"), above=0.5)


@pytest.mark.claim("platform.factual-recall-circuit-is-faithful")
def test_factual_recall_circuit_is_faithful(judge, other_tables):
    # Only the mean over four prompts is published; four copies of it are all there is to judge.
    recall = other_tables["platform"]["factual-recall"]
    judge(mean([recall["faithfulness"]] * recall["prompts"]), above=0.5)


@pytest.mark.claim("platform.steering-removes-refusals")
def test_steering_removes_refusals(judge, other_tables):
    steered, baseline = (other_tables["platform"]["refusals-qwen2-0.5b"][arm] for arm in ("steered", "baseline"))
    judge(unpaired(outcomes(**steered), outcomes(**baseline)), below=0.0)
