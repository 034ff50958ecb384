"""Directions: what was planted is found, every arm has one norm, and only training examples are used."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.coders.load import load_coder
from mi.probing.labelled import Labelled
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.steering.directions import FITTED, Directions, contrastive, difference_of_means, directions


def planted(seed, n=400, d=48):
    """Pairs that share a subject matter and differ by a small concept and a large nuisance of no fixed sign."""
    rng = np.random.default_rng(seed)
    concept, nuisance = np.linalg.qr(rng.normal(size=(d, 2)))[0].T
    labels = np.arange(n) % 2 == 0
    matter = rng.normal(size=(n, d))
    sides = np.where(labels, 1.0, -1.0)[:, None] * concept
    noise = rng.normal(size=(2, n, 1)) * 4 * nuisance
    here, there = matter + sides + noise[0], matter - sides + noise[1]
    return torch.tensor(here), torch.tensor(there), labels, torch.tensor(concept)


def cosine(a, b):
    return float(a @ b / a.norm() / b.norm())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 500))
def test_paired_differences_find_what_was_planted(seed):
    here, there, labels, concept = planted(seed, n=4_000)
    assert cosine(contrastive(here, there, labels), concept) > 0.95


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 500))
def test_the_difference_of_means_does_not_need_pairs(seed):
    here, _, labels, concept = planted(seed, n=4_000)
    assert cosine(difference_of_means(here, labels), concept) > 0.95


def pairwise_centred(here, there, labels):
    """IBM/activation-steering#8: principal component after centring each pair, which keeps what varies most."""
    rows = torch.cat([here, there]) - ((here + there) / 2).repeat(2, 1)
    return torch.linalg.svd(rows, full_matrices=False).Vh[0]


def unsigned(here, there, labels):
    return (here - there).mean(0)


@pytest.mark.parametrize("mutant", [pairwise_centred, unsigned])
def test_known_mistakes_miss_it(mutant):
    here, there, labels, concept = planted(3, n=4_000)
    assert abs(cosine(mutant(here, there, labels), concept)) < 0.95


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 10), st.integers(0, 100))
def test_turned_labels_turn_the_direction_and_scale_scales_it(scale, seed):
    here, there, labels, _ = planted(seed, n=40)
    torch.testing.assert_close(difference_of_means(here, ~labels), -difference_of_means(here, labels))
    torch.testing.assert_close(
        contrastive(scale * here, scale * there, labels), scale * contrastive(here, there, labels)
    )


@pytest.fixture(scope="module")
def built(directions_of, spec):
    return Directions.read(directions_of(spec, 128))


def residual(organism, texts):
    """``[n, d]`` after the third block at the last token, by Hugging Face's own outputs, one text at a time."""
    for text in texts:
        ids = organism.tokens([text]).ids
        with torch.no_grad():
            yield organism.hf(ids, output_hidden_states=True).hidden_states[3][0].double()


def test_the_builder_agrees_with_a_plain_loop(built, organism, artifacts, bundle):
    examples = Labelled(artifacts("examples", split="train", n=200))
    texts, labels = examples.texts[FITTED], torch.tensor(examples.labels[FITTED] == 1)
    states = list(residual(organism, texts))
    last = torch.stack([rows[-1] for rows in states])
    dom = last[labels].mean(0) - last[~labels].mean(0)
    other = torch.stack([rows[-1] for rows in residual(organism, examples.counterparts[FITTED])])
    caa = (torch.where(labels, 1.0, -1.0)[:, None] * (last - other)).mean(0)
    assert cosine(built.arms["dom"][0].double(), dom) > 0.99999
    assert cosine(built.arms["caa"][0].double(), caa) > 0.99999
    assert built.facts["raw_norms"]["dom"] == pytest.approx(float(dom.norm()), rel=1e-4)
    assert built.norm == pytest.approx(float(torch.cat([rows[1:] for rows in states]).norm(dim=-1).mean()), rel=1e-5)
    coder = load_coder(bundle(128) / "sae")
    z = coder.encode(last.float())
    gaps = z[labels].mean(0) - z[~labels].mean(0)
    assert built.facts["latent"]["index"] == int(gaps.abs().argmax())
    assert cosine(built.arms["latent"][0], gaps.sign()[gaps.abs().argmax()] * coder.W_dec[gaps.abs().argmax()]) > 0.9999


