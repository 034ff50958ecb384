"""Continuations run again without a cache: what a condition says of itself has to give the same tokens and nats."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mi.progress import SILENT
from mi.refusal import Refusal
from mi.steering.choice import choose, require_chosen_on
from mi.steering.condition import Bench
from mi.steering.directions import Directions, require_sides, require_towards
from mi.steering.generate import Gumbel, Steps, generate
from mi.steering.perplexity import nats_per_token
from mi.steering.replay import replay

TEXTS = [" Anna lives in Rome. She works as a", " It is warm. Paul lives in Oslo. He works as a", " Rosa works as a"]
IDS = [f"p{k}" for k in range(len(TEXTS))]


@pytest.fixture(scope="module")
def bench(organism, directions_of, spec):
    along = Directions.read(directions_of(spec, 128))
    return Bench(organism, along, {"none": lambda texts: np.zeros(len(texts), dtype=np.int64)}, Gumbel(3), 6, 2)


@pytest.fixture(scope="module")
def run(bench):
    """``run(bench, arm)``: a condition; it replays itself."""

    def made(changed=bench, arm="dom", coefficient=0.5):
        with SILENT("generate", len(TEXTS), "prompts") as bar:
            return changed.run(IDS, TEXTS, bar, arm, coefficient)

    return made


@pytest.mark.parametrize("arm", ["baseline", "dom", "random"])
def test_a_condition_as_it_is_passes(run, arm):
    assert len(run(arm=arm).texts) == len(TEXTS)


def test_doses_that_are_not_the_conditions_are_refused(run, monkeypatch):
    call = Steps.__call__
    for wrong in (
        lambda self, value: 2 * call(self, value) - value,
        lambda self, value: call(self, value) if value.shape[1] > 1 else (call(self, value), value)[1],
    ):
        monkeypatch.setattr(Steps, "__call__", wrong)
        with pytest.raises(Refusal, match="below the largest"):
            run(coefficient=2.0)


def test_noise_that_prompts_share_is_refused(run, monkeypatch):
    row = Gumbel.row
    monkeypatch.setattr(Gumbel, "row", lambda self, key, *rest: row(self, "", *rest))
    with pytest.raises(Refusal, match="same noise"):
        run()


def test_nats_and_texts_that_are_not_the_continuations_are_refused(bench, run):
    outcome = run(arm="baseline")
    made = generate(bench.subject, TEXTS, IDS, noise=bench.noise, max_new_tokens=6, batch_size=2)
    assert np.allclose(outcome.nats, nats_per_token(bench.subject, made))
    with pytest.raises(Refusal, match="nats per token"):
        replay(bench, replace(outcome, nats=outcome.nats + 0.5), made, 0)
    with pytest.raises(Refusal, match="its continuation"):
        replay(bench, replace(outcome, texts=[a + b for a, b in zip(TEXTS, outcome.texts, strict=True)]), made, 0)
    with pytest.raises(Refusal, match="below the largest"):
        replay(replace(bench, noise=Gumbel(4)), outcome, made, 0)


def rows(split, *successes):
    about = {"split": split, "arm": "a", "fluent": True}
    return [{**about, "coefficient": k + 1.0, "success": s} for k, s in enumerate(successes)]


def test_a_choice_rests_on_the_recorded_validation_rows():
    log = rows("validation", 0.6, 0.5) + rows("test", 0.4, 0.9)
    require_chosen_on(choose(log[:2]), log)
    with pytest.raises(Refusal, match="best fluent row"):
        require_chosen_on(choose(rows("validation", 0.4, 0.9)), log)


def test_directions_lead_to_the_positive_side():
    rng = np.random.default_rng(0)
    positive = np.arange(80) % 3 > 0
    x = torch.from_numpy(rng.normal(size=(80, 6)) + 2 * positive[:, None])
    toward = torch.ones(6, dtype=torch.float64)
    require_towards({"dom": toward}, x, positive)
    with pytest.raises(Refusal, match="standard errors"):
        require_towards({"dom": -toward}, x, positive)
    others = torch.from_numpy(rng.normal(size=(80, 6)) + 2 * ~positive[:, None])
    sign = torch.from_numpy(np.where(positive, 1.0, -1.0))[:, None]
    require_sides((sign * (x - others)).mean(0), x, others, positive)
    with pytest.raises(Refusal, match="cosine"):
        require_sides((x - others).mean(0), x, others, positive)
