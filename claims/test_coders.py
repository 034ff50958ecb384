"""Coders at one MLP of any subject: reconstruction, loss, domains, seeds, and the randomised model."""

import pytest

from mi.claimable import over_runs, unpaired


@pytest.mark.claim("coders.reconstructs")
def test_reconstructs(judge, lab, coder):
    judge(lab.reconstruction(coder).ratio("sse", "sst"), below=0.2)


@pytest.mark.claim("coders.reconstructs-in-every-architecture")
def test_reconstructs_in_every_architecture(judge, lab, coder):
    judge(lab.reconstruction(coder).ratio("sse", "sst"), below=0.2)


@pytest.mark.claim("coders.keeps-the-loss")
def test_keeps_the_loss(judge, lab, coder):
    judge(lab.loss_recovered(coder).recovered("recovered_mean", "headroom_mean"), above=0.9)


@pytest.mark.claim("coders.l0-is-matched")
def test_l0_is_matched(judge, lab):
    sae, transcoder = lab.reconstruction("sae"), lab.reconstruction("skip-transcoder")
    judge(sae.relative_to(transcoder, "l0_sum"), within=0.05)


@pytest.mark.claim("coders.skip-connection-lowers-the-error")
def test_skip_connection_lowers_the_error(judge, lab):
    plain, skip = lab.reconstruction("transcoder"), lab.reconstruction("skip-transcoder")
    judge(plain.ratio_minus(skip, "sse", "sst"), above=0.0)


@pytest.mark.claim("coders.another-seed-explains-as-much")
def test_another_seed_explains_as_much(judge, lab):
    one, other = lab.reconstruction("seed0"), lab.reconstruction("seed1")
    judge(one.ratio_minus(other, "sse", "sst"), within=0.02)


@pytest.mark.claim("coders.explains-more-than-on-a-randomised-copy")
def test_explains_more_than_on_a_randomised_copy(judge, lab, scheme):
    real, random = lab.reconstruction("sae"), lab.randomised(scheme).reconstruction("sae")
    judge(random.ratio_minus(real, "sse", "sst"), above=0.02)


@pytest.mark.claim("coders.crossing-domains-costs")
def test_crossing_domains_costs(judge, lab, domain):
    documents = lab.cross_domain().where("eval_b", float(domain == "code"))
    judge(documents.difference("sse_other", "sse_own", per="sst"), above=0.05)


@pytest.mark.claim("coders.domain-latents-know-their-domain")
def test_domain_latents_know_their_domain(judge, lab):
    scores = lab.selectivity()
    judge(unpaired(scores.where("eval_b", 0).sample("score"), scores.where("eval_b", 1).sample("score")), above=0.5)


@pytest.mark.claim("coders.decoders-agree-across-seeds")
def test_decoders_agree_across_seeds(judge, lab):
    judge(over_runs(lab.stability().sample("excess_geometric")), above=0.0)
