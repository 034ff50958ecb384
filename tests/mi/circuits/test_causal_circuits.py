"""The causal reading on the embedded model: end-points, places, means, gradients; and mutants that must not get through."""

import numpy as np
import pytest
import torch

from mi.circuits import causal
from mi.circuits.ablation import Ablation, require_in_place
from mi.circuits.answers import Answers
from mi.circuits.causal import integrated_gradients
from mi.circuits.circuit import Circuit
from mi.circuits.reference import Reference, reference
from mi.circuits.resumed import require_parity, resumed
from mi.organism.score import hugging_face, score
from mi.organism.world import examples, items
from mi.progress import SILENT
from mi.refusal import Refusal

SITE, LATE = "blocks.2.hook_resid_post", "blocks.3.hook_resid_post"


@pytest.fixture(scope="module")
def asked():
    return items("negation", "held-out", 7, 12)


@pytest.fixture(scope="module")
def answers(model, asked):
    return Answers(model, asked)


@pytest.fixture(scope="module")
def texts():
    return [example.text for example in examples("negated_job_outdoor", "train", 11, 60)]


@pytest.fixture(scope="module")
def ablation(model, make_exact, texts):
    coders = {"x": make_exact(SITE, model.d_model)}
    return Ablation(coders, reference(model, coders, texts, SILENT, 64))


@pytest.fixture(scope="module")
def clean(model, answers):
    return answers.differences(model.logits(answers.batch))


@pytest.mark.parametrize("tasks", [("negation", "agreement_2"), ("fact_emblem", "negated_refusal", "binding")])
def test_logit_differences_are_those_of_the_models_own_evaluation(model, tasks):
    from mi.organism.world import TASKS

    some = [item for task in tasks if task in TASKS for item in items(task, "held-out", 3, 9)]
    ours = Answers(model, some)
    expected = score(hugging_face(model.hf), model.tokenizer, some).logit_difference
    np.testing.assert_allclose(ours.differences(model.logits(ours.batch)), expected, atol=2e-4)


def test_answers_of_several_tokens_are_forced_one_by_one(model, asked):
    from dataclasses import replace

    long = [replace(item, answers_correct=(*item.answers_correct, " a teacher and a sailor")) for item in asked]
    ours = Answers(model, long)
    assert ours.last > 1
    expected = score(hugging_face(model.hf), model.tokenizer, long).logit_difference
    np.testing.assert_allclose(ours.differences(model.logits(ours.batch)), expected, atol=2e-4)


def test_with_everything_kept_the_model_is_itself_item_by_item(model, answers, ablation, clean):
    found = answers.differences(model.run_edited(answers.batch, ablation.without(None, answers.batch)))
    np.testing.assert_allclose(found, clean, atol=1e-4)
    everything = Circuit({"x": tuple(range(ablation.coders["x"].n_latents))})
    found = answers.differences(model.run_edited(answers.batch, ablation.only(everything, answers.batch)))
    np.testing.assert_allclose(found, clean, atol=1e-4)


def test_only_a_circuit_and_without_its_complement_are_one(model, answers, ablation):
    n = ablation.coders["x"].n_latents
    part, rest = Circuit({"x": tuple(range(0, n, 3))}), Circuit({"x": tuple(i for i in range(n) if i % 3)})
    arms = ablation.only(part, answers.batch), ablation.without(rest, answers.batch)
    one, other = (answers.differences(model.run_edited(answers.batch, arm)) for arm in arms)
    np.testing.assert_array_equal(one, other)


def test_an_empty_circuit_is_the_mean_of_the_site_and_touches_nothing_else(model, answers, ablation):
    require_in_place(model, answers.batch, ablation)
    read = model.run(answers.batch, [SITE], ablation.only(None, answers.batch))[1][SITE]
    before = model.activations(answers.batch, [SITE])[SITE]
    scored = answers.batch.scored
    mean = ablation.reference.site["x"]
    assert torch.allclose(read[scored], mean.expand_as(read[scored]), atol=1e-3)  # this coder leaves no error
    assert torch.equal(read[~scored], before[~scored])


