"""Coders at one MLP of any subject: reconstruction, loss, domains, seeds, and the randomised model."""

import pytest

from mi.claimable import mean, over_runs, unpaired


@pytest.mark.claim("coders.reconstructs")
def test_reconstructs(judge, lab, coder):
    judge(lab.reconstruction(coder).ratio("sse", "sst"), below=0.2)


@pytest.mark.claim("coders.beats-control-coders")
def test_beats_control_coders(judge, lab, coder, control):
    trained, random = lab.reconstruction(coder), lab.reconstruction(coder, control)
    judge(random.ratio_minus(trained, "sse", "sst"), above=0.2)


@pytest.mark.claim("coders.latents-are-alive")
def test_latents_are_alive(judge, lab, coder):
    judge(mean(lab.latents(coder).sample("dead")), below=0.25)


@pytest.mark.claim("coders.trains-the-same-twice")
def test_trains_the_same_twice(judge, lab, engine):
    judge(mean(lab.trained_twice(engine).sample("identical")), above=0.95)


@pytest.mark.claim("coders.published-coders-are-reproduced")
def test_published_coders_are_reproduced(judge, lab, release, sae_id, site, published):
    judge(lab.pretrained(release, sae_id, site).ratio("sse", "sst", less=1 - published), within=0.03)


@pytest.mark.claim("coders.reconstructs-in-every-architecture")
def test_reconstructs_in_every_architecture(judge, lab, coder):
    judge(lab.reconstruction(coder).ratio("sse", "sst"), below=0.2)


@pytest.mark.claim("coders.keeps-the-loss")
def test_keeps_the_loss(judge, lab, coder):
    judge(lab.loss_recovered(coder).recovered("recovered_mean", "headroom_mean"), above=0.9)


@pytest.mark.claim("coders.l0-is-matched")
def test_l0_is_matched(judge, lab, other):
    sae, transcoder = lab.reconstruction("sae"), lab.reconstruction(other)
    judge(sae.relative_to(transcoder, "l0_sum"), within=0.05)


@pytest.mark.claim("coders.skip-connection-lowers-the-error")
def test_skip_connection_lowers_the_error(judge, lab):
    plain, skip = lab.reconstruction("transcoder"), lab.reconstruction("skip-transcoder")
    judge(plain.ratio_minus(skip, "sse", "sst"), above=0.0)


@pytest.mark.claim("coders.another-seed-explains-as-much")
def test_another_seed_explains_as_much(judge, lab):
    one, other = lab.reconstruction("sae"), lab.reconstruction("seed1")
    judge(one.ratio_minus(other, "sse", "sst"), within=0.02)


@pytest.mark.claim("coders.explains-more-than-on-a-randomised-copy")
def test_explains_more_than_on_a_randomised_copy(judge, lab, scheme, coder):
    real, random = lab.reconstruction(coder), lab.randomised(scheme).reconstruction(coder)
    judge(random.ratio_minus(real, "sse", "sst"), above=0.02)


@pytest.mark.claim("coders.crossing-domains-costs")
def test_crossing_domains_costs(judge, lab, domain):
    documents = lab.cross_domain().where("eval_b", float(domain == "code"), domain=domain)
    judge(documents.difference("sse_other", "sse_own", per="sst"), above=0.05)


@pytest.mark.claim("coders.domain-latents-know-their-domain")
def test_domain_latents_know_their_domain(judge, lab):
    scores = lab.selectivity()
    prose, code = scores.where("eval_b", 0, domain="prose"), scores.where("eval_b", 1, domain="code")
    judge(unpaired(prose.sample("score"), code.sample("score")), above=0.5)


@pytest.mark.claim("coders.nearest-decoder-neighbours-are-close")
def test_nearest_decoder_neighbours_are_close(judge, lab, coder):
    judge(lab.neighbours(coder).clustered("excess", "pair", unit="latent or mutual pair"), above=0.05)


@pytest.mark.claim("coders.decoders-agree-across-seeds")
def test_decoders_agree_across_seeds(judge, lab, against):
    judge(over_runs(lab.stability().sample(f"excess_{against}")), above=0.0)
