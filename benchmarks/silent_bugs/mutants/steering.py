"""Mutants of steered generation: doses, noise, directions, judges, perplexity, the choice of a coefficient."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, together, wrapped

SCENE = "steered"


def run(*changes: tuple[str, str]) -> Enact:
    """Some of the source of what runs a condition says something else."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.steering.condition import Bench

        return rewritten(Bench, "run", *changes)

    return enact


def dosing(change: Callable[[Any, Any, Any], Any]) -> Enact:
    """Change what one pass adds: ``change(steps, value, edited)``, where ``steps.fed`` was counted already."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.steering.generate import Steps

        def around(call: Any) -> Any:
            return lambda self, value: change(self, value, call(self, value))

        return wrapped(Steps, "__call__", around)

    return enact


def _twice_in_the_answer(steps: Any, value: Any, edited: Any) -> Any:
    return edited if value.shape[1] > 1 else edited + (edited - value)


def _twice(steps: Any, value: Any, edited: Any) -> Any:
    return edited + (edited - value)


def _prompt_only(steps: Any, value: Any, edited: Any) -> Any:
    return edited if value.shape[1] > 1 else value


def _padded_right(scene: Any) -> AbstractContextManager[None]:
    """Prompts are padded on the right and continued behind their padding."""
    import mi.steering.condition as condition
    import mi.steering.generate as generate

    with rewritten(generate, "generate", ('batch_size, len(batch))), "left")', 'batch_size, len(batch))), "right")')):
        changed = generate.generate
    return replaced(condition, "generate", changed)


def _one_noise_for_all(scene: Any) -> AbstractContextManager[None]:
    """Noise is seeded by the step alone: all prompts are continued by the same draw."""
    from mi.steering.generate import Gumbel

    def around(row: Any) -> Any:
        return lambda self, key, step, size, device: row(self, "", step, size, device)

    return wrapped(Gumbel, "row", around)


def _pairs_without_sides(scene: Any) -> AbstractContextManager[None]:
    """Pairs are centred on their own means, and which of the two is the positive one is lost."""
    import mi.steering.directions as directions

    return replaced(directions, "contrastive", lambda rows, counterparts, positive: (rows - counterparts).mean(0) / 2)


def _turned(scene: Any) -> AbstractContextManager[None]:
    """Negative examples less positive ones."""
    import mi.steering.directions as directions

    def around(difference: Any) -> Any:
        return lambda rows, positive: difference(rows, ~positive)

    return wrapped(directions, "difference_of_means", around)


def _unscaled_random(scene: Any) -> AbstractContextManager[None]:
    """The random arm keeps the norm that it was drawn with."""
    from mi.steering.directions import Directions

    def around(rows: Any) -> Any:
        def made(self: Any, arm: str, start: int, n: int) -> Any:
            found = rows(self, arm, start, n)
            return 3 * found if arm == "random" else found

        return made

    return wrapped(Directions, "rows", around)


def _chosen_on_test(scene: Any) -> AbstractContextManager[None]:
    """The coefficient with the highest success on the test prompts."""
    import mi.steering.sweep as sweep
    from mi.steering.record import Record

    kept: list[Any] = []

    def around_record(init: Any) -> Any:
        def made(self: Any, *given: Any) -> None:
            init(self, *given)
            kept[:] = [self]

        return made

    def around(choose: Any) -> Any:
        def made(rows: Any) -> Any:
            test = [row for row in kept[0].rows if row["split"] == "test" and row["arm"] != "baseline"]
            return choose([{**row, "split": "validation"} for row in test])

        return made

    return together(wrapped(Record, "__init__", around_record), wrapped(sweep, "choose", around))


def _judge_of_the_same_basis(scene: Any) -> AbstractContextManager[None]:
    """The judge is a probe along the direction that was steered."""
    import numpy as np

    import mi.steering.sweep as sweep
    from mi.probing.labelled import Labelled
    from mi.subjects.load import load_subject

    from ..scenes.probing import SITE

    subject, examples = load_subject(scene.spec), Labelled(scene.examples)

    def rows(texts: Any) -> Any:
        batch = subject.tokens([text or " " for text in texts], 64)
        x = subject.activations(batch, [SITE])[SITE]
        scored = batch.scored[..., None]
        return ((x * scored).sum(1) / scored.sum(1)).double().numpy()

    known, y = rows(examples.texts), examples.labels
    ends = known[y == 1].mean(0), known[y == 0].mean(0)
    along, middle = ends[0] - ends[1], (ends[0] + ends[1]) / 2

    def judge(texts: Any) -> Any:
        return ((rows(list(texts)) - middle) @ along > 0).astype(np.int64)

    return replaced(sweep, "answer_key", lambda concept: judge)


def _steered_perplexity(scene: Any) -> AbstractContextManager[None]:
    """Perplexity is measured with the steering still on."""
    import torch

    import mi.steering.condition as condition

    dose: list[Any] = []

    def around_generate(generate: Any) -> Any:
        def made(*given: Any, **more: Any) -> Any:
            dose[:] = [more.get("dose")]
            return generate(*given, **more)

        return made

    def around_nats(nats: Any) -> Any:
        def made(subject: Any, made_: Any, size: int) -> Any:
            if dose[0] is None:
                return nats(subject, made_, size)
            at = {g.prompt.ids + g.ids: v for g, v in zip(made_, dose[0].vectors, strict=True)}

            def logits(batch: Any) -> Any:
                vectors = torch.stack([at[row.ids] for row in batch.rows])
                return subject.run_edited(batch, {dose[0].site: lambda value: value + vectors[:, None].to(value)})

            with replaced(subject, "logits", logits):
                return nats(subject, made_, size)

        return made

    return together(wrapped(condition, "generate", around_generate), wrapped(condition, "nats_per_token", around_nats))


def _prompt_perplexity(scene: Any) -> AbstractContextManager[None]:
    """Perplexity of the prompt and the continuation together."""
    import mi.steering.perplexity as perplexity

    with rewritten(perplexity, "nats_per_token", ("counted[k, len(g.prompt.ids) - 1 :", "counted[k, 1 :")):
        changed = perplexity.nats_per_token
    import mi.steering.condition as condition

    return replaced(condition, "nats_per_token", changed)


NORM = "coefficient * self.directions.norm * self.directions.rows(arm, first, len(ids))"
OF_ANOTHER = (
    NORM + ' * (max(self.directions.facts["raw_norms"].values()) / self.directions.facts["raw_norms"].get(arm, 1.0))'
)
WRITTEN = "written = [g.text for g in made]"
WITH_PROMPT = "written = [prompt + g.text for prompt, g in zip(texts, made, strict=True)]"

MUTANTS = (
    Mutant("B07d", "steering", "the dose is given once to the prompt and twice to what follows", SCENE, dosing(_twice_in_the_answer), ("K09",), "CAA#2"),
    Mutant("B07e", "steering", "with the cache, only the prompt is steered", SCENE, dosing(_prompt_only), ("K09", "K08"), "practice"),
    Mutant("B07f", "steering", "every dose is given twice", SCENE, dosing(_twice), ("K09",), "CAA#2"),
    Mutant("B11d", "steering", "steered one block too early", SCENE, run(("Dose(self.directions.site, vectors)", 'Dose(self.directions.site.replace("2", "1"), vectors)')), ("K09", "K20"), "pyvene 2963569"),
    Mutant("B17", "steering", "pairs are centred one by one, and their sides are lost", SCENE, _pairs_without_sides, ("K22",), "IBM/activation-steering#8"),
    Mutant("B17b", "steering", "directions lead from the positive examples to the negative ones", SCENE, _turned, ("K22",), "practice"),
    Mutant("B21", "steering", "the vector is subtracted", SCENE, run((NORM, "-" + NORM)), ("K09",), "practice"),
    Mutant("C07b", "steering", "prompts are padded on the right and continued behind their padding", SCENE, _padded_right, ("K05",), "practice"),
    Mutant("F42", "steering", "perplexity is measured under the steered model", SCENE, _steered_perplexity, ("K24", "K20"), "practice"),
    Mutant("F43", "steering", "perplexity is that of prompt and continuation together", SCENE, _prompt_perplexity, ("K24",), "practice"),
    Mutant("G04", "steering", "doses come from a table of other directions' norms", SCENE, run((NORM, OF_ANOTHER)), ("K09", "K16"), "AxBench 7318153"),
    Mutant("G04b", "steering", "random directions are three times as long as the others", SCENE, _unscaled_random, ("K09", "K15"), "practice"),
    Mutant("H12", "steering", "the judge reads the prompt too", SCENE, run((WRITTEN, WITH_PROMPT)), ("K20", "K16"), "practice"),
    Mutant("H13", "steering", "the judge is a probe along the direction that is steered", SCENE, _judge_of_the_same_basis, ("K19",), "microscope A6-14"),
    Mutant("J09b", "steering", "the coefficient is chosen on the test prompts", SCENE, _chosen_on_test, ("K13",), "microscope A6-13, AxBench G03"),
    Mutant("J05b", "steering", "each arm is sampled with noise of its own", SCENE, run(("noise=self.noise", "noise=Gumbel(self.noise.seed + len(arm))")), ("K16", "K18"), "practice"),
    Mutant("J21", "steering", "all prompts are continued with the same noise", SCENE, _one_noise_for_all, ("K21", "K18"), "practice"),
)  # fmt: skip