def test_the_dose_is_exact(model, answers, ablation):
    """One latent of one position moves by its own distance from its mean, and the site by that times its row."""
    circuit = Circuit({"x": (4,)})
    read = model.run(answers.batch, [SITE], ablation.without(circuit, answers.batch))[1][SITE]
    before = model.activations(answers.batch, [SITE])[SITE]
    scored, coder = answers.batch.scored, ablation.coders["x"]
    z = coder.encode(before[scored])[:, 4]
    expected = (ablation.reference.latents["x"][4] - z)[:, None] * coder.W_dec[4]
    assert torch.allclose(read[scored] - before[scored], expected, atol=1e-4)


@pytest.mark.parametrize("size", [1, 7, 60])
def test_means_do_not_depend_on_the_batches(model, ablation, texts, size):
    again = reference(model, ablation.coders, texts, SILENT, 64, batch_size=size)
    for name in ("latents", "site", "error"):
        torch.testing.assert_close(getattr(again, name)["x"], getattr(ablation.reference, name)["x"], atol=1e-5, rtol=0)
    assert again.positions == ablation.reference.positions
    assert again.positions == int(model.tokens(texts, 64).scored.sum())


def test_rates_are_shares_of_positions(model, ablation, texts):
    batch = model.tokens(texts, 64)
    z = ablation.coders["x"].encode(model.activations(batch, [SITE])[SITE][batch.scored])
    np.testing.assert_allclose(ablation.reference.rates["x"], (z != 0).double().mean(0), atol=1e-12)


@pytest.mark.parametrize("site", [SITE, "blocks.0.hook_resid_post"])
def test_a_resumed_pass_is_the_whole_one(model, answers, ablation, site, make_exact):
    edit = {site: lambda x: x * 0.5, LATE: lambda x: x + 0.1}
    assert require_parity(model, answers.batch, site, answers.last, edit) < 1e-3
    before = model.logits(answers.batch)
    with pytest.raises(RuntimeError), resumed(model, answers.batch, site, 1):
        raise RuntimeError
    assert torch.equal(model.logits(answers.batch), before)  # nothing of it is left behind


def test_a_pass_cannot_be_resumed_within_a_block(model, answers):
    with pytest.raises(Refusal, match="resumed"), resumed(model, answers.batch, "blocks.2.hook_mlp_out", 1):
        pass


def test_two_coders_at_one_site_and_unknown_circuits_are_refused(model, texts, make_exact, ablation, answers):
    coders = {name: make_exact(SITE, model.d_model) for name in "ab"}
    with pytest.raises(Refusal, match="each at a site of its own"):
        reference(model, coders, texts[:2], SILENT, 64)
    with pytest.raises(Refusal, match="coders"):
        ablation.only(Circuit({"elsewhere": (1,)}), answers.batch)


def mean_of_the_last_batch(means):
    return {"latents": {"x": means.latents["x"] * 1.02 + 0.05}}


def mean_of_another_site(means):
    return {"site": {"x": means.site["x"].roll(1)}, "latents": {"x": means.latents["x"].roll(1)}}


@pytest.mark.parametrize("mutate", [mean_of_the_last_batch, mean_of_another_site])
def test_a_wrong_mean_is_caught_in_place(model, answers, ablation, mutate):
    wrong = Reference(**{**vars(ablation.reference), **mutate(ablation.reference)})
    with pytest.raises(Refusal, match="from the mean of"):
        require_in_place(model, answers.batch, Ablation(ablation.coders, wrong))


def test_an_ablation_of_padding_and_bos_is_caught(model, answers, ablation, monkeypatch):
    class Everywhere(Ablation):
        def _edit(self, name, batch, error, kept):
            from dataclasses import replace

            return super()._edit(name, replace(batch, scored=batch.attend), error, kept)

    with pytest.raises(Refusal, match="other positions"):
        require_in_place(model, answers.batch, Everywhere(ablation.coders, ablation.reference))


