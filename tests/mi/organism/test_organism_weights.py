"""The shipped weights: checksums, size, loading, and whether they can do what the card says."""

import json

import pytest
from scipy.stats import binomtest

from mi.organism.card import BAR, CARD, MEASURED, missed_bars, render, shipped, wilson
from mi.organism.checksums import changed_files, write_checksums
from mi.organism.evaluate import held_out_items, item_columns
from mi.organism.world import TASKS
from mi.progress import SILENT

SEEDS = [name for name in shipped() if not name.endswith("-early")]
ABLE = [task for task, about in TASKS.items() if about.ability == "can"]


def test_at_least_three_seeds_and_an_early_one_in_16_megabytes(weights):
    assert {"seed0", "seed1", "seed2", "seed0-early"} <= set(shipped())
    assert sum(p.stat().st_size for p in weights.glob("*/model.safetensors")) <= 16e6


def test_nothing_has_changed_since_it_was_shipped():
    assert changed_files() == []


def test_checksums_notice(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    (tmp_path / "y").write_text("2")
    write_checksums(tmp_path)
    assert changed_files(tmp_path) == []
    (tmp_path / "a" / "x").write_text("1 ")
    (tmp_path / "y").unlink()
    (tmp_path / "z").touch()
    assert changed_files(tmp_path) == ["a/x", "y", "z"]


def test_the_card_is_rendered_from_what_was_measured():
    assert CARD.read_text("utf-8") == render(json.loads(MEASURED.read_text("utf-8")))


def test_every_bar_of_the_card_is_met():
    assert missed_bars(json.loads(MEASURED.read_text("utf-8"))) == []


@pytest.mark.parametrize("name", SEEDS)
def test_abilities_on_new_held_out_items(shipped, name):
    """100 items a task from a seed that the card does not use; refuted only if the bar is implausible."""
    asked = held_out_items(100, 31, [*ABLE, "binding"])
    columns, facts = item_columns(*shipped(name), asked, SILENT)
    for task in ABLE:
        n = facts["n"][task]
        hits = round(facts["accuracy"][task] * n)
        assert binomtest(hits, n, BAR, alternative="less").pvalue > 1e-3, f"{task}: {hits} of {n}"
    bound = facts["accuracy"]["binding"]
    assert binomtest(round(bound * 100), 100, 0.5).pvalue > 1e-4, "binding is a planted inability"
    assert len(columns["correct"]) == len(asked)


def test_arithmetic_has_floor_middle_and_ceiling():
    measured = json.loads(MEASURED.read_text("utf-8"))
    for name in SEEDS:
        grades = [v for task, v in measured[name]["trained"]["accuracy"].items() if task.startswith("arithmetic")]
        assert max(grades) > 0.9
        assert min(grades) < 0.1
        assert any(0.2 < g < 0.9 for g in grades)


def test_the_early_checkpoint_is_early():
    accuracy = json.loads(MEASURED.read_text("utf-8"))["seed0-early"]["trained"]["accuracy"]
    both_orders = (accuracy["indirect_object_abba"] + accuracy["indirect_object_baba"]) / 2
    assert max(both_orders, accuracy["fact"], accuracy["agreement_2"]) < 0.7


def test_losses_lie_between_the_world_and_the_trigram():
    for name, record in json.loads(MEASURED.read_text("utf-8")).items():
        facts = record["trained"]["loss_train"]["nats_per_token"]
        assert facts["world"] < facts["model"] < facts["trigram"] < facts["bigram"] < facts["unigram"], name


def test_wilson_is_wilson():
    low, high = wilson(0.9, 100)
    exact = binomtest(90, 100).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((exact.low, exact.high))


def test_scores_agree_with_plain_logits(shipped):
    """Log-odds and choices of single-token answers, computed the obvious way."""
    import numpy as np
    import torch

    model, tokenizer = shipped("seed0")
    asked = held_out_items(5, 3, ["fact", "agreement_1", "negation"])
    columns, _ = item_columns(model, tokenizer, asked, SILENT)
    for k, item in enumerate(asked):
        with torch.no_grad():
            p = torch.softmax(model(torch.tensor([tokenizer(item.prompt)["input_ids"]])).logits[0, -1].double(), -1)
        right, wrong = (
            [tokenizer(a, add_special_tokens=False)["input_ids"][0] for a in some]
            for some in (item.answers_correct, item.answers_wrong)
        )
        assert columns["logit_difference"][k] == pytest.approx(
            float(torch.log(p[right].sum() / p[wrong].sum())), abs=1e-3
        )
        assert columns["exact"][k] == (int(p.argmax()) in right)
        assert columns["preference"][k] == (p[right].sum() > p[wrong].sum())
    assert np.isfinite(columns["log_p"]).all()


def test_multi_token_answers_are_forced_token_by_token(shipped):
    import torch

    model, tokenizer = shipped("seed0")
    asked = held_out_items(5, 3, ["arithmetic_2d+2d"])
    columns, _ = item_columns(model, tokenizer, asked, SILENT)
    for k, item in enumerate(asked):
        prompt, whole = (tokenizer(t)["input_ids"] for t in (item.prompt, item.prompt + item.answers_correct[0]))
        with torch.no_grad():
            log_p = torch.log_softmax(model(torch.tensor([whole])).logits[0].double(), -1)
        total = sum(float(log_p[p - 1, whole[p]]) for p in range(len(prompt), len(whole)))
        assert columns["log_p"][k] == pytest.approx(total, abs=1e-3)
