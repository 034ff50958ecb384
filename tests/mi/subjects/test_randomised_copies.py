import pytest
import torch

from mi.subjects.errors import SpecError
from mi.subjects.load import load_hf
from mi.subjects.randomise import SCHEMES, randomise
from mi.subjects.tiny import ARCHITECTURES


@pytest.fixture(scope="module")
def hf_of(subject_of):
    return lambda architecture: subject_of(architecture).hf


def weights(model):
    return {name: tensor.detach().clone() for name, tensor in model.named_parameters()}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_laws_of_all_schemes(hf_of, architecture, scheme):
    hf = hf_of(architecture)
    before = weights(hf)
    torch.manual_seed(1)
    one = weights(randomise(hf, scheme, 5))
    torch.manual_seed(2)
    again = weights(randomise(hf, scheme, 5))
    other = weights(randomise(hf, scheme, 6))
    kept = {name for name in one if "emb" in name or "wte" in name or "lm_head" in name}
    kept = kept if scheme == "reinit-keep-embeddings" else set()
    assert all(before[name].equal(tensor) for name, tensor in weights(hf).items())
    assert all(one[name].equal(again[name]) for name in one)
    matrices = [name for name in one if one[name].dim() > 1 and name not in kept]
    for name in matrices:
        assert not one[name].equal(before[name])
        assert not one[name].equal(other[name])
    for i, name in enumerate(matrices):
        assert not any(one[name].shape == one[n].shape and one[name].equal(one[n]) for n in matrices[:i])
    for name in kept:
        assert one[name].equal(before[name])


def test_the_global_generator_is_left_alone(hf_of):
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    randomise(hf_of("neox"), "reinit", 0)
    assert torch.rand(3).equal(wanted)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_permuting_keeps_every_value(hf_of, architecture):
    hf = hf_of(architecture)
    for name, tensor in weights(randomise(hf, "permute", 0)).items():
        assert tensor.flatten().sort().values.equal(hf.get_parameter(name).flatten().sort().values)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_reinitialised_means_small_matrices_no_biases_neutral_norms(hf_of, architecture):
    model = randomise(hf_of(architecture), "reinit", 0)
    for name, tensor in model.named_parameters():
        if tensor.dim() > 1:
            assert 0.015 < float(tensor.std()) < 0.025
        elif name.endswith("bias"):
            assert not tensor.any()
    norm = next(m for m in model.modules() if "norm" in type(m).__name__.lower())
    x = torch.linspace(-2, 3, 32)[None]
    centred = x - x.mean() if "Layer" in type(norm).__name__ else x
    assert torch.allclose(norm(x), centred / centred.square().mean().sqrt(), atol=1e-3)


def test_matching_keeps_mean_and_spread_of_every_tensor(hf_of):
    hf = hf_of("neox")
    for name, tensor in randomise(hf, "reinit-std-matched", 0).named_parameters():
        old = hf.get_parameter(name)
        error = float(old.std() / tensor.numel() ** 0.5)
        assert abs(float(tensor.mean() - old.mean())) < 5 * error
        assert float(tensor.std() / old.std()) == pytest.approx(1, abs=4 / tensor.numel() ** 0.5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tied_embeddings_stay_tied(hf_of, scheme):
    model = randomise(hf_of("gpt2"), scheme, 0)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


def test_keeping_embeddings_changes_nothing_else_of_the_draw(hf_of):
    hf = hf_of("neox")
    plain, kept = weights(randomise(hf, "reinit", 4)), weights(randomise(hf, "reinit-keep-embeddings", 4))
    differing = {name for name in plain if not plain[name].equal(kept[name])}
    assert differing == {"gpt_neox.embed_in.weight", "lm_head.weight"}


def test_a_spec_with_a_seed_loads_the_same_copy(subject_of, texts):
    one, again, other = (subject_of("llama", weights="permute", weights_seed=s) for s in (7, 7, 8))
    batch = one.tokens(texts, 16)
    assert one.logits(batch).equal(again.logits(batch))
    assert not one.logits(batch).equal(other.logits(batch))
    hf = load_hf(one.spec | {"weights": "trained"})
    assert all(t.equal(one.hf.get_parameter(n)) for n, t in randomise(hf, "permute", 7).named_parameters())


def test_an_unknown_scheme_is_refused(hf_of):
    with pytest.raises(SpecError, match="shuffled"):
        randomise(hf_of("neox"), "shuffled", 0)