def test_gradients_agree_with_ablating_one_latent_at_a_time(model, ablation, asked):
    answers = Answers(model, asked)
    coder = ablation.coders["x"]
    effect = integrated_gradients(model, answers, coder, ablation.reference.latents["x"], steps=200)
    total = answers.differences(model.logits(answers.batch)).sum()
    emptied = answers.differences(model.run_edited(answers.batch, ablation.only(None, answers.batch))).sum()
    # Completeness: effects add up to the change along the path (Sundararajan et al. 2017, prop. 1).
    assert effect.sum() == pytest.approx(total - emptied, rel=0.02)
    top = int(np.argmax(np.abs(effect)))
    without = ablation.without(Circuit({"x": (top,)}), answers.batch)
    exact = total - answers.differences(model.run_edited(answers.batch, without)).sum()
    assert np.sign(exact) == np.sign(effect[top])


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory, organism, make_exact, model):
    """A bundle with an exact coder, gates that looked at its site, and labelled training texts."""
    import json

    from mi.coders.load import save_coder
    from mi.probing.examples import world

    home = tmp_path_factory.mktemp("causal")
    save_coder(make_exact(SITE, model.d_model), home / "coders" / "x")
    (home / "gates").mkdir()
    (home / "gates" / "gates.json").write_text(json.dumps({"subject": organism, "sites": [SITE]}), "utf-8")
    (home / "examples").mkdir()
    world(home / "examples", progress=SILENT, concept="negated_job_outdoor", split="train", seed=11, n=60)
    inputs = {name: home / name for name in ("coders", "gates", "examples")} | {"subject": organism}
    (home / "found").mkdir()
    causal.find(
        home / "found", progress=SILENT, names=["x"], tasks=["negation"], ks=[40], n_items=20, draws=20, **inputs
    )
    return inputs | {"circuits": home / "found"}


def test_the_builder_keeps_its_end_points_and_a_found_circuit_beats_random_ones(artifacts, tmp_path):
    from mi.unit_table import UnitTable

    said = causal.causal(
        tmp_path, progress=SILENT, tasks=["negation"], n_items=16, random_ks=[40], draws=20, **artifacts
    )
    table = UnitTable.read(tmp_path)
    assert table.facts["measurable"] is True
    assert max(said["full_off_by"], said["empty_off_by"]) < 1e-3
    np.testing.assert_allclose(table.column("none_ablated"), table.column("clean"), atol=1e-3)  # no error to ablate
    np.testing.assert_allclose(
        table.column("kept_k40_kept"), table.column("only_k40_kept") - table.column("all_kept"), atol=1e-9
    )
    for reading, sign in (("only", 1), ("without", -1)):
        sets = UnitTable.read(tmp_path / "random" / f"{reading}_matched_k40")
        assert len(sets.columns) == 20
        others = np.mean([values.mean() for values in sets.columns.values()])
        assert sign * (table.column(f"{reading}_k40_kept").mean() - others) > 1.0


def test_a_circuit_chosen_on_the_questions_is_refused(artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr(causal, "held_out_items", lambda n, seed, tasks: items("negation", "train", 5, 10))
    with pytest.raises(Refusal, match="chosen on"):
        causal.causal(tmp_path, progress=SILENT, tasks=["negation"], n_items=10, random_ks=[], **artifacts)


def test_a_splice_that_is_not_the_identity_is_caught(artifacts, tmp_path, monkeypatch):
    class Leaky(Ablation):
        def without(self, circuit, batch, error="kept"):
            return super().only(Circuit({"x": tuple(range(100))}), batch, error)

    monkeypatch.setattr(causal, "Ablation", Leaky)
    with pytest.raises(Refusal, match="a full circuit"):
        causal.causal(tmp_path, progress=SILENT, tasks=["negation"], n_items=8, random_ks=[], **artifacts)
