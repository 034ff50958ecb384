"""Mutants of benchmark wiring: what SAEBench is given is not what was meant (catalogue D01, D03, G02, G06, G12, C03)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, wrapped

SCENE = "saebench"


def adapting(change: Callable[[Any], Any]) -> Enact:
    """The adapter is made of a changed coder, and compared with the coder itself."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        import mi.saebench.subject_and_coder as prepared

        def around(adapt: Any) -> Any:
            return lambda coder, *rest: adapt(change(coder), *rest)

        return wrapped(prepared, "as_saelens", around)

    return enact


def _no_pre_bias(coder: Any) -> Any:
    from mi.coders.mutants import pre_bias_dropped

    return pre_bias_dropped(coder)


def _relu(coder: Any) -> Any:
    from mi.coders.mutants import relu_for_topk

    return relu_for_topk(coder)


def _another_model(scene: Any) -> AbstractContextManager[None]:
    """The name leads to another training run of the same architecture."""
    import mi.saebench.subject_and_coder as prepared
    from mi.subjects.load import load_subject
    from mi.subjects.spec import subject_spec

    other = load_subject(subject_spec("organism/seed1"))
    return wrapped(prepared, "model_for", lambda model_for: lambda subject: model_for(other))


def _two_bos(scene: Any) -> AbstractContextManager[None]:
    """The tokenizer puts BOS in front, and its template does so again."""
    import mi.saebench.subject_and_coder as prepared

    def around(model_for: Any) -> Any:
        def made(subject: Any) -> Any:
            from tokenizers.processors import TemplateProcessing

            model, number = model_for(subject), subject.vocabulary.bos
            bos = model.tokenizer.convert_ids_to_tokens(number)
            twice = TemplateProcessing(single=f"{bos} {bos} $A", special_tokens=[(bos, number)])
            model.tokenizer.backend_tokenizer.post_processor = twice
            return model

        return made

    return wrapped(prepared, "model_for", around)


def _first_batch(scene: Any) -> AbstractContextManager[None]:
    """Inside the loop over batches, all texts are enumerated instead of the batch's."""
    from mi.saebench.engine import load

    collect = load("sae_bench.sae_bench_utils.activation_collection")
    part = "tokens[i : i + batch_size]"
    return rewritten(collect, "get_llm_activations", (f"tokens_BL = {part}", f"tokens_BL = tokens[: len({part})]"))


def _another_file(scene: Any) -> AbstractContextManager[None]:
    """The result of another model is read, from a file with the same name."""
    from mi.subjects.spec import subject_spec

    return replaced(scene, "result", scene.run(subject_spec("organism/seed1")) / "saebench.json")


MUTANTS = (
    Mutant("D01f", "benchmarks", "the adapter's encoder does not subtract b_dec", SCENE, adapting(_no_pre_bias), ("K01",), "microscope ec80998"),
    Mutant("D03c", "benchmarks", "the adapter makes a plain ReLU of a TopK SAE", SCENE, adapting(_relu), ("K01",), "SAEBench 8b7a6ec"),
    Mutant("G02d", "benchmarks", "another model is evaluated under the name", SCENE, _another_model, ("K20", "K08"), "AxBench a57d715"),
    Mutant("G06d", "benchmarks", "every batch's activations are those of the first batch's texts", SCENE, _first_batch, ("K06", "K16"), "SAEBench 8a425cd"),
    Mutant("G12b", "benchmarks", "the result file of another model is read", SCENE, _another_file, ("K20",), "SAEDashboard 9938812"),
    Mutant("C03c", "benchmarks", "the benchmark feeds BOS twice", SCENE, _two_bos, ("K07",), "refusal_direction#7"),
)  # fmt: skip
