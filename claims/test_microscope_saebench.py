"""microscope, measured here: SAEBench's own evaluations, through an adapter that is verified in the same run."""

import pytest

from mi.claimable import mean

CODER = "residual-sae"


@pytest.mark.claim("microscope.saebench-probes-agree-with-probes-here")
def test_saebench_probes_agree_with_probes_here(judge, saebench, concept, k):
    judge(mean(saebench.agreement(CODER, concept, f"sae_top_{k}")), above=0.95)


@pytest.mark.claim("microscope.saebench-best-latents-beat-best-dimensions")
def test_saebench_best_latents_beat_best_dimensions(judge, saebench, concept, k):
    found = saebench.sparse_probing(CODER, concept)
    judge(found.sample(f"sae_top_{k}") - found.sample(f"llm_top_{k}"), above=0.0)


@pytest.mark.claim("microscope.sae-probes-beat-logistic-regression")
def test_sae_probes_beat_logistic_regression(judge, saebench):
    found = saebench.sae_probes(CODER)
    judge(found.sample("sae_auc_k16") - found.sample("llm_auc"), above=0.0)
