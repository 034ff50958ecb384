"""Every adapter computes what the library computes that the coder comes from, and nothing else passes for it."""

import torch
from coder_samples import SITE

from mi.coders import control_coder
from mi.coders.fidelity import random_rows
from mi.coders.fidelity_checks import check_coder
from mi.coders.linear_coder import Gate
from mi.coders.mutants import OF_ROWS, OF_WEIGHTS, NotApplicable

# Which bugs cannot be planted in which coder, written down so that none is left out by mistake.
EXEMPT = {
    "sparsify-sae": {
        "pre_bias_invented",
        "skip_dropped",
        "skip_transposed",
        "threshold_not_folded",
        "threshold_dropped",
    },
    "saelens-jumprelu-skip-transcoder": {
        "pre_bias_dropped",
        "pre_bias_doubled",
        "wrong_k",
        "norms_folded_into_topk",
    },
}


def test_adapter_equals_library(native_pair, outcome):
    _, _, name = native_pair
    assert outcome["failed"] == []
    labels = {c["name"] for c in outcome["checks"]}
    assert {"random: values", "real: reconstruction", "saved by us, read by the library", "site names"} <= labels
    # These decoders were made with norms far from 1; in one kind they are folded when it is read.
    assert bool(outcome["warnings"]) == (name != "saelens-topk-by-norm")


def test_every_planted_bug_is_caught(native_pair, outcome):
    _, _, name = native_pair
    assert set(outcome["mutants"]) == {*OF_WEIGHTS, *OF_ROWS}
    tried = {n: o["caught_by"] for n, o in outcome["mutants"].items() if "caught_by" in o}
    assert all(tried.values()), {n for n, by in tried.items() if not by}
    assert len(tried) >= 8
    if name in EXEMPT:
        assert set(outcome["mutants"]) - set(tried) == EXEMPT[name]


def test_bugs_are_silent(native_pair, real):
    """A mutant that raised or gave NaN would be caught by anything."""
    coder, _, _ = native_pair
    for mutate in OF_WEIGHTS.values():
        try:
            wrong = mutate(coder)
        except NotApplicable:
            continue
        y = wrong.reconstruct(real[coder.site_in])
        assert y.shape == real[SITE].shape
        assert y.isfinite().all()


def test_a_small_error_in_one_latent_is_caught(native_pair, real):
    coder, native, _ = native_pair
    z = coder.encode(real[coder.site_in])
    busiest = int((z > 0).sum(0).argmax())
    W_dec = coder.W_dec.clone()
    W_dec[busiest] *= 1.02
    assert check_coder(coder.changed(W_dec=W_dec), native, random_rows(real[coder.site_in], 0), real).failed


def test_saved_and_loaded_is_bit_equal(native_pair, tmp_path, real):
    from mi.coders.load import load_coder, save_coder

    coder, _, _ = native_pair
    save_coder(coder, tmp_path / "c")
    again = load_coder(tmp_path / "c")
    assert again.facts == coder.facts
    assert all(torch.equal(t, again.tensors()[n]) for n, t in coder.tensors().items())
    assert not list(tmp_path.rglob("*.pt"))


def test_control_format_holds_everything(native_pair, tmp_path):
    coder, _, _ = native_pair
    control_coder.write(coder, tmp_path)
    again = control_coder.read(tmp_path, coder.facts)
    assert again.tensors().keys() == coder.tensors().keys()
    assert all(torch.equal(t, again.tensors()[n]) for n, t in coder.tensors().items())
    assert again.gate.name == coder.gate.name


def test_scaling_latents_changes_nothing_where_it_must_not(native_pair, real):
    coder, _, _ = native_pair
    x = real[coder.site_in]
    scaled = coder.with_latents_scaled(torch.linspace(0.5, 2, coder.n_latents))
    if coder.gate.name in ("relu", "jumprelu"):
        torch.testing.assert_close(scaled.reconstruct(x), coder.reconstruct(x), rtol=1e-3, atol=1e-3)
    else:
        assert not torch.allclose(scaled.reconstruct(x), coder.reconstruct(x), rtol=1e-2, atol=1e-2)


def test_gates_by_hand():
    pre = torch.tensor([[3.0, -1.0, 2.0, 0.5], [-1.0, -2.0, -3.0, 1.0]])
    assert Gate("relu")(pre).tolist() == [[3, 0, 2, 0.5], [0, 0, 0, 1]]
    assert Gate("topk", k=2)(pre).tolist() == [[3, 0, 2, 0], [0, 0, 0, 1]]
    assert Gate("groupmax", k=2)(pre).tolist() == [[3, 0, 2, 0], [0, 0, 0, 1]]
    threshold = torch.tensor([3.0, 0.0, 1.0, 0.0])
    assert Gate("jumprelu", threshold=threshold)(pre).tolist() == [[0, 0, 2, 0.5], [0, 0, 0, 1]]
