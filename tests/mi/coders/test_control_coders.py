"""Control coders: what each of them shares with its reference, and what it does not."""

import pytest
import torch
from coder_samples import SITE, SITE_IN

from mi.coders.coder import CoderFault
from mi.coders.controls import l0_matched_random, permuted_decoder, random_decoder
from mi.coders.fidelity_checks import check_coder
from mi.coders.last_look import last_look
from mi.coders.load import load_bundle, load_coder, save_coder
from mi.coders.train_saelens import train as train_saelens
from mi.coders.train_sparsify import train
from mi.progress import SILENT

pytestmark = pytest.mark.filterwarnings("ignore::mi.coders.advice.CoderAdvice")
BUILDERS = [random_decoder, permuted_decoder, l0_matched_random]


@pytest.fixture(scope="module")
def references(world, tmp_path_factory):
    """Three kinds by sparsify and one JumpReLU by SAELens, in one bundle."""
    out = tmp_path_factory.mktemp("references")
    kinds = {
        kind: {"kind": kind, "k": 4, "n_latents": 48, "seed": 0} for kind in ("sae", "transcoder", "skip-transcoder")
    }
    common = {"progress": SILENT, "activations": world["path"], "batch_rows": 256, "lr": 1e-2, "tokens": 32_768}
    train(out, coders=kinds, site_in=SITE_IN, site_out=SITE, optimizer="adam", **common)
    train_saelens(
        out, coders={"jump": {"architecture": "batchtopk", "k": 4, "n_latents": 48, "seed": 0}}, site=SITE, **common
    )
    return out


@pytest.fixture(scope="module", params=BUILDERS, ids=lambda b: b.__name__)
def controls(request, references, world, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param.__name__)
    facts = request.param(out, progress=SILENT, coders=references, activations=world["path"], seed=3)
    return request.param, out, facts["coders"]


def test_same_places_and_widths(controls, references):
    _, out, _ = controls
    made, known = load_bundle(out), load_bundle(references)
    assert made.keys() == known.keys()
    for name, coder in made.items():
        assert coder.facts.engine == "control"
        assert (coder.site_in, coder.site_out, coder.n_latents) == (
            known[name].site_in,
            known[name].site_out,
            known[name].n_latents,
        )


def test_controls_are_worse_than_what_they_control_for(controls, references, world):
    _, out, facts = controls
    for name, coder in load_bundle(out).items():
        reference = last_look({"r": load_coder(references / name)}, [world["sites"]])["r"]["fvu"]
        fvu = last_look({"c": coder}, [world["sites"]])["c"]["fvu"]
        assert fvu > reference + 0.1
        assert facts[name]["fvu"] == pytest.approx(fvu, rel=0.05)


def test_l0_is_matched_where_promised(references, world, tmp_path):
    facts = l0_matched_random(tmp_path, progress=SILENT, coders=references, activations=world["path"], seed=3)
    for name, coder in load_bundle(tmp_path).items():
        reference = last_look({"r": load_coder(references / name)}, [world["sites"]])["r"]["l0"]
        l0 = last_look({"c": coder}, [world["sites"]])["c"]["l0"]
        assert l0 == pytest.approx(reference, rel=0.05)
        assert facts["coders"][name]["reference_l0"] == pytest.approx(reference, rel=0.02)


def test_an_l0_that_random_latents_cannot_reach_is_refused(references, world, tmp_path):
    """A latent that is on for every row has no random counterpart with a threshold of at least 0."""
    jump = load_coder(references / "jump")
    dense = jump.changed(b_enc=jump.b_enc + 1e3)
    save_coder(dense, tmp_path / "dense" / "jump")
    with pytest.raises(CoderFault, match="as the coder it controls for has"):
        l0_matched_random(tmp_path / "o", progress=SILENT, coders=tmp_path / "dense", activations=world["path"])


def test_permuted_decoder_keeps_the_encoder_and_no_row_in_place(references, world, tmp_path):
    permuted_decoder(tmp_path, progress=SILENT, coders=references, activations=world["path"])
    for name, coder in load_bundle(tmp_path).items():
        reference = load_coder(references / name)
        x = world["sites"][coder.site_in][:500]
        assert torch.equal(coder.encode(x), reference.encode(x))
        assert not (coder.W_dec == reference.W_dec).all(-1).any()
        assert torch.equal(coder.W_dec.sort(0).values, reference.W_dec.sort(0).values)


@pytest.mark.parametrize("builder", [random_decoder, l0_matched_random])
def test_random_directions_are_unit_and_an_sae_reads_what_it_writes(builder, references, world, tmp_path):
    builder(tmp_path, progress=SILENT, coders=references, activations=world["path"])
    for coder in load_bundle(tmp_path).values():
        torch.testing.assert_close(coder.W_dec.norm(dim=1), torch.ones(48), rtol=1e-4, atol=1e-4)
        if coder.kind == "sae":
            cosine = torch.nn.functional.cosine_similarity(coder.W_enc, coder.W_dec, dim=1)
            assert float(cosine.min()) > 0.999
        assert coder.kind != "skip-transcoder"


def test_random_controls_are_no_straw_men(references, world, tmp_path):
    """Their common scale is fitted: no other factor on the activations reconstructs better."""
    random_decoder(tmp_path, progress=SILENT, coders=references, activations=world["path"])
    coder = load_coder(tmp_path / "sae")
    errors = [
        last_look({"c": coder.changed(W_dec=coder.W_dec * factor)}, [world["sites"]])["c"]["fvu"]
        for factor in (0.8, 1.0, 1.25)
    ]
    assert errors[1] == min(errors) < 1


def test_seed_decides(references, world, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        random_decoder(tmp_path / name, progress=SILENT, coders=references, activations=world["path"], seed=seed)
    a, b, c = (load_coder(tmp_path / n / "sae").W_dec for n in "abc")
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_controls_pass_what_a_coder_without_library_must_pass(controls, real):
    _, out, _ = controls
    for coder in load_bundle(out).values():
        assert check_coder(coder, None, real[coder.site_in], real).failed == []