def test_every_arm_has_norm_1_and_the_drawn_ones_a_row_per_prompt(built, bundle):
    assert {name: len(rows) for name, rows in built.arms.items()} == {
        **{"dom": 1, "caa": 1, "latent": 1},
        **{"random": 128, "random-latent": 128},
    }
    for rows in built.arms.values():
        torch.testing.assert_close(rows.norm(dim=-1), torch.ones(len(rows)))
    spread = built.arms["random"] @ built.arms["random"].T
    assert float((spread - torch.eye(128)).abs().max()) < 0.6
    near = (built.arms["random-latent"] @ load_coder(bundle(128) / "sae").W_dec.T).max(-1)
    assert float(near.values.min()) > 0.9999
    assert not set(near.indices.tolist()) & set(built.facts["latent"]["top"])
    assert torch.equal(built.rows("random", 100, 28), built.arms["random"][100:])
    assert torch.equal(built.rows("dom", 100, 28), built.arms["dom"].expand(28, -1))
    with pytest.raises(Refusal, match="draws"):
        built.rows("random", 100, 29)


def test_the_mean_over_tokens_is_another_direction(directions_of, spec, built, organism, artifacts):
    mean = Directions.read(directions_of(spec, 128, pool="mean", batch_size=7))
    examples = Labelled(artifacts("examples", split="train", n=200))
    labels = torch.tensor(examples.labels[FITTED] == 1)
    rows = torch.stack([rows[1:].mean(0) for rows in residual(organism, examples.texts[FITTED])])
    assert cosine(mean.arms["dom"][0].double(), rows[labels].mean(0) - rows[~labels].mean(0)) > 0.99999
    assert cosine(mean.arms["dom"][0], built.arms["dom"][0]) < 0.99


def test_batches_do_not_matter(directions_of, spec, built):
    again = Directions.read(directions_of(spec, 128, batch_size=7))
    for name, rows in built.arms.items():
        torch.testing.assert_close(again.arms[name], rows, atol=1e-4, rtol=1e-4)


def test_without_counterparts_there_is_no_caa(directions_of, spec, artifacts, tmp_path):
    lines = (artifacts("examples", split="train", n=200) / "documents.jsonl").read_text().splitlines()
    alone = [json.dumps({**json.loads(line), "counterpart": None}) for line in lines]
    (tmp_path / "documents.jsonl").write_text("\n".join(alone))
    built = Directions.read(directions_of(spec, 128, examples=tmp_path))
    assert "caa" not in built.arms
    with pytest.raises(Refusal, match="counterpart"):
        built.rows("caa", 0, 4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": "test"}, "examples of test"),
        ({"n": 20}, "of one class"),
        ({"pool": "max"}, "pool"),
        ({"kind": "transcoder"}, "transcoder"),
    ],
)
def test_what_is_refused(change, words, artifacts, bundle, spec, tmp_path):
    about = {"split": "train", "n": 200, **{k: v for k, v in change.items() if k in ("split", "n")}}
    given = {"examples": artifacts("examples", **about), "coders": bundle(128, kind=change.get("kind", "sae"))}
    with pytest.raises(Refusal, match=words):
        directions(tmp_path, progress=SILENT, coder="sae", subject=spec, pool=change.get("pool", "last"), **given)


def test_vectors_of_another_norm_are_refused(directions_of, spec):
    from safetensors.torch import load_file, save_file

    folder = directions_of(spec, 128)
    arms = load_file(folder / "directions.safetensors")
    save_file({**arms, "dom": 2 * arms["dom"]}, folder / "directions.safetensors")
    with pytest.raises(Refusal, match="norm 2"):
        Directions.read(folder)
