import pytest
import torch

from mi.subjects.errors import SubjectError
from mi.subjects.tiny import ARCHITECTURES

SITE = "blocks.1.hook_mlp_out"


@pytest.fixture(scope="module", params=ARCHITECTURES)
def subject(request, subject_of):
    return subject_of(request.param)


def test_every_layer_has_every_site(subject):
    assert len(subject.sites) == 6 * subject.n_layers
    assert subject.sites[0] == "blocks.0.hook_resid_pre"
    assert subject.sites[-1] == "blocks.3.hook_resid_post"


def test_stopping_early_reads_the_same(subject, texts):
    batch = subject.tokens(texts, 16)
    _, whole = subject.run(batch, subject.sites)
    for sites in (["blocks.0.hook_resid_pre"], [SITE, "blocks.1.mlp.hook_in"], list(subject.sites)):
        part = subject.activations(batch, sites)
        assert list(part) == sites
        assert all(part[site].equal(whole[site]) for site in sites)


def test_stopping_early_runs_no_later_layer_and_leaves_nothing_behind(subject, texts):
    batch = subject.tokens(texts, 16)
    before = subject.logits(batch)
    ran = []
    later = subject.hf.get_submodule(subject.places["blocks.2.hook_resid_post"].module)
    handle = later.register_forward_hook(lambda *_: ran.append(1))
    subject.activations(batch, [SITE])
    assert not ran
    assert subject.logits(batch).equal(before)
    assert ran
    handle.remove()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in subject.hf.modules())


def test_an_error_in_an_edit_leaves_no_hooks(subject, texts):
    batch = subject.tokens(texts, 16)
    with pytest.raises(ZeroDivisionError):
        subject.run_edited(batch, {SITE: lambda x: x / (1 // 0)})
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in subject.hf.modules())


def test_zeroing_a_layer_is_what_it_says(subject, texts):
    batch = subject.tokens(texts, 16)
    stem = "blocks.1"
    edits = {f"{stem}.hook_mlp_out": torch.zeros_like, f"{stem}.hook_attn_out": torch.zeros_like}
    _, acts = subject.run(batch, [f"{stem}.hook_resid_pre", f"{stem}.hook_resid_post"], edits)
    assert acts[f"{stem}.hook_resid_pre"].equal(acts[f"{stem}.hook_resid_post"])


@pytest.mark.parametrize("edit", [lambda x: None, lambda x: x[:, 1:], lambda x: x.double()])
def test_an_edit_has_to_return_what_can_take_the_place(subject, texts, edit):
    with pytest.raises(SubjectError, match=f"edit of {SITE} returned"):
        subject.run_edited(subject.tokens(texts, 16), {SITE: edit})


def test_an_edit_in_place_does_not_reach_what_was_read_before(subject, texts):
    batch = subject.tokens(texts, 16)
    clean = subject.run(batch, ["blocks.1.hook_resid_post"])[1]["blocks.1.hook_resid_post"]
    edit = {"blocks.2.hook_resid_pre": lambda x: x.mul_(0)}
    acts = subject.run(batch, ["blocks.1.hook_resid_post", "blocks.2.hook_resid_pre"], edit)[1]
    assert acts["blocks.1.hook_resid_post"].equal(clean)
    assert not acts["blocks.2.hook_resid_pre"].any()


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("blocks.9.hook_mlp_out", "layers 0 to 3"),
        ("blocks.1.hook_resid_mid", "Name a site"),
        ("hook_embed", "Name a site"),
        ("gpt_neox.layers.1.mlp", "Name a site"),
    ],
)
def test_an_unknown_site_says_what_there_is(subject, texts, site, said):
    with pytest.raises(SubjectError, match=said):
        subject.run(subject.tokens(texts, 16), [site])


def test_the_bridge_shares_the_weights_and_leaves_the_model_alone(subject, texts):
    batch = subject.tokens(texts, 16)
    before = subject.logits(batch)
    with torch.no_grad():
        other = subject.bridge(batch.ids, attention_mask=batch.attend.long())
    assert torch.allclose(other[batch.attend], before[batch.attend], atol=1e-3)
    kinds = {type(module).__module__.partition(".")[0] for module in subject.hf.modules()}
    assert "transformer_lens" not in kinds
    ours = {t.data_ptr() for t in subject.hf.parameters()}
    assert subject.hf.get_input_embeddings().weight.data_ptr() in ours
    assert any(t.data_ptr() in ours for t in subject.bridge.original_model.parameters())


def test_lowered_matrix_precision_is_not_inherited(subject, texts):
    seen = []
    batch = subject.tokens(texts, 16)
    torch.set_float32_matmul_precision("high")
    try:
        subject.stream(batch, {SITE: lambda _: seen.append(torch.get_float32_matmul_precision())})
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == ["highest"]


def test_a_module_that_runs_twice_is_no_site(subject_of, texts):
    subject = subject_of("neox")
    layers = subject.hf.gpt_neox.layers
    layers[2].mlp = layers[1].mlp
    with pytest.raises(SubjectError, match="another number of times"):
        subject.run(subject.tokens(texts, 16), [SITE])


def test_an_architecture_that_transformer_lens_does_not_know_says_so(subject_of, texts):
    subject = subject_of("neox")
    subject.hf.config.architectures = ["NobodyForCausalLM"]
    subject.folder = subject.folder / "nowhere"
    with pytest.raises(SubjectError, match="TransformerLens cannot wrap"):
        _ = subject.sites
