import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.autointerp import delphi_engine as engine
from mi.autointerp.latent_examples import Example
from mi.autointerp.marks import true_marks
from mi.autointerp.scorer import DETECTION, FUZZING, Question
from mi.refusal import Refusal
from mi.subjects.errors import NotHere

LENGTH = 8


def firings(seed, n_windows=60, length=LENGTH):
    """Where a made-up latent fires: windows ascending, as the caches have it."""
    rng = np.random.default_rng(seed)
    on = rng.random((n_windows, length)) < 0.15
    window, offset = np.nonzero(on)
    return window, offset, rng.gamma(2.0, 1.0, len(window)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.sampled_from([(20, 10), (20, 5), (10, 10), (12, 3)]))
def test_as_many_of_each_decile_and_no_window_twice(seed, sizes):
    n, deciles = sizes
    window, offset, activation = firings(seed)
    params = {"n_windows": 60, "length": LENGTH, "n": n, "deciles": deciles}
    drawn = engine.draw_by_decile(window, offset, activation, **params, seed=seed)
    assert len({d.window for d in drawn}) == n
    assert [d.decile for d in drawn] == [k for k in range(deciles) for _ in range(n // deciles)]
    dense = np.zeros((60, LENGTH), dtype=np.float32)
    dense[window, offset] = activation
    assert all(d.activations == tuple(dense[d.window].tolist()) for d in drawn)
    strongest = np.sort(dense.max(1)[dense.any(1)])[::-1]
    part = len(strongest) // deciles
    for d in drawn:
        bounds = strongest[d.decile * part], strongest[(d.decile + 1) * part - 1]
        assert bounds[1] <= max(d.activations) <= bounds[0]
    assert drawn == engine.draw_by_decile(window, offset, activation, **params, seed=seed)


def test_other_seeds_draw_other_windows():
    params = {"n_windows": 60, "length": LENGTH, "n": 10, "deciles": 5}
    seen = {tuple(d.window for d in engine.draw_by_decile(*firings(0), **params, seed=s)) for s in range(20)}
    assert len(seen) > 15


@pytest.mark.parametrize(("n", "deciles"), [(25, 10), (0, 10), (60, 10), (9, 10)])
def test_numbers_that_delphi_would_change_without_a_word(n, deciles):
    with pytest.raises(Refusal, match="a multiple of the deciles"):
        engine.draw_by_decile(*firings(0), n_windows=60, length=LENGTH, n=n, deciles=deciles, seed=0)
    module = engine.load("delphi.latents.samplers")
    with engine.own_dice(0):
        examples = [engine.load("delphi.latents.latents").ActivatingExample(None, None) for _ in range(40)]
        assert len(module.split_quantiles(examples, deciles, n)) != n or n == 0


def test_the_dice_of_others_are_left_alone():
    torch.manual_seed(5)
    random.seed(5)
    wanted = torch.rand(1), random.random()
    torch.manual_seed(5)
    random.seed(5)
    engine.draw_by_decile(*firings(1), n_windows=60, length=LENGTH, n=10, deciles=5, seed=3)
    assert (torch.rand(1), random.random()) == wanted
    torch.manual_seed(5)
    with pytest.raises(KeyError), engine.own_dice(1):
        raise KeyError
    assert torch.rand(1) == wanted[0]


def test_windows_are_taken_as_they_were_cut():
    """delphi's center_examples=False joins neighbouring windows, which here are of other documents."""
    window, offset, activation = firings(2)
    drawn = engine.draw_by_decile(window, offset, activation, n_windows=60, length=LENGTH, n=20, deciles=10, seed=0)
    constructors, latents = engine.load("delphi.latents.constructors"), engine.load("delphi.latents.latents")
    config = engine.load("delphi.config").ConstructorConfig(
        example_ctx_len=LENGTH, min_examples=0, n_non_activating=0, center_examples=False
    )
    places = torch.from_numpy(np.stack([window // 3, window % 3 * LENGTH + offset, window], 1))
    fired = latents.ActivationData(places, torch.from_numpy(activation))
    numbers = torch.arange(60).repeat_interleave(LENGTH).reshape(-1, 3 * LENGTH)  # several windows to a row
    with engine.own_dice(0):
        record = constructors.constructor(
            latents.LatentRecord(latents.Latent("", 0)), fired, config, tokens=numbers, tokenizer=None
        )
    assert any(len(set(e.tokens.tolist())) > 1 for e in record.examples)
    assert all(len(d.activations) == LENGTH for d in drawn)


def test_non_activating_windows_of_delphi_repeat():
    """Why its own are not used: 50 of 100 drawn with replacement."""
    with engine.own_dice(0):
        found = engine.load("delphi.latents.constructors").random_non_activating_windows(
            torch.arange(100), torch.arange(100)[:, None], 50, _Numbers()
        )
    assert len({int(e.tokens[0]) for e in found}) < 45


def example(activations, tokens=None, **about):
    tokens = tokens or tuple(f" w{k}" for k in range(len(activations)))
    return Example("d:1", tokens, tuple(activations), any(activations), **about)


def test_an_explanation_is_asked_for_with_the_strongest_tokens_shown():
    messages = engine.explainer_prompt([example([0.0, 4.0, 1.0]), example([2.0, 0.0, 0.0])])
    asked = messages[-1]["content"]
    assert " w0<< w1>>" in asked
    assert '(" w1" : 10)' in asked.replace("  ", " ")
    assert "[EXPLANATION]:" in "".join(m["content"] for m in messages)


@pytest.mark.parametrize("kind", [DETECTION, FUZZING])
def test_questions_show_marks_in_fuzzing_only(kind):
    shown = tuple(example([0.0, 4.0, 1.0], marks=(1,)) for _ in range(3))
    asked = engine.question_prompt(Question(0, kind, "an explanation", shown))[-1]["content"]
    assert asked.count("Example ") >= 3
    assert "an explanation" in asked
    assert (" w0<< w1>> w2" in asked) is (kind == FUZZING)
    assert ("<<" in asked) is (kind == FUZZING)


@given(st.lists(st.floats(0, 8, width=32), min_size=1, max_size=9).filter(any))
def test_marks_are_highlighted_as_delphi_does(activations):
    ours = engine.highlighted(example(activations, marks=true_marks(activations)))
    latents = engine.load("delphi.latents.latents")
    theirs = latents.ActivatingExample(tokens=torch.zeros(len(activations)), activations=torch.tensor(activations))
    theirs.str_tokens = [f" w{k}" for k in range(len(activations))]
    sample = engine.load("delphi.scorers.classifier.sample")
    # delphi compares float32 with a threshold in float64: on the edge it may take either side.
    if not any(abs(a - 0.3 * max(activations)) <= 1e-6 * max(activations) for a in activations):
        assert ours == sample._prepare_text(theirs, 0, 0.3, True)[0]


def test_nobody_else_sees_the_stand_ins():
    """In a process of its own: what is not installed stays so for everybody else."""
    code = (
        "import sys, importlib.util\n"
        "from mi.autointerp.delphi_engine import load, _LEFT_OUT\n"
        "load('delphi.scorers'), load('delphi.latents')\n"
        "absent = [n for n in _LEFT_OUT if '.' not in n and importlib.util.find_spec(n) is None]\n"
        "print(absent, [n for n in absent if n in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "vllm" in done.stdout or engine._installed("vllm")


def test_a_delphi_that_is_not_there():
    with pytest.raises(NotHere, match="delphi is not installed"):
        engine.load("delphi.no_such_module")


class _Numbers:
    def batch_decode(self, ids):
        return [str(i) for i in ids]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_draw_is_that_of_delphis_constructor_and_sampler(which):
    window, offset, activation = firings(which)
    drawn = engine.draw_by_decile(window, offset, activation, n_windows=60, length=LENGTH, n=20, deciles=10, seed=5)
    constructors, latents = engine.load("delphi.latents.constructors"), engine.load("delphi.latents.latents")
    config = engine.load("delphi.config").ConstructorConfig(
        example_ctx_len=LENGTH, min_examples=0, n_non_activating=0, center_examples=True
    )
    places = torch.from_numpy(np.stack([window, offset, np.zeros_like(window)], 1))
    fired = latents.ActivationData(places, torch.from_numpy(activation))
    numbers = torch.arange(60)[:, None].expand(-1, LENGTH)
    with engine.own_dice(5):
        record = constructors.constructor(
            latents.LatentRecord(latents.Latent("", 0)), fired, config, tokens=numbers, tokenizer=None
        )
        chosen = engine.load("delphi.latents.samplers").split_quantiles(record.examples, 10, 20, 5)
    assert [(d.window, d.decile) for d in drawn] == [(int(e.tokens[0]), e.quantile) for e in chosen]
    assert [d.activations for d in drawn] == [tuple(e.activations.tolist()) for e in chosen]
