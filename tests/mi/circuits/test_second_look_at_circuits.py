"""Circuits put together latent by latent, on a few items: the ablation agrees, and another circuit or error does not."""

import numpy as np
import pytest

from mi.circuits.ablation import Ablation
from mi.circuits.answers import Answers
from mi.circuits.circuit import Circuit
from mi.circuits.reference import reference
from mi.circuits.second_look import SecondLook, require_complete
from mi.organism.world import examples, items
from mi.progress import SILENT
from mi.refusal import Refusal

CIRCUIT = Circuit({"x": (3, 17, 40)})


@pytest.fixture(scope="module")
def parts(model, make_exact):
    asked = items("negation", "held-out", 7, 12)
    texts = [example.text for example in examples("negated_job_outdoor", "train", 11, 60)]
    coders = {"x": make_exact("blocks.2.hook_resid_post", model.d_model)}
    means = reference(model, coders, texts, SILENT, 64)
    return Answers(model, asked), Ablation(coders, means), SecondLook(model, asked, coders, means)


@pytest.mark.parametrize("error", ["kept", "ablated"])
@pytest.mark.parametrize("reading", ["only", "without"])
def test_the_ablation_agrees(model, parts, reading, error):
    answers, ablation, again = parts
    edits = getattr(ablation, reading)(CIRCUIT, answers.batch, error)
    column = answers.differences(model.run_edited(answers.batch, edits))
    again.require("column", column, CIRCUIT, reading == "only", error)
    with pytest.raises(Refusal, match="latent by latent"):
        again.require("column", column, Circuit({"x": tuple(range(60))}), reading == "only", error)


def test_clean_is_that_of_the_same_items(model, parts):
    answers, _, again = parts
    clean = answers.differences(model.logits(answers.batch))
    again.require_clean(clean)
    with pytest.raises(Refusal, match="clean"):
        again.require_clean(clean[::-1])


def test_attributions_add_up():
    require_complete("x", np.array([3.0, 1.0]), 5.0, 1.0)
    with pytest.raises(Refusal, match="add up"):
        require_complete("x", np.array([3.0, 9.0]), 5.0, 1.0)
