"""microscope: probing, controls and auto-interp as reported, from published counts."""

import pytest

from mi.claimable import outcomes, proportion, unpaired, unpaired_summary


@pytest.mark.claim("microscope.probe-accuracy")
def test_probe_accuracy(judge, microscope):
    judge(proportion(**microscope["counts"]["probe"]), above=0.9)


@pytest.mark.claim("microscope.real-beats-randomised")
def test_real_beats_randomised(judge, probe_outcomes):
    real, randomised = probe_outcomes("real-vs-randomised")
    judge(real - randomised, above=0.0)


@pytest.mark.claim("microscope.real-beats-randomised-as-a-method")
def test_real_beats_randomised_as_a_method(judge, probe_outcomes):
    real, randomised = probe_outcomes("real-vs-randomised")
    judge(real - randomised, above=0.0)


@pytest.mark.claim("microscope.saebench-custom-below-residual")
def test_custom_sae_below_residual(judge, microscope):
    custom, residual = (microscope["counts"][f"saebench-{arm}"] for arm in ("custom", "residual"))
    judge(unpaired(outcomes(**custom), outcomes(**residual)), below=0.0)


@pytest.mark.claim("microscope.saebench-gemma-scope-above-residual")
def test_gemma_scope_above_residual(judge, microscope):
    scope, residual = (microscope["counts"][f"saebench-{arm}"] for arm in ("gemma-scope", "residual"))
    judge(unpaired(outcomes(**scope), outcomes(**residual)), above=0.0)


@pytest.mark.claim("microscope.transcoder-more-interpretable")
def test_transcoder_more_interpretable(judge, microscope, scorer, score):
    arms = microscope["summaries"][f"{scorer}-{score}"]
    judge(unpaired_summary(*arms["transcoder"], *arms["sae"], planned=microscope["latents_planned"]), above=0.0)


@pytest.mark.claim("microscope.transcoders-more-interpretable-as-a-method")
def test_transcoders_more_interpretable_as_a_method(judge, microscope):
    arms = microscope["summaries"]["7B-detection"]
    judge(unpaired_summary(*arms["transcoder"], *arms["sae"], planned=microscope["latents_planned"]), above=0.0)
