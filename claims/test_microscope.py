"""microscope: probing, controls and auto-interp as reported, from published counts."""

import pytest

from mi.claimable import unpaired


@pytest.mark.claim("microscope.probe-accuracy")
def test_probe_accuracy(judge, reported_outcomes):
    judge(reported_outcomes("probe"), above=0.9)


@pytest.mark.claim("microscope.real-beats-randomised")
def test_real_beats_randomised(judge, probe_outcomes):
    real, randomised = probe_outcomes("real-vs-randomised")
    judge(real - randomised, above=0.0)


@pytest.mark.claim("microscope.real-beats-randomised-as-a-method")
def test_real_beats_randomised_as_a_method(judge, probe_outcomes):
    real, randomised = probe_outcomes("real-vs-randomised")
    judge(real - randomised, above=0.0)


@pytest.mark.claim("microscope.saebench-custom-below-residual")
def test_custom_sae_below_residual(judge, reported_outcomes):
    judge(unpaired(reported_outcomes("saebench-custom"), reported_outcomes("saebench-residual")), below=0.0)


@pytest.mark.claim("microscope.saebench-gemma-scope-above-residual")
def test_gemma_scope_above_residual(judge, reported_outcomes):
    judge(unpaired(reported_outcomes("saebench-gemma-scope"), reported_outcomes("saebench-residual")), above=0.0)


@pytest.mark.claim("microscope.transcoder-more-interpretable")
def test_transcoder_more_interpretable(judge, reported_autointerp, scorer, score):
    judge(reported_autointerp(scorer, score), above=0.0)


@pytest.mark.claim("microscope.transcoders-more-interpretable-as-a-method")
def test_transcoders_more_interpretable_as_a_method(judge, reported_autointerp):
    judge(reported_autointerp("7B", "detection"), above=0.0)
