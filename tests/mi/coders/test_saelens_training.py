"""Training by SAELens from stored activations."""

import pytest
import torch
from coder_samples import OTHER, SITE

from mi.coders.coder import CoderFacts, CoderFault
from mi.coders.fidelity_checks import check_coder
from mi.coders.last_look import last_look
from mi.coders.load import load_bundle, load_coder
from mi.coders.native import load_native
from mi.coders.saelens_run import SiteInput
from mi.coders.train_saelens import train
from mi.progress import SILENT

pytestmark = pytest.mark.filterwarnings("ignore::mi.coders.advice.CoderAdvice")

BASE = {"n_latents": 48, "seed": 0}
CODERS = {
    "standard": {"architecture": "standard", "options": {"l1_coefficient": 0.2}, **BASE},
    "jumprelu": {"architecture": "jumprelu", "options": {"l0_coefficient": 0.2, "jumprelu_bandwidth": 0.5}, **BASE},
    "topk": {"architecture": "topk", "k": 4, **BASE},
    "batchtopk": {"architecture": "batchtopk", "k": 4, **BASE},
    "matryoshka": {"architecture": "matryoshka_batchtopk", "k": 4, **BASE},
}
SETTINGS = {"progress": SILENT, "site": SITE, "batch_rows": 256, "lr": 3e-3}
TOKENS = 65_536


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    facts = train(out, activations=world["path"], coders=CODERS, tokens=TOKENS, **SETTINGS)
    return out, facts["coders"]


def test_every_architecture_learns(trained):
    out, facts = trained
    for name in CODERS:
        assert facts[name]["fvu"] < 0.5, name
        curve = CoderFacts.read(out / name).training["curve"]
        assert curve["fvu"][-1] < curve["fvu"][0]


def test_adapters_equal_saelens_on_what_it_trained(trained, real):
    out, _ = trained
    for name, coder in load_bundle(out).items():
        failed = check_coder(coder, load_native(out / name), 2 * real[SITE], real).failed
        assert [f for f in failed if "FVU" not in f] == [], name


def test_the_scale_of_the_input_is_folded(trained, world):
    """The saved coder reconstructs rows as they are, though it was trained on rows of mean norm 4."""
    out, facts = trained
    seen = SiteInput.of([world["sites"]], SITE)
    assert abs(seen.scale - 1) > 0.2
    torch.testing.assert_close(seen.mean.float(), world["sites"][SITE].mean(0), rtol=1e-4, atol=1e-4)
    for name, coder in load_bundle(out).items():
        assert last_look({name: coder}, [world["sites"]])[name]["fvu"] == pytest.approx(facts[name]["fvu"], rel=1e-3)


def test_sparsity_is_what_was_asked_for(trained):
    _, facts = trained
    assert facts["topk"]["l0"] == pytest.approx(4, abs=0.1)
    for name in ("batchtopk", "matryoshka"):
        assert facts[name]["l0"] == pytest.approx(4, rel=0.35)


def test_how_it_was_trained_and_how_it_is_used(trained):
    out, _ = trained
    coder = load_coder(out / "matryoshka")
    assert (coder.architecture, coder.gate.name) == ("matryoshka_batchtopk", "jumprelu")
    assert (load_coder(out / "topk").facts.k, coder.facts.k) == (4, None)
    assert {p.name for p in (out / "topk").iterdir()} == {"cfg.json", "sae_weights.safetensors", "coder.json"}


def test_seeds_matter_and_neighbours_do_not(trained, world, tmp_path):
    out, _ = trained
    again = {"z": CODERS["batchtopk"], "b": {**CODERS["topk"], "seed": 1}, "a": {**CODERS["topk"], "site": OTHER}}
    train(tmp_path, activations=world["path"], coders=again, tokens=TOKENS, **SETTINGS)
    one, other = load_coder(tmp_path / "z").tensors(), load_coder(out / "batchtopk").tensors()
    assert all(torch.equal(one[t], other[t]) for t in one)
    assert not torch.equal(load_coder(tmp_path / "b").W_dec, load_coder(out / "topk").W_dec)


def test_every_coder_has_its_own_learning_rate(world, tmp_path):
    coders = {"slow": {**CODERS["topk"], "lr": 1e-6}, "fast": CODERS["topk"]}
    facts = train(tmp_path, activations=world["path"], coders=coders, tokens=8192, **SETTINGS)["coders"]
    assert facts["fast"]["fvu"] < 0.8 * facts["slow"]["fvu"]
    assert CoderFacts.read(tmp_path / "slow").training["lr"] == 1e-6


def test_short_runs_keep_the_threshold_of_batchtopk_honest(world, tmp_path):
    """The engine's running mean starts at 0: at its own rate a short run saves a coder with many times the L0 asked for."""
    coders = {
        "ours": CODERS["batchtopk"],
        "engine": {**CODERS["batchtopk"], "options": {"topk_threshold_lr": 0.01}},
    }
    facts = train(tmp_path, activations=world["path"], coders=coders, tokens=64 * 256, **SETTINGS)["coders"]
    assert facts["engine"]["l0"] > 1.3 * facts["ours"]["l0"]
    assert any("L0 of the saved coder" in w for w in facts["engine"]["warnings"])


@pytest.mark.parametrize(
    ("coder", "said"),
    [
        ({"architecture": "gated", **BASE}, "gated"),
        ({"architecture": "topk", **BASE}, "k = None"),
        ({"architecture": "standard", "k": 4, **BASE}, "k = 4"),
        ({"architecture": "standard", "l1": 4, **BASE}, "unexpected keyword"),
        ({"architecture": "standard", "site": "blocks.9.hook_mlp_out", **BASE}, "Harvest it"),
    ],
)
def test_settings_that_cannot_be_trained(world, tmp_path, coder, said):
    with pytest.raises(CoderFault, match=said):
        train(tmp_path, activations=world["path"], coders={"a": coder}, tokens=1024, **SETTINGS)


def test_unknown_options_of_the_engine_are_errors(world, tmp_path):
    coder = {**CODERS["standard"], "options": {"l1_coeff": 1.0}}
    with pytest.raises(CoderFault, match="l1_coeff"):
        train(tmp_path, activations=world["path"], coders={"a": coder}, tokens=1024, **SETTINGS)
